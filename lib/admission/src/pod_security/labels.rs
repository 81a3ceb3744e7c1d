//! The labels by which a namespace says what its Pods must not have.

use notation::field::{At, FieldErrors};
use serde_json::Value;

use super::pod::text;
use super::{Level, Standard, Version};

const PREFIX: &str = "pod-security.kubernetes.io/";

/// What a namespace asks for. Of `audit` nobody hears who writes a Pod; its labels are only read for what is wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// What violates this is refused.
    pub enforce: Standard,
    /// Of what violates this a warning is given.
    pub warn: Standard,
}

/// A label that says nothing.
#[derive(Clone, Copy)]
struct Unreadable;

impl Policy {
    /// Reads the labels of a namespace. A level to enforce that cannot be read is the highest, any other the lowest.
    pub fn read(labels: &Value) -> (Self, FieldErrors) {
        let mut labels = Labels { labels, errors: FieldErrors::default() };
        let asked = labels.level("enforce");
        let enforce = Standard {
            level: match asked {
                None => Level::Privileged,
                Some(Ok(level)) => level,
                Some(Err(Unreadable)) => Level::Restricted,
            },
            version: labels.version("enforce-version").unwrap_or_default(),
        };
        labels.level("audit");
        labels.version("audit-version");
        let (level, version) = (labels.level("warn"), labels.version("warn-version"));
        // Of what is enforced on Pods, those hear who write Deployments of them.
        let unasked = if level.is_none() { enforce.version } else { Version::Latest };
        let warn = Standard {
            level: level.or(asked).and_then(Result::ok).unwrap_or_default(),
            version: version.unwrap_or(unasked),
        };
        (Self { enforce, warn }, labels.errors)
    }
}

/// Labels, and what is wrong with those that were read.
struct Labels<'l> {
    labels: &'l Value,
    errors: FieldErrors,
}

impl<'l> Labels<'l> {
    /// What a label says; none when it is not there.
    fn get<T>(&mut self, name: &str, rule: &str, read: impl Fn(&'l str) -> Option<T>) -> Option<Result<T, Unreadable>> {
        let key = format!("{PREFIX}{name}");
        let label = self.labels.get(&key)?;
        let value = read(text(label)).ok_or(Unreadable);
        if value.is_err() {
            let metadata = At::ROOT.field("metadata");
            self.errors.invalid(&metadata.field("labels").entry(&key), label, rule);
        }
        Some(value)
    }

    fn level(&mut self, name: &str) -> Option<Result<Level, Unreadable>> {
        let rule = "must be one of privileged, baseline, restricted";
        self.get(name, rule, |label| Level::ALL.into_iter().find(|level| level.name() == label))
    }

    /// A version that cannot be read is the latest.
    fn version(&mut self, name: &str) -> Option<Version> {
        self.get(name, "must be \"latest\" or \"v1.x\"", version).map(Result::unwrap_or_default)
    }
}

fn version(label: &str) -> Option<Version> {
    if label == "latest" {
        return Some(Version::Latest);
    }
    let minor = label.strip_prefix("v1.")?;
    let is_number = minor.bytes().all(|byte| byte.is_ascii_digit()) && (minor == "0" || !minor.starts_with('0'));
    // Upstream's numbers are signed.
    let minor = minor.parse::<i64>().ok().filter(|_| is_number)?;
    Some(Version::Minor(minor.unsigned_abs()))
}
