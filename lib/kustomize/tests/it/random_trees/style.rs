//! Writes values as people do: in one of YAML's many styles, with comments and empty lines.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Random;

/// Writes one document.
pub(super) fn document(random: &mut Random, value: &Value) -> String {
    write(random, value, false)
}

fn write(random: &mut Random, value: &Value, loose: bool) -> String {
    let step = if random.chance(80) { 2 } else { 4 };
    let list_step = if random.chance(40) { step } else { 0 };
    let (commented, rich) = (random.chance(40), random.chance(30));
    let mut writer =
        Writer { step, list_step, commented, rich, loose, anchors: Vec::new(), random, out: String::new() };
    writer.top(value);
    let mut text = writer.out;
    if random.chance(2) {
        text = text.replace('\n', "\r\n");
    }
    text
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
    /// Columns between a map and the maps in it.
    step: usize,
    /// Columns between a map and the lists in it.
    list_step: usize,
    commented: bool,
    /// With anchors, folded blocks and texts over several lines.
    rich: bool,
    /// Texts that were given names so far.
    anchors: Vec<String>,
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
                    self.mapping(map, indent + self.step, false);
                }
                Value::Array(items) if !items.is_empty() && !self.brackets(value) => {
                    self.end();
                    self.sequence(items, indent + self.list_step, false);
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
        if let Some(text) = value.as_str().filter(|_| self.rich) {
            let known = self.anchors.iter().position(|known| known == text).filter(|_| self.random.chance(70));
            if let Some(i) = known {
                let _ = write!(self.out, " *a{i}");
                self.end();
                return;
            }
            if self.random.chance(6) {
                let _ = write!(self.out, " &a{}", self.anchors.len());
                self.anchors.push(text.to_owned());
            }
        }
        let is_word = |c: char| c.is_alphanumeric();
        let text = value.as_str().unwrap_or_default();
        if text.contains('\n') && text.starts_with(is_word) && !text.ends_with(' ') {
            self.block(text, indent + self.step);
        } else if self.rich && text.contains(' ') && text.chars().all(|c| is_word(c) || c == ' ') && text == text.trim()
        {
            let lines = text.replacen(' ', &format!("\n{}", " ".repeat(indent + self.step)), 2);
            let quote = self.random.pick(&["", "'", "\""]);
            let _ = writeln!(self.out, " {quote}{lines}{quote}");
        } else {
            let text = self.flow(value);
            if !text.is_empty() {
                let _ = write!(self.out, " {text}");
            }
            self.end();
        }
    }

    /// Lines as they are or, to be folded, with some of them further in.
    fn block(&mut self, text: &str, indent: usize) {
        let chomp = match text.bytes().rev().take_while(|b| *b == b'\n').count() {
            0 => "-",
            1 => "",
            _ => "+",
        };
        // What is longer may be a document of its own.
        let folded = self.rich && text.len() < 60 && self.random.chance(50);
        let _ = writeln!(self.out, " {}{chomp}", if folded { '>' } else { '|' });
        for (i, line) in text.strip_suffix('\n').unwrap_or(text).split('\n').enumerate() {
            let deeper = usize::from(i > 0 && folded && self.random.chance(30));
            let indent = if line.is_empty() { 0 } else { indent + deeper };
            let _ = writeln!(self.out, "{}{line}", " ".repeat(indent));
        }
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
