//! TOML as `BurntSushi/toml` writes it.

use gotemplate::sprig::time::Time;
use gotemplate::strconv::{FloatFormat, format_float};
use gotemplate::value::MAX_NESTING;
use gotemplate::{List, Map, Value};

/// Writes a value, which must be a table.
pub(super) fn write(value: &Value) -> Result<String, String> {
    let mut writer = Writer { out: String::new() };
    match value {
        Value::Nil => return Err("toml: cannot encode nil".to_owned()),
        other => match other.as_map() {
            Some(map) => writer.table(&[], &map)?,
            None => writer.element(other, 0)?,
        },
    }
    Ok(writer.out)
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Map, String> {
    let table: ::toml::Table = text.parse().map_err(|error: ::toml::de::Error| {
        let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).split('\n').count());
        let message = error.message().lines().next().unwrap_or_default().to_owned();
        if message.contains("key with no value") {
            return format!("toml: line {line}: unexpected EOF; expected key separator '='");
        }
        format!("toml: line {line}: {message}")
    })?;
    Ok(table.into_iter().map(|(key, value)| (key, to_go(value))).collect())
}

fn to_go(value: ::toml::Value) -> Value {
    match value {
        ::toml::Value::String(text) => text.into(),
        ::toml::Value::Integer(n) => Value::Int64(n),
        ::toml::Value::Float(n) => n.into(),
        ::toml::Value::Boolean(b) => b.into(),
        ::toml::Value::Datetime(date) => {
            let text = date.to_string();
            let layouts = ["2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02", "15:04:05"];
            let time = layouts.iter().find_map(|layout| Time::parse(layout, &text).ok());
            time.map_or(text.into(), Value::object)
        }
        ::toml::Value::Array(items) => items.into_iter().map(to_go).collect::<List>().into(),
        ::toml::Value::Table(table) => {
            table.into_iter().map(|(key, value)| (key, to_go(value))).collect::<Map>().into()
        }
    }
}

struct Writer {
    out: String,
}

fn too_deep(depth: usize) -> Result<(), String> {
    if depth > MAX_NESTING { Err("toml: values nest too deeply".to_owned()) } else { Ok(()) }
}

/// The tables of a list that has nothing else in it, and something.
fn tables_of(value: &Value) -> Option<Vec<Map>> {
    let list = value.as_list().filter(|list| !list.is_empty())?;
    list.iter().map(Value::as_map).collect()
}

impl Writer {
    /// Writes what is no table first, so that it belongs to this table.
    fn table(&mut self, path: &[String], map: &Map) -> Result<(), String> {
        too_deep(path.len())?;
        let is_table = |value: &Value| value.as_map().is_some() || tables_of(value).is_some();
        let (below, direct): (Vec<_>, Vec<_>) = map.entries().into_iter().partition(|(_, value)| is_table(value));
        let indent = "  ".repeat(path.len().saturating_sub(usize::from(path.is_empty())));
        for (key, value) in direct.iter().filter(|(_, value)| !matches!(value, Value::Nil)) {
            self.out.push_str(&indent);
            self.out.push_str(&quoted_key(&key.to_str()));
            self.out.push_str(" = ");
            self.element(value, 0)?;
            self.out.push('\n');
        }
        for (key, value) in below {
            let mut path = path.to_vec();
            path.push(key.to_str().into_owned());
            let names: Vec<String> = path.iter().map(|key| quoted_key(key)).collect();
            let header = names.join(".");
            let indent = "  ".repeat(path.len() - 1);
            match value.as_map() {
                Some(map) => {
                    if path.len() == 1 {
                        self.blank_line();
                    }
                    self.out.extend([&indent, "[", &header, "]\n"]);
                    self.table(&path, &map)?;
                }
                None => {
                    for map in tables_of(&value).unwrap_or_default() {
                        self.blank_line();
                        self.out.extend([&indent, "[[", &header, "]]\n"]);
                        self.table(&path, &map)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn blank_line(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        too_deep(depth)?;
        match value {
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::String(text) => self.string(&text.to_str()),
            Value::Float64(n) => self.float(*n),
            Value::Uint64(n) => self.out.push_str(&n.to_string()),
            Value::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
            other => {
                if let Some(n) = other.as_int() {
                    self.out.push_str(&n.to_string());
                } else if let Some(time) = other.downcast::<Time>() {
                    self.out.push_str(&time.to_rfc3339());
                } else if let Some(list) = other.as_list() {
                    self.sequence('[', ']', &list, |writer, item| writer.element(item, depth + 1))?;
                } else if let Some(map) = other.as_map() {
                    let entries: Vec<_> =
                        map.entries().into_iter().filter(|(_, value)| !matches!(value, Value::Nil)).collect();
                    self.sequence('{', '}', &entries, |writer, (key, value)| {
                        writer.out.extend([&quoted_key(&key.to_str()), " = "]);
                        writer.element(value, depth + 1)
                    })?;
                } else {
                    return Err(format!("toml: unsupported type: {}", other.kind().name()));
                }
            }
        }
        Ok(())
    }

    fn sequence<T>(
        &mut self,
        open: char,
        close: char,
        items: &[T],
        write: impl Fn(&mut Self, &T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(", ");
            }
            write(self, item)?;
        }
        self.out.push(close);
        Ok(())
    }

    fn float(&mut self, n: f64) {
        if n.is_nan() {
            return self.out.push_str("nan");
        }
        if n.is_infinite() {
            return self.out.push_str(if n < 0.0 { "-inf" } else { "inf" });
        }
        let exponent = n != 0.0 && !(1e-4..1e21).contains(&n.abs());
        let text = format_float(n, if exponent { FloatFormat::Exponent } else { FloatFormat::Plain }, None);
        self.out.push_str(&text);
        if !text.contains(['e', '.']) {
            self.out.push_str(".0");
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push_str(&quoted(text));
    }
}

fn quoted_key(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => out.extend(["\\u00", &format!("{:02x}", u32::from(c))]),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
