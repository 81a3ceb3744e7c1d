//! Reads one line and changes the table as it goes.

use serde_json::Value;

use super::{MAX_ADDED_ELEMENTS, MAX_INDEX, MAX_NESTED_INDEXES, MAX_NESTED_NAMES, SetError};
use crate::values::{self, Table, with_go_numbers_in};

/// How values are written.
pub(super) enum Form<'a> {
    /// Text with escapes, in which commas separate assignments; the function gives it a meaning.
    Escaped(&'a mut dyn FnMut(String) -> Result<Value, SetError>),
    /// JSON values, with commas between assignments.
    Json,
    /// Text to the end of the line.
    Literal,
}

/// Why reading stops. The end of the text is no error by itself, yet whoever meets it leaves the lists around it as
/// they are: `a[0].b=` leaves `a` empty, as in Helm.
pub(super) enum Stop {
    End,
    Error(SetError),
}

impl From<SetError> for Stop {
    fn from(error: SetError) -> Self {
        Self::Error(error)
    }
}

pub(super) struct Parser<'l, 'f> {
    rest: &'l str,
    form: Form<'f>,
    added_elements: usize,
}

impl<'l, 'f> Parser<'l, 'f> {
    pub(super) fn new(line: &'l str, form: Form<'f>) -> Self {
        Self { rest: line, form, added_elements: 0 }
    }

    pub(super) fn run(mut self, values: &mut Table) -> Result<(), SetError> {
        loop {
            if let Err(stop) = self.assignment(values, 0) {
                return stop.into();
            }
        }
    }

    /// Reads a name and what follows it, and sets it in `table`.
    fn assignment(&mut self, table: &mut Table, dots: usize) -> Result<(), Stop> {
        let stops: &[char] = if matches!(self.form, Form::Literal) { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, mark) = self.take_until(stops);
        match mark {
            None if key.is_empty() => Err(Stop::End),
            None => Err(SetError::NoValue(key).into()),
            Some('[') => self.list_assignment(table, key, dots),
            Some('=') => self.value_of(table, key),
            Some(',') => Err(SetError::NoValueBeforeComma(key).into()),
            Some(_) => self.table_assignment(table, key, dots + 1),
        }
    }

    fn list_assignment(&mut self, table: &mut Table, key: String, dots: usize) -> Result<(), Stop> {
        let index = self.index()?;
        let mut list = match table.get_mut(&key).map(Value::take) {
            None => Vec::new(),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(mismatch(key, &other, "a list").into()),
        };
        let outcome = self.element(&mut list, index, &key, dots, 1);
        if !key.is_empty() {
            table.insert(key, Value::Array(list));
        }
        outcome
    }

    fn table_assignment(&mut self, table: &mut Table, key: String, dots: usize) -> Result<(), Stop> {
        if dots > MAX_NESTED_NAMES {
            return Err(SetError::TooDeep.into());
        }
        let (mut inner, existed) = match table.get_mut(&key).map(Value::take) {
            None => (Table::new(), false),
            Some(Value::Object(inner)) => (inner, true),
            Some(other) => return Err(mismatch(key, &other, "a table").into()),
        };
        let outcome = self.assignment(&mut inner, dots);
        if outcome.is_ok() && inner.is_empty() {
            return Err(SetError::NoValueBelow(key).into());
        }
        if existed || (!inner.is_empty() && !key.is_empty()) {
            table.insert(key, Value::Object(inner));
        }
        outcome
    }

    fn value_of(&mut self, table: &mut Table, key: String) -> Result<(), Stop> {
        let (value, stop) = self.value(&key)?;
        if !key.is_empty() {
            table.insert(key, value);
        }
        stop.map_or(Ok(()), Err)
    }

