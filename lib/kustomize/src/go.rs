//! What Go's standard library prints where its exact text reaches the output.

use std::fmt::Write as _;

/// `strconv.FormatFloat(f, 'g', -1, 64)`.
pub(crate) fn format_float(float: f64) -> String {
    let scientific = format!("{float:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return format!("{float}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

/// `json.Marshal` of a string: what is special in HTML is escaped, and two line separators that JavaScript minds.
pub(crate) fn json_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `json.Marshal` of any value; maps come sorted.
pub(crate) fn json(value: &serde_json::Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, None);
    out
}

/// `json.MarshalIndent` with two spaces.
pub(crate) fn json_indented(value: &serde_json::Value) -> String {
    let mut out = String::new();
    write_json(&mut out, value, Some(0));
    out
}

fn write_json(out: &mut String, value: &serde_json::Value, indent: Option<usize>) {
    use serde_json::Value;
    let line = |out: &mut String, depth: usize| {
        if indent.is_some() {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    let depth = indent.unwrap_or_default();
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&json_number(number)),
        Value::String(text) => json_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                write_json(out, item, indent.map(|depth| depth + 1));
            }
            if !items.is_empty() {
                line(out, depth);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, item)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                line(out, depth + 1);
                json_string(out, key);
                out.push_str(if indent.is_some() { ": " } else { ":" });
                write_json(out, item, indent.map(|depth| depth + 1));
            }
            if !fields.is_empty() {
                line(out, depth);
            }
            out.push('}');
        }
    }
}

fn json_number(number: &serde_json::Number) -> String {
    let Some(float) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let magnitude = float.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        let scientific = format!("{float:e}");
        return match scientific.split_once('e') {
            Some((mantissa, exponent)) if !exponent.starts_with('-') => format!("{mantissa}e+{exponent}"),
            _ => scientific,
        };
    }
    format!("{float}")
}

/// `filepath.Base` of a slash path.
pub(crate) fn base_name(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return if path.is_empty() { "." } else { "/" };
    }
    trimmed.rsplit('/').next().unwrap_or(trimmed)
}

#[cfg(test)]
mod tests {
    use super::{base_name, format_float, json, json_indented};

    #[test]
    fn floats_print_as_in_go() {
        for (float, expected) in [
            (1.0, "1"),
            (0.5, "0.5"),
            (1e6, "1e+06"),
            (123_456.0, "123456"),
            (1_234_567.0, "1.234567e+06"),
            (1e20, "1e+20"),
            (1e-5, "1e-05"),
            (-2.25, "-2.25"),
        ] {
            assert_eq!(format_float(float), expected);
        }
    }

    #[test]
    fn json_is_what_go_marshals() {
        let value = serde_json::json!({"b": "<a>&\u{1}", "a": [1, 1.5, 1e21, 1e-7], "c": {}, "d": []});
        assert_eq!(json(&value), r#"{"a":[1,1.5,1e+21,1e-7],"b":"\u003ca\u003e\u0026\u0001","c":{},"d":[]}"#);
        assert_eq!(json_indented(&serde_json::json!({"a": [1]})), "{\n  \"a\": [\n    1\n  ]\n}");
    }

    #[test]
    fn base_names_are_those_of_go() {
        for (path, expected) in [("a/b.yaml", "b.yaml"), ("b", "b"), ("a/b/", "b"), ("", ".")] {
            assert_eq!(base_name(path), expected);
        }
    }
}
