//! What a sandbox came to, for people and for programs.

use std::fmt::Write as _;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::json;

use super::view::{Line, State};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A line for each object.
    Text,
    /// One JSON object.
    Json,
    /// JUnit's XML, as CI systems show it.
    Junit,
}

/// Writes how each object of the tree is.
pub(super) fn write(state: &State, took: Duration, format: Format) -> String {
    let lines = state.lines();
    match format {
        Format::Text => lines.iter().map(|line| text(line)).collect(),
        Format::Json => {
            let objects = lines
                .iter()
                .map(|line| json!({ "name": line.name, "ready": line.health == Some(true), "message": line.message }));
            let report = json!({
                "ready": state.is_ready(), "seconds": took.as_secs_f64(), "objects": objects.collect::<Vec<_>>(),
            });
            format!("{report}\n")
        }
        Format::Junit => junit(&lines, took),
    }
}

fn text(line: &Line) -> String {
    let verdict = if line.health == Some(true) { "ready" } else { "not ready" };
    format!("{verdict:<10} {}  {}\n", line.name, line.message)
}

fn junit(lines: &[&Line], took: Duration) -> String {
    let failed = lines.iter().filter(|line| line.health != Some(true)).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"flux sandbox\" tests=\"{}\" failures=\"{failed}\" time=\"{:.3}\">\n",
        lines.len(),
        took.as_secs_f64()
    );
    for line in lines {
        let name = escaped(&line.name);
        // Writing to a String cannot fail.
        let _ = match line.health {
            Some(true) => writeln!(xml, "  <testcase name=\"{name}\"/>"),
            _ => writeln!(
                xml,
                "  <testcase name=\"{name}\"><failure message=\"not ready\">{}</failure></testcase>",
                escaped(&line.message)
            ),
        };
    }
    xml + "</testsuite>\n"
}

/// Text for XML, without the characters that XML cannot hold.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\n' | '\t' => safe.push(character),
            character if character.is_control() => safe.push(' '),
            character => safe.push(character),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_name_what_is_not_ready_and_why() {
        let ready = Line { name: "GitRepository/a/b".into(), health: Some(true), message: "stored".into() };
        let waits = Line { name: "Kustomization/a/c".into(), health: None, message: "<waiting> & \"so\"\u{1b}".into() };
        let xml = junit(&[&ready, &waits], Duration::from_millis(1500));
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <testsuite name=\"flux sandbox\" tests=\"2\" failures=\"1\" time=\"1.500\">\n  \
             <testcase name=\"GitRepository/a/b\"/>\n  \
             <testcase name=\"Kustomization/a/c\"><failure message=\"not ready\">\
             &lt;waiting&gt; &amp; &quot;so&quot; </failure></testcase>\n</testsuite>\n"
        );
        assert_eq!(text(&ready), "ready      GitRepository/a/b  stored\n");
    }
}
