//! Lets a failure be told in better words: its text becomes `<failure>` on both sides.
//!
//! Everything else about a failure stays: condition, reason, generation, event type, severity, metadata. Ours is not
//! softened when it is empty or tells a path of the controllers' disk.

use serde_json::{Value, json};

const FAILURE: &str = "<failure>";
/// Conditions whose being true is the failure.
const BAD_WHEN_TRUE: [&str; 4] = ["FetchFailed", "IncludeUnavailable", "StorageOperationFailed", "Stalled"];

/// Softens both recordings; returns the texts that differ, recorded and ours, each once.
pub(super) fn failures(recorded: &mut Value, ours: &mut Value) -> Vec<(String, String)> {
    let theirs = soften(recorded, true);
    let mine = soften(ours, false);
    let mut other_words: Vec<(String, String)> = theirs.into_iter().zip(mine).filter(|(a, b)| a != b).collect();
    other_words.sort();
    other_words.dedup();
    other_words
}

/// Softens one recording; returns the texts of its failed conditions, by object and condition.
fn soften(world: &mut Value, is_recorded: bool) -> Vec<String> {
    let mut texts = Vec::new();
    for object in world["objects"].as_object_mut().into_iter().flat_map(|o| o.values_mut()) {
        for condition in object["status"]["conditions"].as_array_mut().into_iter().flatten() {
            if is_failure(condition) {
                texts.extend(replace(&mut condition["message"], is_recorded));
            }
        }
    }
    for event in world["events"].as_array_mut().into_iter().flatten().filter(|e| e["type"] == "Warning") {
        replace(&mut event["message"], is_recorded);
    }
    for event in world["notifications"].as_array_mut().into_iter().flatten().filter(|e| e["severity"] == "error") {
        replace(&mut event["message"], is_recorded);
    }
    for run in world["cli"].as_array_mut().into_iter().flatten() {
        if is_recorded {
            run["padding"] = json!("even");
        }
        let tabular = run["command"].as_str().is_some_and(|c| c.starts_with("flux get "));
        if tabular && let Some(lines) = run["stdout"].as_array() {
            let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
            run["stdout"] = table(&lines, is_recorded);
        }
    }
    texts
}

fn is_failure(condition: &Value) -> bool {
    let kind = condition["type"].as_str().unwrap_or_default();
    match condition["status"].as_str() {
        Some("False") => !BAD_WHEN_TRUE.contains(&kind),
        Some("True") => BAD_WHEN_TRUE.contains(&kind),
        _ => false,
    }
}

fn replace(message: &mut Value, is_recorded: bool) -> Option<String> {
    let text = message.as_str().unwrap_or_default().to_owned();
    if !is_recorded && (text.trim().is_empty() || text.contains("<tmp>")) {
        return None;
    }
    *message = json!(FAILURE);
    Some(text)
}

/// Rows of cells without padding; the message of what is not ready is softened. A message of several lines continues in
/// rows whose other cells are empty, or on lines without cells.
fn table(lines: &[&str], is_recorded: bool) -> Value {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut header: Vec<String> = Vec::new();
    for line in lines {
        let row = line.strip_suffix('\t').or(line.strip_suffix(' ')).unwrap_or(line);
        let cells: Vec<String> = row.split('\t').map(|cell| cell.trim_end().to_owned()).collect();
        if cells.len() > 1 && is_header(line) {
            header.clone_from(&cells);
        } else if cells[0].is_empty() && !line.trim_end_matches(' ').is_empty() || !line.is_empty() && cells.len() == 1
        {
            // More of the message above.
            if let Some(message) = rows.last_mut().and_then(|above| above.last_mut()) {
                message.push('\n');
                message.push_str(cells.last().map_or("", String::as_str));
                continue;
            }
        }
        rows.push(cells);
    }
    for cells in &mut rows {
        if let Some(message) = unready_message(&header, cells) {
            let mut value = json!(message.clone());
            replace(&mut value, is_recorded);
            value.as_str().unwrap_or_default().clone_into(message);
        }
    }
    json!(rows)
}

fn is_header(line: &str) -> bool {
    line.starts_with(|c: char| c.is_ascii_uppercase())
        && line.chars().all(|c| c.is_ascii_uppercase() || c.is_whitespace())
}

fn unready_message<'a>(header: &[String], cells: &'a mut [String]) -> Option<&'a mut String> {
    let column = |name: &str| header.iter().position(|h| h == name);
    let (ready, message) = (column("READY")?, column("MESSAGE")?);
    if cells.get(ready)? == "False" { cells.get_mut(message) } else { None }
}

/// `even` when all cells of a column of a table are equally wide; or the line that is not.
pub(super) fn padding(stdout: &str) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for line in stdout.lines() {
        if line.trim().is_empty() || !line.contains('\t') {
            widths.clear();
            continue;
        }
        // A row ends in a tab, the header in a blank.
        let row = line.strip_suffix('\t').or(line.strip_suffix(' ')).unwrap_or(line);
        let cells: Vec<usize> = row.split('\t').map(|c| c.chars().count()).collect();
        if widths.is_empty() {
            widths = cells;
        } else if widths != cells {
            return format!("uneven: {line:?}");
        }
    }
    "even".to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{failures, padding, table};

    #[test]
    fn only_the_text_of_a_failure_may_differ() {
        let world = |message: &str, reason: &str| {
            json!({ "objects": { "a": { "status": { "conditions": [
                { "type": "Ready", "status": "False", "reason": reason, "message": message },
                { "type": "Reconciling", "status": "True", "reason": "x", "message": "building" },
            ] } } } })
        };
        let (mut recorded, mut ours) = (world("stat <tmp>: no", "A"), world("path ./x is not there", "A"));
        assert_eq!(failures(&mut recorded, &mut ours).len(), 1);
        assert_eq!(recorded, ours);
        let (mut recorded, mut ours) = (world("same", "A"), world("same", "B"));
        assert!(failures(&mut recorded, &mut ours).is_empty());
        assert_ne!(recorded, ours);
        let (mut recorded, mut ours) = (world("stat <tmp>: no", "A"), world("open <tmp>: no", "A"));
        failures(&mut recorded, &mut ours);
        assert_ne!(recorded, ours);
    }

    #[test]
    fn tables_are_compared_by_cells() {
        let lines = [
            "NAME\tREADY\tMESSAGE  ",
            "a   \tFalse\tone line\t",
            "    \t     \tand more\t",
            "    \t     \t        \t",
            "b   \tTrue \tfine    \t",
            "",
        ];
        let expected = json!([["NAME", "READY", "MESSAGE"], ["a", "False", "<failure>"], ["b", "True", "fine"], [""]]);
        assert_eq!(table(&lines, false), expected);
    }

    #[test]
    fn padding_is_seen() {
        assert_eq!(padding("NAME\tX \nabcd\ty\t\n\nNAME \tX \nabcde\ty\t\n"), "even");
        assert_eq!(padding("NAME\tX \nabc\ty\t\n"), "uneven: \"abc\\ty\\t\"");
    }
}
