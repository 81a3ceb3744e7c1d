//! Replaces what differs between two plays of one scenario by names, as the recordings do.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands for itself in this play.
pub(super) struct Names {
    pub(super) namespace: String,
    /// The Git server's address.
    pub(super) git: String,
    /// Commit 1, 2, …
    pub(super) commits: Vec<String>,
    /// A folder on the controllers' disk: none of its paths may be told to users.
    pub(super) storage: String,
}

#[expect(clippy::expect_used, reason = "the patterns are constants, and a test uses each")]
static PATTERNS: LazyLock<[(Regex, &'static str); 6]> = LazyLock::new(|| {
    [
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<uid>"),
        (r"sha256:[0-9a-f]{64}", "sha256:<digest>"),
        (r"\b127\.0\.0\.1:\d+", "<addr>"),
        // A measured duration has a fraction or is shorter than a second; a configured one is `10m0s`.
        (r"\b(\d+h)?(\d+m)?\d+\.\d+s\b|\b\d+(\.\d+)?(ms|µs|ns)\b", "<duration>"),
        (r"/tmp/[^\s:'\x22]*", "<tmp>"),
    ]
    .map(|(pattern, name)| (Regex::new(pattern).expect("a pattern of ours"), name))
});

impl Names {
    /// Replaces in every string and key below a value.
    pub(super) fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|v| self.value(v)).collect(),
            Value::Object(fields) => fields.into_iter().map(|(k, v)| self.field(&k, v)).collect(),
            other => other,
        }
    }

    fn field(&self, key: &str, value: Value) -> (String, Value) {
        let value = match key {
            "resourceVersion" => Value::from("<resourceVersion>"),
            "size" if !value.is_object() => Value::from("<size>"),
            _ => self.value(value),
        };
        (self.text(key), value)
    }

    /// Replaces in one string.
    pub(super) fn text(&self, text: &str) -> String {
        let mut text = text.replace(&self.git, "<git>").replace(&self.storage, "<tmp>");
        for (number, commit) in (1..).zip(&self.commits) {
            text = text.replace(commit, &format!("<commit {number}>"));
        }
        text = text.replace(&self.namespace, "<ns>");
        for (pattern, name) in PATTERNS.iter() {
            if let Cow::Owned(replaced) = pattern.replace_all(&text, |_: &Captures<'_>| *name) {
                text = replaced;
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let names = Names {
            namespace: "s-ks-plain".into(),
            git: "http://127.0.0.1:4000".into(),
            commits: vec!["8fc8b3b01234567890123456789012345678abcd".into()],
            storage: "/var/flux".into(),
        };
        assert_eq!(names.text(text), expected);
    }

    #[test]
    fn what_varies_has_a_name() {
        check("main@sha1:8fc8b3b01234567890123456789012345678abcd", "main@sha1:<commit 1>");
        check("main@sha1:8fc8b3b0", "main@sha1:8fc8b3b0");
        check("http://127.0.0.1:4000/s-ks-plain.git", "<git>/<ns>.git");
        check("http://127.0.0.1:4001/x", "http://<addr>/x");
        check("finished in 123.4ms, next run in 10m0s", "finished in <duration>, next run in 10m0s");
        check("after 1m5.02s", "after <duration>");
        check("timeout of 9m30s", "timeout of 9m30s");
        check("stat /tmp/kustomization-1/app: gone", "stat <tmp>: gone");
        check("2026-01-01T00:00:00Z", "<time>");
    }
}
