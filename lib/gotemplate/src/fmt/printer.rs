//! One value under one verb.

use std::rc::Rc;

use super::Error;
use crate::strconv::count_chars;
use crate::value::{Kind, List, MAX_NESTING, Map, Object, Type, Value};

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are Go's flags")]
pub(super) struct Flags {
    pub(super) sharp: bool,
    pub(super) zero: bool,
    pub(super) plus: bool,
    pub(super) minus: bool,
    pub(super) space: bool,
    /// `%#v`: as Go source.
    pub(super) go_syntax: bool,
    /// `%+v`: with the names of fields.
    pub(super) field_names: bool,
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
}

/// Go prints the address of a reference here. Renderings must be repeatable, so ours are all the same.
const ADDRESS: u64 = 0xc0_0000_0000;

pub(super) struct Printer<'o> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) flags: Flags,
    max: usize,
    /// While a wrong verb is reported, methods such as `String` are not called.
    complaining: bool,
}

impl<'o> Printer<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, max: usize) -> Self {
        Self { out, flags: Flags::default(), max, complaining: false }
    }

    /// Fails when too much has been printed.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.out.len() > self.max { Err(Error::TooLong(self.max)) } else { Ok(()) }
    }

    /// Prints an operand.
    pub(super) fn arg(&mut self, value: &Value, verb: char) -> Result<(), Error> {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Nil, _) => self.complain(verb, "(<nil>)"),
            (_, 'T') => self.text(value.type_name().as_bytes()),
            (_, 'p') => return self.pointer_or_complain(value, verb, 0),
            (Value::Bytes(bytes), 'v' | 'd') if self.flags.go_syntax => self.byte_list(bytes),
            _ => return self.value(value, verb, 0),
        }
        self.check()
    }

    /// Prints what an operand points to.
    pub(super) fn pointee(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Object(object) if object.kind() == Kind::Pointer && !object.is_nil() && object.text().is_none() => {
                self.contents(object, 'v', 0)
            }
            _ => self.arg(value, 'v'),
        }
    }

    /// Prints a value that is `depth` containers deep.
    fn value(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Error> {
        if depth > MAX_NESTING {
            return Err(Error::Nesting);
        }
        self.check()?;
        let fits = match value {
            // `%w` is for wrapping errors, which no template value is.
            Value::List(_) | Value::Map(_) | Value::Object(_) if verb == 'w' => false,
            Value::Nil => {
                let nil = if self.flags.go_syntax { "interface {}(nil)" } else { "<nil>" };
                self.out.extend_from_slice(nil.as_bytes());
                true
            }
            Value::Bool(b) => self.bool(*b, verb),
            Value::Int(n) | Value::Int64(n) => self.signed(*n, verb),
            Value::Int32(n) => self.signed(i64::from(*n), verb),
            Value::Uint8(n) => self.unsigned(u64::from(*n), verb),
            Value::Uint32(n) => self.unsigned(u64::from(*n), verb),
            Value::Uint64(n) => self.unsigned(*n, verb),
            Value::Float64(n) => self.float(*n, verb),
            Value::Complex128(re, im) => self.complex(*re, *im, verb),
            Value::String(s) => self.string(s.as_bytes(), verb),
            Value::Bytes(bytes) => match verb {
                's' | 'x' | 'X' | 'q' => self.string(bytes.as_slice(), verb),
                _ if bytes.is_nil() => return self.list(&List::nil(Type::Uint8), verb, depth),
                _ => {
                    let items = bytes.as_slice().iter().map(|&byte| Value::Uint8(byte)).collect();
                    return self.list(&List::new(Type::Uint8, items), verb, depth);
                }
            },
            Value::List(list) => return self.list(list, verb, depth),
            Value::Map(map) => return self.map(map, verb, depth),
            Value::Object(object) => return self.object(value, object, verb, depth),
            Value::Func(_) => return self.pointer_or_complain(value, verb, depth),
        };
        if fits { self.check() } else { self.wrong_verb(value, verb, depth) }
    }

    fn list(&mut self, list: &List, verb: char, depth: usize) -> Result<(), Error> {
        let go_syntax = self.flags.go_syntax;
        if go_syntax {
            self.out.extend_from_slice(format!("[]{}", list.elem()).as_bytes());
            if list.is_nil() {
                self.out.extend_from_slice(b"(nil)");
                return Ok(());
            }
        }
        self.out.push(if go_syntax { b'{' } else { b'[' });
        for (i, item) in list.iter().enumerate() {
            self.separate(i);
            self.value(item, verb, depth + 1)?;
        }
        self.out.push(if go_syntax { b'}' } else { b']' });
        Ok(())
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) -> Result<(), Error> {
        let go_syntax = self.flags.go_syntax;
        if go_syntax {
            self.out.extend_from_slice(format!("map[string]{}", map.elem()).as_bytes());
            if map.is_nil() {
                self.out.extend_from_slice(b"(nil)");
                return Ok(());
            }
            self.out.push(b'{');
        } else {
            self.out.extend_from_slice(b"map[");
        }
        for (i, (key, item)) in map.entries().into_iter().enumerate() {
            self.separate(i);
            self.value(&Value::String(key), verb, depth + 1)?;
            self.out.push(b':');
            self.value(&item, verb, depth + 1)?;
        }
        self.out.push(if go_syntax { b'}' } else { b']' });
        Ok(())
    }

    fn object(&mut self, value: &Value, object: &Rc<dyn Object>, verb: char, depth: usize) -> Result<(), Error> {
        if !self.complaining
            && !self.flags.go_syntax
            && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q')
            && let Some(text) = object.text()
        {
            self.string(text.as_bytes(), verb);
            return self.check();
        }
        if object.kind() == Kind::Pointer {
            let points_to_container =
                object.underlying().is_none_or(|value| matches!(value.kind(), Kind::Slice | Kind::Map | Kind::Struct));
            if depth > 0 || object.is_nil() || !points_to_container {
                return self.pointer_or_complain(value, verb, depth);
            }
            self.out.push(b'&');
        }
        self.contents(object, verb, depth)
    }

    /// Prints what is under a named type or in a struct.
    fn contents(&mut self, object: &Rc<dyn Object>, verb: char, depth: usize) -> Result<(), Error> {
        if let Some(value) = object.underlying() {
            return self.value(&value, verb, depth + 1);
        }
        if self.flags.go_syntax {
            self.out.extend_from_slice(object.type_name().trim_start_matches('*').as_bytes());
        }
        self.out.push(b'{');
        for (i, (name, item)) in object.fields().into_iter().enumerate() {
            self.separate(i);
            if self.flags.field_names || self.flags.go_syntax {
                self.out.extend_from_slice(name.as_bytes());
                self.out.push(b':');
            }
            self.value(&item, verb, depth + 1)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn pointer_or_complain(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Error> {
        let is_nil = match value {
            Value::Object(object) if object.kind() == Kind::Pointer => object.is_nil(),
            Value::List(list) => list.is_nil(),
            Value::Map(map) => map.is_nil(),
            Value::Bytes(bytes) => bytes.is_nil(),
            Value::Func(_) => false,
            _ => return self.wrong_verb(value, verb, depth),
        };
        let address = if is_nil { 0 } else { ADDRESS };
        match verb {
            'v' if self.flags.go_syntax => {
                self.out.extend_from_slice(format!("({})(", value.type_name()).as_bytes());
                if is_nil {
                    self.out.extend_from_slice(b"nil");
                } else {
                    self.prefixed_hex(address, true);
                }
                self.out.push(b')');
            }
            'v' if is_nil => self.pad(b"<nil>"),
            'v' | 'p' => self.prefixed_hex(address, !self.flags.sharp),
            'b' | 'o' | 'd' | 'x' | 'X' => {
                self.unsigned(address, verb);
            }
            _ => return self.wrong_verb(value, verb, depth),
        }
        self.check()
    }

    fn separate(&mut self, i: usize) {
        if i > 0 {
            self.out.extend_from_slice(if self.flags.go_syntax { b", " } else { b" " });
        }
    }

    /// `%!d(string=x)`
    fn wrong_verb(&mut self, value: &Value, verb: char, depth: usize) -> Result<(), Error> {
        let outer = std::mem::replace(&mut self.complaining, true);
        self.complain(verb, "(");
        self.out.extend_from_slice(value.type_name().as_bytes());
        self.out.push(b'=');
        self.value(value, 'v', depth)?;
        self.out.push(b')');
        self.complaining = outer;
        Ok(())
    }

    pub(super) fn complain(&mut self, verb: char, what: &str) {
        self.out.extend_from_slice(format!("%!{verb}{what}").as_bytes());
    }

    /// Writes text at the width asked for.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let missing = self.flags.width.filter(|&width| width > 0).map_or(0, |width| {
            // Only a text that could be too short needs its characters counted.
            if text.len() >= 4 * width { 0 } else { width.saturating_sub(count_chars(text)) }
        });
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.out.extend_from_slice(text);
        }
    }

    /// Writes text at the width asked for, with spaces even when zeros are asked for.
    pub(super) fn pad_with_spaces(&mut self, text: &[u8]) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    pub(super) fn padding(&mut self, count: usize) {
        let fill = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, fill);
    }
}
