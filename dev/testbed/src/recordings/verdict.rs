//! Decides whether what ours left is what Flux left.

use std::path::Path;

use serde_json::Value;

use super::compare::{self, Difference};
use super::expectations::Expectations;
use super::scenario::Scenario;
use super::soften;

/// Fails with every difference that nobody expects, and for a scenario that is equal although it is listed for later.
///
/// What ours left is kept in `folder`, beside what Flux left.
///
/// # Errors
/// The differences, to be read by a person.
pub fn judge(
    scenario: &Scenario,
    played: Result<Value, String>,
    expectations: &Expectations,
    folder: &Path,
) -> Result<(), String> {
    let name = &scenario.name;
    let differences = match played {
        Ok(mut ours) => {
            let mut recorded = scenario.recorded.clone();
            let folder = folder.join(name);
            std::fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
            keep(&folder, "ours.json", &format!("{ours:#}\n"))?;
            keep(&folder, "flux.json", &format!("{recorded:#}\n"))?;
            let other_words = soften::failures(&mut recorded, &mut ours);
            let lines: Vec<String> = other_words.iter().map(|(a, b)| format!("Flux: {a}\nours: {b}\n")).collect();
            keep(&folder, "reworded.txt", &lines.join("\n"))?;
            compare::worlds(&recorded, &ours)
        }
        Err(stuck) => {
            vec![Difference { path: "play".to_owned(), recorded: "plays to its end".to_owned(), ours: stuck }]
        }
    };
    let unexpected: Vec<&Difference> = differences.iter().filter(|d| !expectations.means(name, d)).collect();
    match (unexpected.is_empty(), expectations.later(name)) {
        (true, None) | (false, Some(_)) => Ok(()),
        (true, Some(feature)) => Err(format!("is equal now: remove it from `later` (it waited for {feature})")),
        (false, None) => {
            let lines: Vec<String> = unexpected.iter().map(ToString::to_string).collect();
            Err(format!("differs from what Flux left:\n{}", lines.join("\n")))
        }
    }
}

/// Keeps what a person may want to look at afterwards.
fn keep(folder: &Path, file: &str, text: &str) -> Result<(), String> {
    std::fs::write(folder.join(file), text).map_err(|e| format!("write {file}: {e}"))
}
