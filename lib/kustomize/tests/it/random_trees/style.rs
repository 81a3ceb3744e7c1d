//! Writes values as people do: in one of YAML's many styles, with comments and empty lines.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Random;

/// Writes one document.
pub(super) fn document(random: &mut Random, value: &Value) -> String {
    write(random, value, false)
}

fn write(random: &mut Random, value: &Value, loose: bool) -> String {
    let mut writer =
        Writer { wide: random.chance(40), commented: random.chance(40), loose, random, out: String::new() };
    writer.top(value);
    writer.out
}

/// Writes documents behind each other.
pub(super) fn documents(random: &mut Random, values: &[Value]) -> String {
    let mut out = String::new();
    if random.chance(30) {
        out.push_str("---\n");
    }
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            out.push_str(random.pick(&[
                "---\n",
                "---\n",
                "---\n",
                "---\n---\n",
                "--- # next\n",
                "---\n# nothing\n---\n",
            ]));
        }
        out.push_str(&write(random, value, true));
    }
    if random.chance(10) {
        out.push_str("---\n");
    }
    out
}

struct Writer<'r> {
    random: &'r mut Random,
    out: String,
    /// Lists are indented under their keys.
    wide: bool,
    commented: bool,
    /// Words that some readers take for booleans stand without quotes.
    loose: bool,
}

impl Writer<'_> {
    fn top(&mut self, value: &Value) {
        self.comment(0);
        match value {
            Value::Object(map) if !map.is_empty() => self.mapping(map, 0, false),
            Value::Array(items) if !items.is_empty() => self.sequence(items, 0, false),
            leaf => {
                let text = self.flow(leaf);
                let _ = writeln!(self.out, "{text}");
            }
        }
    }

    fn comment(&mut self, indent: usize) {
        if self.commented && self.random.chance(8) {
            let comment =
                self.random.pick(&["# a comment", "#", "#no space", "# key: value", "# - item", "\n# set off\n"]);
            for line in comment.split('\n') {
                let _ = writeln!(self.out, "{}{line}", " ".repeat(if line.is_empty() { 0 } else { indent }));
            }
        }
    }

    /// Ends a line, now and then with a comment.
    fn end(&mut self) {
        if self.commented && self.random.chance(6) {
            self.out.push_str(self.random.pick(&[" # behind", "  # far: behind", " #close"]));
        }
        self.out.push('\n');
    }

    fn mapping(&mut self, map: &Map<String, Value>, indent: usize, inline: bool) {
        let mut pairs: Vec<(&String, &Value)> = map.iter().collect();
        if self.random.chance(30) {
            self.random.shuffle(&mut pairs);
        }
        for (i, (key, value)) in pairs.into_iter().enumerate() {
            if i > 0 || !inline {
                self.comment(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            let key = self.scalar(key, false);
            self.out.push_str(&key);
            self.out.push(':');
            match value {
                Value::Object(map) if !map.is_empty() && !self.brackets(value) => {
                    self.end();
                    self.mapping(map, indent + 2, false);
                }
                Value::Array(items) if !items.is_empty() && !self.brackets(value) => {
                    self.end();
                    let indent = if self.wide { indent + 2 } else { indent };
                    self.sequence(items, indent, false);
                }
                leaf => self.leaf(leaf, indent),
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize, inline: bool) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 || !inline {
                self.comment(indent);
                self.out.push_str(&" ".repeat(indent));
            }
            self.out.push('-');
            match item {
                Value::Object(map) if !map.is_empty() && !self.brackets(item) => {
                    self.out.push(' ');
                    self.mapping(map, indent + 2, true);
                }
                Value::Array(items) if !items.is_empty() && !self.brackets(item) => {
                    self.out.push(' ');
                    self.sequence(items, indent + 2, true);
                }
                leaf => self.leaf(leaf, indent),
            }
        }
    }

    /// Whether a small value is written in brackets.
    fn brackets(&mut self, value: &Value) -> bool {
        self.random.chance(12) && value.to_string().len() < 80 && !value.to_string().contains("\\n")
    }

    fn leaf(&mut self, value: &Value, indent: usize) {
        let lines = value.as_str().filter(|text| text.contains('\n') && text.ends_with(|c: char| c != ' '));
        if let Some(text) = lines.filter(|text| text.starts_with(|c: char| c.is_alphanumeric())) {
            let chomp = match text.bytes().rev().take_while(|b| *b == b'\n').count() {
                0 => "-",
                1 => "",
                _ => "+",
            };
            let _ = writeln!(self.out, " |{chomp}");
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                let _ = writeln!(self.out, "{}{line}", " ".repeat(if line.is_empty() { 0 } else { indent + 2 }));
            }
            return;
        }
        let text = self.flow(value);
        if !text.is_empty() {
            let _ = write!(self.out, " {text}");
        }
        self.end();
    }

    fn flow(&mut self, value: &Value) -> String {
        match value {
            Value::String(text) => self.scalar(text, true),
            Value::Null => self.random.pick(&["null", "~", "Null"]).to_owned(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(map) => {
                let pairs: Vec<String> = map
                    .iter()
                    .map(|(key, value)| format!("{}: {}", self.scalar(key, false), self.flow(value)))
                    .collect();
                format!("{{{}}}", pairs.join(", "))
            }
            other => other.to_string(),
        }
    }

    /// A string, quoted where it must be and sometimes where it need not.
    fn scalar(&mut self, text: &str, is_value: bool) -> String {
        let plain = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'-' | b'_'))
            && !matches!(text.to_ascii_lowercase().as_str(), "null" | "true" | "false")
            && (self.loose || !matches!(text.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off"));
        if plain && !(is_value && self.random.chance(8)) {
            return text.to_owned();
        }
        if text.contains(['\n', '\t', '\u{7f}']) || self.random.chance(50) {
            serde_json::to_string(text).unwrap()
        } else {
            format!("'{}'", text.replace('\'', "''"))
        }
    }
}
