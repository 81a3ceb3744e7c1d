//! Numbers of tests and corpus cases, read from what `cargo test -- --show-output` prints.
//!
//! A test that runs a corpus says `SUITE: N cases`, with whatever it likes after that.

use std::collections::BTreeMap;
use std::fmt;

use super::programs::Server;

/// How many of what ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    passed: usize,
    failed: usize,
    end_to_end: BTreeMap<Server, usize>,
    /// What each suite said after its name.
    corpora: BTreeMap<String, String>,
}

impl Counts {
    /// Reads the output of any number of test binaries.
    pub(super) fn of(output: &str) -> Self {
        let mut counts = Self::default();
        for line in output.lines() {
            if let Some(rest) = line.strip_prefix("test result: ") {
                let number = |what: &str| {
                    let field = rest.split("; ").find_map(|f| f.strip_suffix(what))?;
                    field.rsplit(' ').next()?.parse::<usize>().ok()
                };
                counts.passed += number(" passed").unwrap_or_default();
                counts.failed += number(" failed").unwrap_or_default();
            } else if let Some((suite, said)) = line.trim().split_once(": ").filter(|(_, said)| is_cases(said)) {
                counts.corpora.insert(suite.trim_start_matches("corpus ").to_owned(), said.to_owned());
            }
        }
        counts
    }

    pub(super) fn add(&mut self, other: Self, server: Option<Server>) {
        self.passed += other.passed;
        self.failed += other.failed;
        if let Some(server) = server {
            *self.end_to_end.entry(server).or_default() += other.passed + other.failed;
        }
        self.corpora.extend(other.corpora);
    }

    /// For the line of a step.
    pub(super) fn in_brief(&self) -> String {
        match (self.passed, self.failed) {
            (0, 0) => String::new(),
            (passed, 0) => format!("   {passed} tests"),
            (passed, failed) => format!("   {} tests, {failed} failed", passed + failed),
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "tests        {} ({} failed)", self.passed + self.failed, self.failed)?;
        for (server, count) in &self.end_to_end {
            writeln!(f, "end to end   {count} on the {} API server", server.name())?;
        }
        for (suite, said) in &self.corpora {
            writeln!(f, "corpus       {suite}: {said}")?;
        }
        Ok(())
    }
}

/// `N cases`, and anything after it.
fn is_cases(said: &str) -> bool {
    let (number, rest) = said.split_at(said.find(|c: char| !c.is_ascii_digit()).unwrap_or(said.len()));
    !number.is_empty() && rest.starts_with(" cases")
}

#[cfg(test)]
mod tests {
    use super::{Counts, Server};

    const OUTPUT: &str = "\
running 2 tests
test a ... ok
test b ... FAILED

---- a stdout ----
gotemplate: 812 cases, 3 listed as different
note: no cases

test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.00s
test result: ok. 20 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

    #[test]
    fn results_of_all_binaries_are_added() {
        let mut total = Counts::default();
        total.add(Counts::of(OUTPUT), Some(Server::Embedded));
        total.add(Counts::of(OUTPUT), None);
        let expected = "tests        44 (2 failed)\nend to end   22 on the embedded API server\n\
                        corpus       gotemplate: 812 cases, 3 listed as different\n";
        assert_eq!(total.to_string(), expected);
        assert_eq!(Counts::of(OUTPUT).in_brief(), "   22 tests, 1 failed");
    }
}
