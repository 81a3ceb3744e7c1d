//! The test programs of the workspace, and which of them run on a real API server.

use std::io::BufReader;
use std::path::PathBuf;
use std::process::Stdio;

use cargo_metadata::{Message, TargetKind};

use crate::workspace::Workspace;

/// Integration tests that start a control plane, by package and target.
const END_TO_END: [(&str, &str); 5] =
    [("apply", "it"), ("differential", "ssa"), ("flux", "it"), ("flux", "recordings"), ("testbed", "it")];

/// What tests need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Nothing but themselves and the corpora.
    Alone,
    /// An API server, of this kind.
    On(Server),
}

/// The two API servers that every end-to-end test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Server {
    Real,
    Embedded,
}

impl Server {
    /// As tests are told it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Embedded => "embedded",
        }
    }
}

/// One test program.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) package: String,
    pub(super) target: String,
    pub(super) path: PathBuf,
    /// The folder of the package.
    pub(super) folder: PathBuf,
    is_integration: bool,
}

impl Program {
    pub(super) fn runs_at(&self, level: Level) -> bool {
        let name = (self.package.as_str(), self.target.as_str());
        let end_to_end = self.is_integration && END_TO_END.contains(&name);
        match level {
            Level::Alone => !end_to_end,
            Level::On(Server::Real) => end_to_end,
            // These start the servers that they compare.
            Level::On(Server::Embedded) => end_to_end && !matches!(self.package.as_str(), "testbed" | "differential"),
        }
    }
}

/// Builds what has changed and returns all programs, those of lower crates first as cargo orders them by name.
pub(super) fn built(workspace: &Workspace) -> Result<Vec<Program>, String> {
    let mut cargo = workspace
        .cargo(&["test", "--workspace", "--no-run", "--message-format=json-render-diagnostics"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("run cargo: {e}"))?;
    let mut programs = Vec::new();
    for message in cargo.stdout.take().map(BufReader::new).into_iter().flat_map(Message::parse_stream) {
        let Ok(Message::CompilerArtifact(artifact)) = message else { continue };
        let Some(path) = artifact.executable.filter(|_| artifact.profile.test) else { continue };
        let folder = artifact.manifest_path.parent().map(|p| p.as_std_path().to_owned()).unwrap_or_default();
        programs.push(Program {
            package: folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            target: artifact.target.name,
            path: path.into(),
            folder,
            is_integration: artifact.target.kind.contains(&TargetKind::Test),
        });
    }
    let status = cargo.wait().map_err(|e| format!("run cargo: {e}"))?;
    programs.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
    if status.success() { Ok(programs) } else { Err("the tests do not build".to_owned()) }
}
