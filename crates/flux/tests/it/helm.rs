//! Helm beside the real helm: what `flux render chart` prints, post-rendering, and release records that both read.

mod post_render;
mod records;
mod template;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The charts of this repository.
fn chart(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../lib/helm/tests/charts").join(name)
}

/// What a program printed.
#[derive(Debug, PartialEq, Eq)]
struct Printed {
    ok: bool,
    out: String,
    err: String,
}

/// Runs a program in a folder, with nothing of this machine's own settings.
#[expect(clippy::disallowed_methods, reason = "the real program is what ours is compared with")]
fn run(program: &Path, args: &[String], folder: &Path, env: &[(&str, &Path)]) -> Printed {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).env_clear().env("HOME", folder).env("KUBECONFIG", folder.join("none"));
    // Post-renderers are programs too.
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(env.iter().copied()).stdin(Stdio::null());
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Printed { ok: output.status.success(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the real helm.
fn helm(args: &[String], folder: &Path, env: &[(&str, &Path)]) -> Printed {
    run(&testbed::control_plane::oracle("helm").unwrap(), args, folder, env)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// The first line in which two texts differ, with the one before.
fn difference(real: &str, ours: &str) -> String {
    let (mut real, mut ours) = (real.split('\n'), ours.split('\n'));
    let mut before = "";
    for line in 1.. {
        match (real.next(), ours.next()) {
            (None, None) => return "none".to_owned(),
            (real, ours) if real == ours => before = real.unwrap_or_default(),
            (real, ours) => return format!("line {line}, after {before:?}:\n  helm {real:?}\n  ours {ours:?}"),
        }
    }
    String::new()
}
