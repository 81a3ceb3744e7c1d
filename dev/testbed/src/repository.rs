//! Bare Git repositories with commits that are the same every time.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Author and committer of every commit.
const WHO: &str = "dev <dev@example.com>";
/// 2026-01-01T00:00:00Z; commit N is N - 1 minutes later.
const FIRST: u64 = 1_767_225_600;

/// The files of a commit: path to content.
pub type Files = BTreeMap<String, String>;

/// A bare repository on disk. Servers serve the folder above it.
#[derive(Clone, Debug)]
pub struct Repository {
    path: PathBuf,
}

/// Git refused.
#[derive(Debug, thiserror::Error)]
#[error("git {command}: {message}")]
pub struct GitError {
    /// The arguments of git.
    pub command: String,
    /// What it said.
    pub message: String,
}

impl Repository {
    /// Makes an empty one at `folder/name`, whose HEAD is `main`.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn new(folder: &Path, name: &str) -> Result<Self, GitError> {
        let repository = Self { path: folder.join(name) };
        let path = repository.path.display().to_string();
        git(Path::new("."), &["init", "--quiet", "--bare", "--initial-branch=main", &path], b"")?;
        Ok(repository)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds trees as commits, each the child of the one before, with the message `commit N` and N counted from 1; no ref
    /// points at them yet. Returns their ids.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn commits(&self, trees: &[Files]) -> Result<Vec<String>, GitError> {
        self.commits_after(None, trees)
    }

    /// As [`Repository::commits`]; the first is the child of a commit that is there.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn commits_after(&self, parent: Option<&str>, trees: &[Files]) -> Result<Vec<String>, GitError> {
        const REF: &str = "refs/import/it";
        let mut stream = Vec::new();
        for (number, files) in (1..).zip(trees) {
            let time = FIRST + 60 * (number - 1);
            let message = format!("commit {number}\n");
            let mut add = |text: &str| stream.extend_from_slice(text.as_bytes());
            add(&format!("commit {REF}\nmark :{number}\nauthor {WHO} {time} +0000\ncommitter {WHO} {time} +0000\n"));
            add(&format!("data {}\n{message}", message.len()));
            if let Some(parent) = parent.filter(|_| number == 1) {
                add(&format!("from {parent}\n"));
            }
            add("deleteall\n");
            for (path, content) in files {
                add(&format!("M 100644 inline {}\ndata {}\n{content}\n", quoted(path), content.len()));
            }
        }
        self.git_fed(&["fast-import", "--quiet", "--export-marks=marks"], &stream)?;
        if !trees.is_empty() {
            self.git(&["update-ref", "-d", REF])?;
        }
        let marks = std::fs::read_to_string(self.path.join("marks")).unwrap_or_default();
        let ids: BTreeMap<usize, String> = marks
            .lines()
            .filter_map(|line| {
                let (mark, id) = line.split_once(' ')?;
                Some((mark.strip_prefix(':')?.parse().ok()?, id.to_owned()))
            })
            .collect();
        Ok(ids.into_values().collect())
    }

    /// Points a ref at a commit, whatever it pointed at before.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn set_ref(&self, name: &str, commit: &str) -> Result<(), GitError> {
        self.git(&["update-ref", name, commit]).map(drop)
    }

    /// Runs git in the repository and returns what it printed.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn git(&self, args: &[&str]) -> Result<String, GitError> {
        self.git_fed(args, b"")
    }

    /// As [`Repository::git`], with something to read.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn git_fed(&self, args: &[&str], input: impl AsRef<[u8]>) -> Result<String, GitError> {
        let output = git(&self.path, args, input.as_ref())?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

/// A path as fast-import wants it: with quotes where it could be misread.
fn quoted(path: &str) -> String {
    let escaped = path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

#[expect(clippy::disallowed_methods, reason = "the real git makes what the controllers read")]
fn git(folder: &Path, args: &[&str], input: &[u8]) -> Result<Output, GitError> {
    let error = |message: String| GitError { command: args.join(" "), message };
    let run = || -> std::io::Result<Output> {
        let mut child = Command::new("git")
            .args(args)
            .current_dir(folder)
            // Nobody's own settings.
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env_remove("GIT_DIR")
            .env_remove("GIT_WORK_TREE")
            .env_remove("GIT_INDEX_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input)?;
        }
        child.wait_with_output()
    };
    let output = run().map_err(|e| error(e.to_string()))?;
    if output.status.success() { Ok(output) } else { Err(error(String::from_utf8_lossy(&output.stderr).into_owned())) }
}

#[cfg(test)]
mod tests {
    use super::{Files, Repository};

    #[test]
    fn commits_are_those_of_the_recordings() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::new(folder.path(), "a.git").unwrap();
        let one = "{\n \"apiVersion\": \"v1\",\n \"kind\": \"ConfigMap\",\n \"metadata\": {\n  \"name\": \"one\"\n },\n \"data\": {\n  \"k\": \"v\"\n }\n}";
        let trees = [Files::from([("a.yaml".into(), one.into())]), Files::new()];
        let ids = repository.commits(&trees).unwrap();
        assert!(ids[0].starts_with("8fc8b3b0"), "{ids:?}");
        assert_eq!(repository.git(&["for-each-ref"]).unwrap(), "");
        repository.set_ref("refs/heads/main", &ids[1]).unwrap();
        assert_eq!(repository.git(&["rev-list", "main"]).unwrap(), format!("{}\n{}", ids[1], ids[0]));
        assert_eq!(repository.git(&["log", "--format=%s %aI", "-1"]).unwrap(), "commit 2 2026-01-01T00:01:00+00:00");
        repository.set_ref("refs/heads/main", &ids[0]).unwrap();
    }
}
