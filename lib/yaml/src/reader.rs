//! The entry points: text in, documents or values out.

use serde_json::Value;

use crate::build::ToDocument;
use crate::compose::{Build, Composer, Kind, OpenEvent, Place, ScalarEvent};
use crate::error::{Error, ErrorKind, Position};
use crate::limits::Limits;
use crate::node::{Document, Node};
use crate::quick::{Aside, Quick};
use crate::repair::{Fault, Repaired};
use crate::schema::Schema;
use crate::value::{Keep, ToValue};

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
    /// How much of each document is built.
    pub keep: Keep,
}

impl Reader {
    /// The usual settings of a schema.
    pub fn new(schema: Schema) -> Self {
        Self { schema, duplicates: Duplicates::of(schema), limits: Limits::default(), keep: Keep::All }
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

    /// Builds a part of each document only. What is left out may set a key twice; all else that is refused is refused
    /// there too.
    #[must_use]
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    fn build(&self) -> ToValue {
        ToValue::new(self.schema, self.duplicates, self.keep)
    }

    /// The values of the text's documents, one by one; an empty document is null. Stops after the first error.
    pub fn values<'t>(&self, text: &'t str) -> Values<'t> {
        let build = self.build();
        let from = match Quick::new(text, &self.limits) {
            Some(quick) => From::Quick(quick),
            None => From::parser(text, &self.limits),
        };
        Values { reader: self.clone(), text, from, build, read: 0 }
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
    from: From<'t>,
    build: ToValue,
    /// How many documents were read.
    read: usize,
}

/// Where the documents come from.
enum From<'t> {
    Quick(Quick<'t>),
    Parser(Box<Composer<'t>>),
    /// What was read ahead, because the text needed repairs or is wrong.
    Ahead(std::vec::IntoIter<Result<Located, Error>>),
}

impl<'t> From<'t> {
    fn parser(text: &'t str, limits: &Limits) -> Self {
        match Composer::new(text, limits, false) {
            Ok(composer) => Self::Parser(Box::new(composer)),
            Err(error) => Self::Ahead(vec![Err(error)].into_iter()),
        }
    }
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
                    let mut build = self.reader.build();
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

    /// Begins anew with the parser, behind the documents that are read.
    fn leave_to_parser(&mut self) {
        self.from = From::parser(self.text, &self.reader.limits);
        self.build.restart();
        if let From::Parser(composer) = &mut self.from {
            for _ in 0..self.read {
                if let Err(error) = composer.document(&mut Nothing) {
                    self.from = From::Ahead(vec![Err(error)].into_iter());
                    return;
                }
            }
        }
    }
}

impl Iterator for Values<'_> {
    type Item = Result<Located, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if let From::Quick(quick) = &mut self.from {
            match quick.document(&mut self.build) {
                Ok(Some(at)) => {
                    self.read += 1;
                    return Some(Ok(Located { value: self.build.finish(), at }));
                }
                Ok(None) => return None,
                Err(Aside) => self.leave_to_parser(),
            }
        }
        match &mut self.from {
            From::Quick(_) => None,
            From::Ahead(rest) => rest.next(),
            From::Parser(composer) => match composer.document(&mut self.build) {
                Ok(Some(at)) => {
                    self.read += 1;
                    Some(Ok(Located { value: self.build.finish(), at }))
                }
                Ok(None) => None,
                Err(error) => {
                    let rest = match composer.fault {
                        Some(fault) => self.repair(fault, error),
                        None => vec![Err(error)],
                    };
                    let mut rest = rest.into_iter();
                    let first = rest.next();
                    self.from = From::Ahead(rest);
                    first
                }
            },
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
    parse(text, limits, true, |composer| {
        let mut documents = Vec::new();
        let mut build = ToDocument::new(text);
        while let Some(at) = composer.document(&mut build)? {
            documents.push(build.finish(at));
        }
        Ok(documents)
    })
}

/// The first document's value with its styles and places, without comments; nothing where there is no document.
pub fn node(text: &str, limits: &Limits) -> Result<Option<Node>, Error> {
    let mut build = ToDocument::new(text);
    Ok(compose(text, limits, &mut build)?.map(|at| build.finish(at).root))
}

/// Builds a text's first document, without its comments; says where it starts, or nothing where there is none. What
/// follows it must be YAML too.
pub fn compose<B: Build>(text: &str, limits: &Limits, build: &mut B) -> Result<Option<Position>, Error> {
    if let Some(mut quick) = Quick::new(text, limits) {
        if let Ok(at) = quick.document(build)
            && loop {
                match quick.document(&mut Nothing) {
                    Ok(Some(_)) => {}
                    Ok(None) => break true,
                    Err(Aside) => break false,
                }
            }
        {
            return Ok(at);
        }
        build.restart();
    }
    parse(text, limits, false, |composer| {
        build.restart();
        let at = composer.document(build)?;
        while composer.document(&mut Nothing)?.is_some() {}
        Ok(at)
    })
}

/// Parses a text, as often as it takes to repair it.
fn parse<T>(
    text: &str,
    limits: &Limits,
    presentation: bool,
    mut with: impl FnMut(&mut Composer<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut repaired: Option<Repaired> = None;
    loop {
        let (parsed, fixes) = repaired.as_ref().map_or((text, Vec::new()), |r| (r.text.as_str(), r.fixes.clone()));
        let mut composer = Composer::new(parsed, limits, presentation)?.repaired(fixes);
        let error = match with(&mut composer) {
            Ok(result) => return Ok(result),
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

/// Builds nothing: what a document holds does not matter, only whether it can be read.
struct Nothing;

impl Build for Nothing {
    fn scalar(&mut self, _scalar: ScalarEvent<'_>) -> Result<(), ErrorKind> {
        Ok(())
    }
    fn open(&mut self, _kind: Kind, _start: OpenEvent<'_>) -> Result<(), ErrorKind> {
        Ok(())
    }
    fn close(&mut self, _place: Place) -> Result<(), ErrorKind> {
        Ok(())
    }
    fn alias(&mut self, _anchor: usize, _name: &str, _place: Place) -> Result<(), ErrorKind> {
        Ok(())
    }
    fn restart(&mut self) {}
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
