//! The entry points: text in, documents or values out.

use serde_json::Value;

use crate::build::ToDocument;
use crate::compose::Composer;
use crate::error::{Error, ErrorKind, Position};
use crate::limits::Limits;
use crate::node::Document;
use crate::repair::{Fault, Repaired};
use crate::schema::Schema;
use crate::value::ToValue;

/// What happens when a mapping sets a key twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duplicates {
    /// The last one counts.
    LastWins,
    /// It is an error.
    Refused,
}

impl Duplicates {
    /// What Go does unless told otherwise.
    pub fn of(schema: Schema) -> Self {
        match schema {
            Schema::V2 => Self::LastWins,
            Schema::V3 => Self::Refused,
        }
    }
}

/// Reads values with settings other than the usual ones.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Whose rules decide about types.
    pub schema: Schema,
    /// Keys that are set twice.
    pub duplicates: Duplicates,
    /// How much is read before it is refused.
    pub limits: Limits,
}

impl Reader {
    /// The usual settings of a schema.
    pub fn new(schema: Schema) -> Self {
        Self { schema, duplicates: Duplicates::of(schema), limits: Limits::default() }
    }

    /// Refuses keys that are set twice, as `UnmarshalStrict` does.
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.duplicates = Duplicates::Refused;
        self
    }

    /// Reads within other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The values of the text's documents, one by one; an empty document is null. Stops after the first error.
    pub fn values<'t>(&self, text: &'t str) -> Values<'t> {
        let mut failed = None;
        let composer = match Composer::new(text, &self.limits, false) {
            Ok(composer) => Some(composer),
            Err(error) => {
                failed = Some(error);
                None
            }
        };
        let build = ToValue::new(self.schema, self.duplicates);
        Values { reader: self.clone(), text, composer, failed, build, read: 0, rest: Vec::new().into_iter() }
    }

    /// The value of the first document, null where there is none. What follows it is not looked at.
    pub fn value(&self, text: &str) -> Result<Value, Error> {
        self.values(text).next().map_or(Ok(Value::Null), |read| Ok(read?.value))
    }
}

/// A document's value and where the document starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Located {
    /// The value; null for an empty document.
    pub value: Value,
    /// Where its first token stands.
    pub at: Position,
}

/// Iterates over the documents of a text; made by [`Reader::values`].
pub struct Values<'t> {
    reader: Reader,
    text: &'t str,
    composer: Option<Composer<'t>>,
    failed: Option<Error>,
    build: ToValue,
    /// How many documents were read.
    read: usize,
    /// What was read ahead because the text needed repairs.
    rest: std::vec::IntoIter<Result<Located, Error>>,
}

impl Values<'_> {
    /// Reads what is left of a text that the parser refuses and Go reads.
    fn repair(&self, fault: Fault, error: Error) -> Vec<Result<Located, Error>> {
        let mut repaired = Repaired::new(self.text);
        let mut fault = Some(fault);
        while let Some(found) = fault
            && repaired.repair(found)
        {
            let mut results = Vec::new();
            fault = None;
            match Composer::new(&repaired.text, &self.reader.limits, false) {
                Ok(composer) => {
                    let mut composer = composer.repaired(repaired.fixes.clone());
                    let mut build = ToValue::new(self.reader.schema, self.reader.duplicates);
                    while let Some(result) = composer.document(&mut build).transpose() {
                        results.push(result.map(|at| Located { value: build.finish(), at }));
                    }
                    fault = composer.fault;
                }
                Err(error) => results.push(Err(error)),
            }
            if fault.is_none() {
                return results.split_off(self.read.min(results.len()));
            }
        }
        vec![Err(error)]
    }
}

impl Iterator for Values<'_> {
    type Item = Result<Located, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            return Some(Err(error));
        }
        let Some(composer) = &mut self.composer else {
            return self.rest.next();
        };
        match composer.document(&mut self.build) {
            Ok(Some(at)) => {
                self.read += 1;
                Some(Ok(Located { value: self.build.finish(), at }))
            }
            Ok(None) => None,
            Err(error) => {
                let fault = composer.fault;
                self.composer = None;
                self.rest = match fault {
                    Some(fault) => self.repair(fault, error),
                    None => vec![Err(error)],
                }
                .into_iter();
                self.rest.next()
            }
        }
    }
}

/// The values of all documents of a text, within the default limits; an empty document is null.
pub fn to_values(text: &str, schema: Schema) -> Result<Vec<Value>, Error> {
    Reader::new(schema).values(text).map(|read| Ok(read?.value)).collect()
}

/// The value of a text's first document, within the default limits; null where there is none.
pub fn to_value(text: &str, schema: Schema) -> Result<Value, Error> {
    Reader::new(schema).value(text)
}

/// The documents of a text with everything that their author wrote.
pub fn read(text: &str, limits: &Limits) -> Result<Vec<Document>, Error> {
    let mut repaired: Option<Repaired> = None;
    loop {
        let (parsed, fixes) = repaired.as_ref().map_or((text, Vec::new()), |r| (r.text.as_str(), r.fixes.clone()));
        let mut composer = Composer::new(parsed, limits, true)?.repaired(fixes);
        let error = match documents(&mut composer, text) {
            Ok(documents) => return Ok(documents),
            Err(error) => error,
        };
        let Some(fault) = composer.fault else {
            return Err(error);
        };
        drop(composer);
        if !repaired.get_or_insert_with(|| Repaired::new(text)).repair(fault) {
            return Err(error);
        }
    }
}

fn documents(composer: &mut Composer<'_>, text: &str) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    let mut build = ToDocument::new(text);
    while let Some(at) = composer.document(&mut build)? {
        documents.push(build.finish(at));
    }
    Ok(documents)
}

/// Checks that bytes are text; the error says where they stop being text.
pub fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let line = valid.split(|b| *b == b'\n').count();
        let last = valid.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        // Characters, not bytes: all but the continuation bytes of UTF-8.
        let column = last.iter().filter(|b| **b & 0xc0 != 0x80).count() + 1;
        let at = Position {
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        };
        let byte = rest.first().copied().unwrap_or_default();
        Error::new(at, ErrorKind::NotUtf8 { byte })
    })
}
