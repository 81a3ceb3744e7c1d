//! Conditions as a list that is set by type, kept in upstream's order, and stamped only when something changed.

use api::ConditionType;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// The longest message a condition may have, in characters: the API server refuses longer ones.
const LONGEST_MESSAGE: usize = 32_768;

/// Returns the condition of type `kind`.
pub fn get(conditions: &[Condition], kind: ConditionType) -> Option<&Condition> {
    conditions.iter().find(|condition| condition.type_ == kind.as_str())
}

/// What a condition says, without its times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The condition's type.
    pub kind: ConditionType,
    /// `True`, `False` or `Unknown`.
    pub status: &'static str,
    /// One word in CamelCase.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

impl Statement {
    /// Says that `kind` is `True`.
    pub fn yes(kind: ConditionType, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, status: "True", reason: reason.into(), message: message.into() }
    }

    /// Says that `kind` is `False`.
    pub fn no(kind: ConditionType, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, status: "False", reason: reason.into(), message: message.into() }
    }

    /// Says that it is not known whether `kind` holds.
    pub fn unknown(kind: ConditionType, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, status: "Unknown", reason: reason.into(), message: message.into() }
    }
}

/// Sets one condition. Its transition time moves only when status, reason or message changed; the generation it speaks
/// of is always refreshed.
pub fn set(conditions: &mut Vec<Condition>, statement: &Statement, generation: i64, now: Timestamp) {
    let message = truncated(&statement.message);
    let found = conditions.iter_mut().find(|condition| condition.type_ == statement.kind.as_str());
    if let Some(condition) = found {
        let same = condition.status == statement.status
            && condition.reason == statement.reason
            && condition.message == message;
        condition.observed_generation = Some(generation);
        if !same {
            statement.status.clone_into(&mut condition.status);
            condition.reason.clone_from(&statement.reason);
            condition.message = message;
            condition.last_transition_time = Time(whole_seconds(now));
        }
    } else {
        conditions.push(Condition {
            type_: statement.kind.as_str().to_owned(),
            status: statement.status.to_owned(),
            reason: statement.reason.clone(),
            message,
            observed_generation: Some(generation),
            last_transition_time: Time(whole_seconds(now)),
        });
    }
    sort(conditions);
}

/// Removes the condition of type `kind`.
pub fn remove(conditions: &mut Vec<Condition>, kind: ConditionType) {
    conditions.retain(|condition| condition.type_ != kind.as_str());
}

/// Puts `Stalled`, `Reconciling` and `Ready` first, then the newest observation, then by type.
fn sort(conditions: &mut [Condition]) {
    let rank = |condition: &Condition| match condition.type_.as_str() {
        "Stalled" => 0,
        "Reconciling" => 1,
        "Ready" => 2,
        _ => 3,
    };
    conditions.sort_by(|a, b| {
        rank(a)
            .cmp(&rank(b))
            .then_with(|| b.observed_generation.cmp(&a.observed_generation))
            .then_with(|| a.type_.cmp(&b.type_))
    });
}

/// Kubernetes stores times of conditions in whole seconds.
fn whole_seconds(now: Timestamp) -> Timestamp {
    Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn truncated(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE - 3) {
        Some((end, _)) if message.chars().count() > LONGEST_MESSAGE => format!("{}...", &message[..end]),
        _ => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use ConditionType::{ArtifactInStorage, Healthy, Ready, Reconciling, Stalled};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_transition_time_moves_only_with_a_change() {
        let mut conditions = Vec::new();
        let ready = Statement::yes(ConditionType::Ready, "Succeeded", "fine");
        set(&mut conditions, &ready, 1, at(10));
        set(&mut conditions, &ready, 2, at(20));
        assert_eq!(conditions[0].last_transition_time.0, at(10));
        assert_eq!(conditions[0].observed_generation, Some(2));
        set(&mut conditions, &Statement::no(ConditionType::Ready, "Failed", "broken"), 2, at(30));
        assert_eq!(conditions[0].last_transition_time.0, at(30));
    }

    #[test]
    fn the_three_that_people_read_come_first() {
        let mut conditions = Vec::new();
        for kind in [Healthy, ArtifactInStorage, Ready, Reconciling, Stalled] {
            set(&mut conditions, &Statement::yes(kind, "R", ""), 1, at(1));
        }
        let kinds: Vec<_> = conditions.iter().map(|c| c.type_.as_str()).collect();
        assert_eq!(kinds, ["Stalled", "Reconciling", "Ready", "ArtifactInStorage", "Healthy"]);
    }

    #[test]
    fn a_message_too_long_for_the_api_server_is_cut() {
        let mut conditions = Vec::new();
        set(&mut conditions, &Statement::no(ConditionType::Ready, "R", "ä".repeat(40_000)), 1, at(1));
        assert_eq!(conditions[0].message.chars().count(), LONGEST_MESSAGE);
        assert!(conditions[0].message.ends_with("..."));
    }
}
