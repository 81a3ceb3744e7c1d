//! Fetching from real servers: `git http-backend` and `git upload-pack` behind TLS, passwords and SSH.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its world up has failed")]

mod hostile;
mod https;
mod references;
mod ssh;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use auth::SecretData;
use auth::git::Credentials;
use fetch::git::{Error, Fetched, GitRequest, Limits, Outcome, Reference, SshAlgorithms};
use tempfile::TempDir;
use testbed::Repository;
use testbed::git::{GitHttp, Settings};
use tree::{Files, Kind, TreePath};

/// A repository `r.git` on disk, and a place to fetch to.
struct World {
    folder: TempDir,
    scratch: TempDir,
    repository: Repository,
}

impl World {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let repository = Repository::new(folder.path(), "r.git").unwrap();
        Self { folder, scratch: TempDir::new().unwrap(), repository }
    }

    /// Three commits on `main`, a branch `side` at the second, tags on all.
    fn filled() -> (Self, Vec<String>) {
        let world = Self::new();
        let file =
            |n: u32| BTreeMap::from([("a.yaml".to_owned(), format!("n: {n}\n")), ("d/b".to_owned(), "b".to_owned())]);
        let ids = world.repository.commits(&[file(1), file(2), file(3)]).unwrap();
        world.repository.set_ref("refs/heads/main", &ids[2]).unwrap();
        world.repository.set_ref("refs/heads/side/way", &ids[1]).unwrap();
        world.repository.set_ref("refs/pull/7/head", &ids[0]).unwrap();
        world.repository.set_ref("refs/tags/v1.0.0", &ids[0]).unwrap();
        world.tag("v1.2.0", &ids[1]);
        world.repository.set_ref("refs/tags/v1.10.0-rc.1", &ids[2]).unwrap();
        (world, ids)
    }

    /// Makes an annotated tag.
    fn tag(&self, name: &str, commit: &str) {
        let who = ["-c", "user.name=dev", "-c", "user.email=dev@example.com"];
        let args = [&who[..], &["tag", "-a", "-m", "a tag", name, commit]].concat();
        self.repository.git(&args).unwrap();
    }

    async fn serve(&self, settings: Settings) -> GitHttp {
        GitHttp::start(self.folder.path(), settings).await.unwrap()
    }

    fn request(&self, server: &str, reference: Reference) -> GitRequest {
        GitRequest {
            url: format!("{server}/r.git").parse().unwrap(),
            reference,
            last: None,
            proxy: None,
            timeout: Duration::from_secs(20),
            scratch: self.scratch.path().to_owned(),
            limits: Limits::default(),
            ssh: SshAlgorithms::default(),
        }
    }

    #[track_caller]
    fn check_nothing_left(&self) {
        let left: Vec<_> = std::fs::read_dir(self.scratch.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn branch(name: &str) -> Reference {
    Reference { branch: Some(name.into()), ..Reference::default() }
}

fn secret(pairs: &[(&str, &str)]) -> SecretData {
    pairs.iter().map(|(key, value)| (*key, *value)).collect()
}

async fn fetch_with(request: &GitRequest, data: &[(&str, &str)]) -> Result<Outcome, Error> {
    let credentials = Credentials::read(&request.url, &secret(data)).unwrap();
    fetch::git::git(request, &credentials).await
}

async fn fetched(request: &GitRequest, data: &[(&str, &str)]) -> Fetched {
    match fetch_with(request, data).await {
        Ok(Outcome::Fetched(fetched)) => *fetched,
        other => unexpected(&format!("{other:?}")),
    }
}

async fn refused(request: &GitRequest, data: &[(&str, &str)]) -> String {
    match fetch_with(request, data).await {
        Err(error) => chain(&error),
        Ok(outcome) => unexpected(&format!("{outcome:?}")),
    }
}

#[allow(clippy::panic, reason = "the test has failed")]
fn unexpected(what: &str) -> ! {
    panic!("{what}")
}

/// An error with all of its causes, as users see it.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Every file with its content.
fn contents(files: &dyn Files) -> BTreeMap<String, String> {
    let (mut found, mut stack) = (BTreeMap::new(), vec![TreePath::root()]);
    while let Some(dir) = stack.pop() {
        for entry in files.list(&dir).unwrap() {
            let path = dir.join(&entry.name).unwrap();
            match entry.kind {
                Kind::Dir => stack.push(path),
                Kind::Symlink => {
                    found.insert(path.to_string(), format!("-> {}", files.link(&path).unwrap()));
                }
                Kind::File { .. } => {
                    found.insert(path.to_string(), String::from_utf8(files.read(&path).unwrap()).unwrap());
                }
            }
        }
    }
    found
}

/// A port that nobody listens on.
async fn closed_port(_: &Path) -> u16 {
    tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}
