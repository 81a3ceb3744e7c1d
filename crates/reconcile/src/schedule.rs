//! When each object is due: the work queue as a value, with time as an argument.
//!
//! One object has at most one turn at a time and at most one date. A trigger that arrives while an object has its turn
//! is remembered and makes the object due again at once when that turn ends.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// How long a failing object waits before its next turn: `first`, doubled by every further failure, at most `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Duration::from_millis(750), longest: Duration::from_mins(15) }
    }
}

impl Backoff {
    /// Returns the wait after `failures` failures in a row (at least one).
    pub fn wait(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// What is known of one object.
#[derive(Debug, Default)]
struct Entry {
    due: Option<Instant>,
    running: bool,
    /// A trigger came during the turn.
    again: bool,
    failures: u32,
}

/// The dates of all objects of one controller.
#[derive(Debug)]
pub struct Schedule<K> {
    entries: HashMap<K, Entry>,
    dates: BTreeSet<(Instant, K)>,
    backoff: Backoff,
}

impl<K: Clone + Eq + Hash + Ord> Schedule<K> {
    /// Makes an empty schedule.
    pub fn new(backoff: Backoff) -> Self {
        Self { entries: HashMap::new(), dates: BTreeSet::new(), backoff }
    }

    /// Makes `key` due at `at`, or leaves it where it is if it is due earlier. Returns true when the object has its turn
    /// just now, so that the turn may be told.
    pub fn trigger(&mut self, key: &K, at: Instant) -> bool {
        let entry = self.entries.entry(key.clone()).or_default();
        if entry.running {
            entry.again = true;
            return true;
        }
        if entry.due.is_some_and(|due| due <= at) {
            return false;
        }
        self.set_date(key, at);
        false
    }

    /// Takes the object that has been due the longest, if any is due, and marks it as having its turn.
    pub fn take(&mut self, now: Instant) -> Option<(K, Instant)> {
        let (due, _) = self.dates.first()?;
        if *due > now {
            return None;
        }
        let (due, key) = self.dates.pop_first()?;
        let entry = self.entries.entry(key.clone()).or_default();
        entry.due = None;
        entry.running = true;
        entry.again = false;
        Some((key, due))
    }

    /// Ends the turn of `key`. Without `next` the object rests until it is triggered.
    pub fn end(&mut self, key: &K, next: Next, now: Instant) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        entry.running = false;
        let mut at = match next {
            Next::Rest => {
                entry.failures = 0;
                None
            }
            Next::After(wait) => {
                entry.failures = 0;
                Some(now + wait)
            }
            Next::Again => {
                entry.failures = entry.failures.saturating_add(1);
                Some(now)
            }
            Next::Backoff => {
                entry.failures = entry.failures.saturating_add(1);
                Some(now + self.backoff.wait(entry.failures))
            }
            Next::Gone => None,
        };
        if std::mem::take(&mut entry.again) {
            at = Some(now);
        }
        match at {
            Some(at) => self.set_date(key, at),
            None if next == Next::Gone => drop(self.entries.remove(key)),
            None => {}
        }
    }

    /// Forgets `key`, unless it has its turn: then the end of the turn decides.
    pub fn forget(&mut self, key: &K) {
        if self.entries.get(key).is_some_and(|entry| !entry.running)
            && let Some(Entry { due: Some(due), .. }) = self.entries.remove(key)
        {
            self.dates.remove(&(due, key.clone()));
        }
    }

    /// The next date at which an object is due.
    pub fn next_date(&self) -> Option<Instant> {
        self.dates.first().map(|(due, _)| *due)
    }

    /// How many objects are due at `now` and have no turn yet.
    pub fn depth(&self, now: Instant) -> usize {
        self.dates.iter().take_while(|(due, _)| *due <= now).count()
    }

    /// Whether a trigger came since the turn of `key` began.
    pub fn triggered(&self, key: &K) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.again)
    }

    fn set_date(&mut self, key: &K, at: Instant) {
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some(old) = entry.due.replace(at) {
            self.dates.remove(&(old, key.clone()));
        }
        self.dates.insert((at, key.clone()));
    }
}

/// When an object that had its turn is due again, unless something triggers it earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Only when it is triggered.
    Rest,
    /// After exactly this long.
    After(Duration),
    /// At once, for what remains to be done. Should that fail, its back-off is one step further, as upstream's is, which
    /// waits out the first step here.
    Again,
    /// After this object's back-off, which grows with every failure in a row.
    Backoff,
    /// Never: the object does not exist any more.
    Gone,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule() -> (Schedule<&'static str>, Instant) {
        (Schedule::new(Backoff::default()), Instant::now())
    }

    #[test]
    fn the_object_due_the_longest_comes_first() {
        let (mut schedule, now) = schedule();
        schedule.trigger(&"late", now + Duration::from_secs(1));
        schedule.trigger(&"early", now);
        assert_eq!(schedule.take(now).map(|t| t.0), Some("early"));
        assert_eq!(schedule.take(now), None);
        assert_eq!(schedule.next_date(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn an_earlier_trigger_wins_and_a_later_one_changes_nothing() {
        let (mut schedule, now) = schedule();
        schedule.trigger(&"a", now + Duration::from_secs(9));
        schedule.trigger(&"a", now + Duration::from_secs(5));
        schedule.trigger(&"a", now + Duration::from_secs(7));
        assert_eq!(schedule.next_date(), Some(now + Duration::from_secs(5)));
    }

    #[test]
    fn a_trigger_during_the_turn_makes_the_object_due_when_the_turn_ends() {
        let (mut schedule, now) = schedule();
        schedule.trigger(&"a", now);
        schedule.take(now);
        assert!(schedule.trigger(&"a", now));
        assert_eq!(schedule.take(now), None, "one object never has two turns at once");
        schedule.end(&"a", Next::After(Duration::from_mins(10)), now);
        assert_eq!(schedule.take(now).map(|t| t.0), Some("a"));
    }

    #[test]
    fn failures_in_a_row_double_the_wait_and_a_success_resets_it() {
        let (mut schedule, now) = schedule();
        let mut waits = Vec::new();
        for _ in 0..3 {
            schedule.trigger(&"a", now);
            schedule.take(now);
            schedule.end(&"a", Next::Backoff, now);
            waits.push(schedule.next_date().unwrap() - now);
            schedule.trigger(&"a", now);
        }
        assert_eq!(waits, [750, 1500, 3000].map(Duration::from_millis));
        schedule.take(now);
        schedule.end(&"a", Next::Rest, now);
        assert_eq!(schedule.next_date(), None);
        assert_eq!(Backoff::default().wait(1), Duration::from_millis(750));
        assert_eq!(Backoff::default().wait(u32::MAX), Duration::from_mins(15));
    }

    #[test]
    fn what_remains_to_be_done_is_due_at_once() {
        let (mut schedule, now) = schedule();
        schedule.trigger(&"a", now);
        schedule.take(now);
        schedule.end(&"a", Next::Again, now);
        assert_eq!(schedule.take(now).map(|t| t.0), Some("a"));
        schedule.end(&"a", Next::Backoff, now);
        assert_eq!(schedule.next_date(), Some(now + Duration::from_millis(1500)));
    }

    #[test]
    fn what_is_gone_is_forgotten() {
        let (mut schedule, now) = schedule();
        schedule.trigger(&"a", now);
        schedule.take(now);
        schedule.end(&"a", Next::Gone, now);
        schedule.trigger(&"b", now);
        schedule.forget(&"b");
        assert_eq!(schedule.next_date(), None);
        assert!(schedule.entries.is_empty());
    }
}
