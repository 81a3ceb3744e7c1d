//! The last attempts of a Kustomization, newest first.

use std::collections::BTreeMap;
use std::time::Duration;

use api::Snapshot;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// How many attempts are kept.
const LONGEST: usize = 5;

/// One attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    /// The digest of the rendered objects.
    pub(crate) digest: String,
    /// The reason of `Ready` afterwards.
    pub(crate) status: &'static str,
    /// When it ended.
    pub(crate) at: Timestamp,
    /// How long it took.
    pub(crate) took: Duration,
    /// The revisions that the objects came from.
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Adds an attempt. One that rendered the same and ended the same as an earlier one is counted there, and moves to the
/// front.
pub(crate) fn add(history: &mut Vec<Snapshot>, attempt: Attempt) {
    let at = Time(Timestamp::from_second(attempt.at.as_second()).unwrap_or(attempt.at));
    let same =
        |snapshot: &Snapshot| snapshot.digest == attempt.digest && snapshot.last_reconciled_status == attempt.status;
    let mut snapshot = match history.iter().position(same) {
        Some(index) => history.remove(index),
        None => Snapshot {
            digest: attempt.digest,
            first_reconciled: at.clone(),
            last_reconciled: at.clone(),
            last_reconciled_duration: api::Duration::default(),
            last_reconciled_status: attempt.status.to_owned(),
            total_reconciliations: 0,
            metadata: BTreeMap::new(),
        },
    };
    snapshot.last_reconciled = at;
    snapshot.last_reconciled_duration = attempt.took.into();
    snapshot.total_reconciliations = snapshot.total_reconciliations.saturating_add(1);
    snapshot.metadata = attempt.metadata;
    history.insert(0, snapshot);
    history.truncate(LONGEST);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(digest: &str, status: &'static str) -> Attempt {
        Attempt {
            digest: digest.into(),
            status,
            at: Timestamp::UNIX_EPOCH,
            took: Duration::from_millis(20),
            metadata: BTreeMap::new(),
        }
    }

    #[track_caller]
    fn check(attempts: &[(&str, &'static str)], expected: &[(&str, &str, i64)]) {
        let mut history = Vec::new();
        for (digest, status) in attempts {
            add(&mut history, attempt(digest, status));
        }
        let history: Vec<_> = history
            .iter()
            .map(|s| (s.digest.as_str(), s.last_reconciled_status.as_str(), s.total_reconciliations))
            .collect();
        assert_eq!(history, expected);
    }

    #[test]
    fn equal_attempts_are_counted_and_move_to_the_front() {
        check(&[("a", "Ok"), ("b", "Ok"), ("a", "Ok")], &[("a", "Ok", 2), ("b", "Ok", 1)]);
    }

    #[test]
    fn the_same_objects_with_another_result_are_another_attempt() {
        check(&[("a", "Ok"), ("a", "Failed"), ("a", "Ok")], &[("a", "Ok", 2), ("a", "Failed", 1)]);
    }

    #[test]
    fn five_attempts_are_kept() {
        let attempts = [("a", "Ok"), ("b", "Ok"), ("c", "Ok"), ("d", "Ok"), ("e", "Ok"), ("f", "Ok")];
        check(&attempts, &[("f", "Ok", 1), ("e", "Ok", 1), ("d", "Ok", 1), ("c", "Ok", 1), ("b", "Ok", 1)]);
    }
}