    /// Reads what follows `]` and sets it at `index`, which grows the list when needed.
    fn element(&mut self, list: &mut Vec<Value>, index: i64, key: &str, dots: usize, depth: usize) -> Result<(), Stop> {
        if depth > MAX_NESTED_INDEXES {
            return Err(SetError::TooManyIndexes.into());
        }
        let index = usize::try_from(index).map_err(|_| SetError::NegativeIndex(index))?;
        let (between, mark) = self.take_until(&['[', '.', '=']);
        if !between.is_empty() {
            return Err(SetError::AfterIndex(between).into());
        }
        match mark {
            None => Err(Stop::End),
            Some('=') => {
                let (value, _) = self.value(key)?;
                self.put(list, index, value)
            }
            Some('[') => {
                let next = self.index()?;
                let mut inner = match list.get_mut(index).map(Value::take) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(inner)) => inner,
                    Some(other) => return Err(mismatch(key.to_owned(), &other, "a list").into()),
                };
                let outcome = self.element(&mut inner, next, key, dots, depth + 1);
                if outcome.is_ok() || index < list.len() {
                    self.put(list, index, Value::Array(inner))?;
                }
                outcome
            }
            Some(_) => {
                let mut inner = match list.get_mut(index).map(Value::take) {
                    Some(Value::Object(inner)) => inner,
                    _ => Table::new(),
                };
                let outcome = self.assignment(&mut inner, dots);
                if outcome.is_ok() || index < list.len() {
                    self.put(list, index, Value::Object(inner))?;
                }
                outcome
            }
        }
    }

    fn put(&mut self, list: &mut Vec<Value>, index: usize, value: Value) -> Result<(), Stop> {
        if index > MAX_INDEX {
            return Err(SetError::LargeIndex(i64::try_from(index).unwrap_or(i64::MAX)).into());
        }
        if let Some(slot) = list.get_mut(index) {
            *slot = value;
            return Ok(());
        }
        self.added_elements += index - list.len() + 1;
        if self.added_elements > MAX_ADDED_ELEMENTS {
            return Err(SetError::TooManyElements.into());
        }
        list.resize(index, Value::Null);
        list.push(value);
        Ok(())
    }

    fn index(&mut self) -> Result<i64, SetError> {
        let (text, mark) = self.take_until(&[']']);
        if mark.is_none() {
            return Err(SetError::OpenIndex);
        }
        text.parse().map_err(|_| SetError::NotAnIndex(text))
    }

    /// Reads the value after `=`, and whether the line ended right there.
    fn value(&mut self, key: &str) -> Result<(Value, Option<Stop>), Stop> {
        match &mut self.form {
            Form::Literal => Ok((Value::String(std::mem::take(&mut self.rest).to_owned()), None)),
            Form::Json => self.json(key).map(|value| (value, None)),
            Form::Escaped(_) if self.rest.is_empty() => Ok((Value::String(String::new()), Some(Stop::End))),
            Form::Escaped(_) => {
                if let Some(rest) = self.rest.strip_prefix('{') {
                    self.rest = rest;
                    return self.list().map(|list| (Value::Array(list), None));
                }
                let (text, _) = self.take_until(&[',']);
                Ok((self.meaning(text)?, None))
            }
        }
    }

    /// Reads `a,b}` and the comma after it.
    fn list(&mut self) -> Result<Vec<Value>, Stop> {
        let mut list = Vec::new();
        loop {
            let (text, mark) = self.take_until(&[',', '}']);
            if mark.is_none() {
                return Err(SetError::OpenList.into());
            }
            list.push(self.meaning(text)?);
            if mark == Some('}') {
                self.rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
                return Ok(list);
            }
        }
    }

    fn meaning(&mut self, text: String) -> Result<Value, SetError> {
        match &mut self.form {
            Form::Escaped(meaning) => meaning(text),
            Form::Json | Form::Literal => Ok(Value::String(text)),
        }
    }

    fn json(&mut self, key: &str) -> Result<Value, Stop> {
        if self.skip_blank_and_comma() {
            return Ok(Value::Null);
        }
        let mut stream = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
        let error = |message: String| Stop::Error(SetError::Json { key: key.to_owned(), message });
        let mut value = match stream.next() {
            Some(Ok(value)) => value,
            Some(Err(problem)) => return Err(error(problem.to_string())),
            None => return Err(error("missing".to_owned())),
        };
        with_go_numbers_in(&mut value);
        self.rest = &self.rest[stream.byte_offset()..];
        self.skip_blank_and_comma();
        Ok(value)
    }

    /// Skips white space up to and including one comma; whether a comma or the end was reached.
    fn skip_blank_and_comma(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => self.rest.is_empty(),
        }
    }

    /// Takes text up to one of `stops`, which is consumed and returned; `None` at the end of the line.
    fn take_until(&mut self, stops: &[char]) -> (String, Option<char>) {
        let escapes = !matches!(self.form, Form::Literal);
        let mut taken = String::new();
        let mut chars = self.rest.chars();
        let mut found = None;
        while let Some(c) = chars.next() {
            if stops.contains(&c) {
                found = Some(c);
                break;
            }
            if c == '\\' && escapes {
                taken.extend(chars.next());
            } else {
                taken.push(c);
            }
        }
        self.rest = chars.as_str();
        (taken, found)
    }
}

fn mismatch(key: String, found: &Value, expected: &'static str) -> SetError {
    let found = values::kind_of(found);
    SetError::Mismatch { key, found, expected }
}
