//! What is shown of the output of a step that failed.

/// How many lines are shown where nothing tells which of them matter.
const LAST: usize = 80;
/// How many lines are shown of what tests say of their failures.
const FAILURES: usize = 400;

/// The lines that tell why: of test programs what they print below `failures:`, each under the title of its program;
/// of anything else the last lines.
pub(super) fn of(output: &str) -> Vec<&str> {
    let mut told = Vec::new();
    let mut title = None;
    let mut is_failure = false;
    for line in output.lines() {
        if line.starts_with("==== ") {
            title = Some(line);
        }
        if line == "failures:" {
            is_failure = true;
            told.extend(title.take());
        } else if line.starts_with("test result: ") {
            is_failure = false;
        } else if is_failure {
            told.push(line);
        }
    }
    if told.is_empty() {
        told = output.lines().filter(|line| !is_success(line)).collect();
        return told.split_off(told.len().saturating_sub(LAST));
    }
    told.truncate(FAILURES);
    told
}

/// Lines that say nothing to somebody who looks for a failure.
fn is_success(line: &str) -> bool {
    line.ends_with(" ... ok") || line.trim_start().starts_with("Compiling ")
}

#[cfg(test)]
mod tests {
    use super::{LAST, of};

    #[test]
    fn failures_are_shown_and_successes_are_not() {
        let output = "\
==== apply it

test a ... ok
test b ... FAILED

successes:

---- a stdout ----
long

successes:
    a

failures:

---- b stdout ----
left: 1

failures:
    b

test result: FAILED. 1 passed; 1 failed; 0 ignored

==== flux it

successes:

---- c stdout ----
longer

test result: ok. 1 passed; 0 failed; 0 ignored
";
        assert_eq!(of(output), ["==== apply it", "", "---- b stdout ----", "left: 1", "", "    b", ""]);
    }

    #[test]
    fn of_a_program_that_ended_without_a_word_the_end_is_shown() {
        let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
        let output = lines.join("\n");
        let shown = of(&output);
        assert_eq!((shown.len(), shown[0]), (LAST, "line 20"));
    }
}
