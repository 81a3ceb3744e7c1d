//! Which old artifacts go.

use std::fs::{self, Metadata};
use std::io;
use std::time::SystemTime;

use super::{Place, Retention, Store, StoreError, TEMPORARY, absent_is_fine};

/// A directory with more files than this is cleaned over several passes.
const SCANNED: usize = 1000;

/// What [`Store::collect_garbage`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Collected {
    /// The names of the removed files.
    pub removed: Vec<String>,
}

struct Candidate {
    name: String,
    modified: SystemTime,
    current: bool,
    temporary: bool,
}

impl Store {
    /// Removes what the [`Retention`] no longer keeps, and what a killed process left half written.
    ///
    /// `current` is the path of the artifact in the object's status, which always stays.
    ///
    /// # Deviation
    /// Upstream stops early when some files are expired and others only too many; here `records` remain in any case.
    ///
    /// # Errors
    /// [`StoreError::Collect`].
    pub fn collect_garbage(
        &self,
        place: &Place,
        current: Option<&str>,
        now: SystemTime,
    ) -> Result<Collected, StoreError> {
        let failed = |source| StoreError::Collect { path: place.0.clone(), source };
        let candidates = self.candidates(place, current).map_err(failed)?;
        let mut removed = Vec::new();
        for name in garbage(candidates, &self.settings.retention, now) {
            absent_is_fine(fs::remove_file(self.settings.root.join(&place.0).join(&name))).map_err(failed)?;
            removed.push(name);
        }
        Ok(Collected { removed })
    }

    fn candidates(&self, place: &Place, current: Option<&str>) -> io::Result<Vec<Candidate>> {
        let entries = match fs::read_dir(self.settings.root.join(&place.0)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut candidates = Vec::new();
        for entry in entries.take(SCANNED) {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            // A file that went meanwhile is not garbage any more.
            let Ok(metadata) = entry.metadata() else { continue };
            if !metadata.is_file() {
                continue;
            }
            let current = current.is_some_and(|current| *current == format!("{}/{name}", place.0));
            let temporary = name.starts_with(TEMPORARY);
            candidates.push(Candidate { name, modified: modified(&metadata), current, temporary });
        }
        Ok(candidates)
    }
}

/// The names to remove, the oldest first.
fn garbage(mut candidates: Vec<Candidate>, retention: &Retention, now: SystemTime) -> Vec<String> {
    candidates.sort_by(|a, b| a.modified.cmp(&b.modified).then_with(|| a.name.cmp(&b.name)));
    let finished = candidates.iter().filter(|candidate| !candidate.temporary).count();
    let mut excess = finished.saturating_sub(retention.records);
    let mut names = Vec::new();
    for candidate in candidates.into_iter().filter(|candidate| !candidate.current) {
        let expired = now.duration_since(candidate.modified).is_ok_and(|age| age > retention.ttl);
        let surplus = excess > 0 && !candidate.temporary;
        if expired || surplus {
            if !candidate.temporary {
                excess = excess.saturating_sub(1);
            }
            names.push(candidate.name);
        }
    }
    names
}

fn modified(metadata: &Metadata) -> SystemTime {
    metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::{Candidate, Retention, TEMPORARY, garbage};

    /// Ages in seconds; `*` marks the current one.
    #[track_caller]
    fn check(files: &[(&str, u64)], ttl: u64, records: usize, expected: &[&str]) {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let candidate = |(name, age): &(&str, u64)| Candidate {
            name: name.trim_start_matches('*').to_owned(),
            modified: now - Duration::from_secs(*age),
            current: name.starts_with('*'),
            temporary: name.starts_with(TEMPORARY),
        };
        let retention = Retention { ttl: Duration::from_secs(ttl), records };
        assert_eq!(garbage(files.iter().map(candidate).collect(), &retention, now), expected);
    }

    #[test]
    fn the_expired_go_and_then_the_oldest_beyond_the_count() {
        check(&[("*a", 1), ("b", 2), ("c", 3)], 60, 2, &["c"]);
        check(&[("*a", 1), ("b", 70), ("c", 80)], 60, 2, &["c", "b"]);
        check(&[("*a", 1), ("b", 2), ("c", 3), ("d", 90)], 60, 2, &["d", "c"]);
        check(&[("*a", 1), ("b", 2)], 60, 2, &[]);
        check(&[("a", 1), ("b", 2)], 60, 0, &["b", "a"]);
    }

    #[test]
    fn the_current_one_stays_however_old() {
        check(&[("*a", 900), ("b", 2), ("c", 1)], 60, 2, &["b"]);
        check(&[("*a", 900)], 60, 0, &[]);
    }

    #[test]
    fn what_was_left_half_written_goes_with_time_and_never_counts() {
        check(&[("*a", 1), ("b", 2), (".tmp-x", 3)], 60, 2, &[]);
        check(&[("*a", 1), ("b", 2), (".tmp-x", 61)], 60, 2, &[".tmp-x"]);
    }
}
