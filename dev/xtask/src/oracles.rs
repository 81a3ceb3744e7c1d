//! Builds the real tools that `oracles/*/go.mod` pin into `target/oracles`, once.
//!
//! A tool is current when its stamp holds the bytes of `go.mod` and `go.sum` and the linker flags of its build. Files of
//! `oracles/FOLDER/overlay` are laid into a copy of the tool's module, where its own build would have generated them.

use std::collections::hash_map::DefaultHasher;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::Outcome;
use crate::workspace::Workspace;

/// One binary to build.
#[derive(Debug, PartialEq)]
struct Tool {
    name: String,
    package: String,
}

/// Builds the tools of these folders of `oracles/`, or of all.
pub(crate) fn run(workspace: &Workspace, only: &[&str]) -> Outcome {
    let output = workspace.path("target/oracles");
    fs::create_dir_all(&output).map_err(|e| format!("make {}: {e}", output.display()))?;
    for folder in folders(workspace, only)? {
        build(&folder, &output)?;
    }
    Ok(())
}

fn folders(workspace: &Workspace, only: &[&str]) -> Result<Vec<PathBuf>, String> {
    let root = workspace.path("oracles");
    if !only.is_empty() {
        return Ok(only.iter().map(|name| root.join(name)).collect());
    }
    let entries = fs::read_dir(&root).map_err(|e| format!("list {}: {e}", root.display()))?;
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    folders.retain(|folder| folder.join("go.mod").is_file());
    folders.sort();
    Ok(folders)
}

fn build(folder: &Path, output: &Path) -> Outcome {
    let read = |name| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|e| format!("read {}: {e}", path.display()))
    };
    let (go_mod, go_sum) = (read("go.mod")?, read("go.sum")?);
    let flags = linker_flags(&go_mod)?;
    let mut hasher = DefaultHasher::new();
    (&go_mod, &go_sum, &flags).hash(&mut hasher);
    let stamp = format!("{:016x}\n", hasher.finish());

    for tool in tools(&go_mod) {
        let stamp_file = output.join(format!("{}.stamp", tool.name));
        let binary = output.join(&tool.name);
        print!("oracle {:<24} ", tool.name);
        let _ = std::io::stdout().flush();
        if binary.is_file() && fs::read_to_string(&stamp_file).is_ok_and(|found| found == stamp) {
            println!("up to date");
            continue;
        }
        let started = Instant::now();
        let mut args = ["build", "-buildvcs=false", "-ldflags", &flags].map(OsString::from).to_vec();
        if let Some(modfile) = overlaid(folder, &tool, output)? {
            args.extend(["-modfile".into(), modfile.into()]);
        }
        args.extend(["-o".into(), binary.into(), OsString::from(&tool.package)]);
        go(folder, &args).inspect_err(|_| println!("failed"))?;
        fs::write(&stamp_file, &stamp).map_err(|e| format!("write {}: {e}", stamp_file.display()))?;
        println!("built in {:.0} s", started.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Runs go in a folder of `oracles/`, and returns what it printed.
fn go(folder: &Path, args: &[impl AsRef<OsStr>]) -> Result<String, String> {
    let mut command = Command::new("go");
    let run = command.args(args).current_dir(folder).env("CGO_ENABLED", "0").output();
    let run = run.map_err(|e| format!("run go, which builds the real tools that tests compare with: {e}"))?;
    if run.status.success() {
        return Ok(String::from_utf8_lossy(&run.stdout).into_owned());
    }
    let args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
    Err(format!("go {} failed in {}:\n{}", args.join(" "), folder.display(), String::from_utf8_lossy(&run.stderr)))
}

/// Copies the tool's module, lays the folder's `overlay` over it, and returns a `go.mod` that has the copy in place of the
/// module; none without an overlay.
fn overlaid(folder: &Path, tool: &Tool, output: &Path) -> Result<Option<PathBuf>, String> {
    let overlay = folder.join("overlay");
    if !overlay.is_dir() {
        return Ok(None);
    }
    // With -e: it is not complete yet.
    let module = go(folder, &["list", "-e", "-f", "{{.Module.Path}} {{.Module.Dir}}", &tool.package])?;
    let (name, original) = module.trim().split_once(' ').ok_or_else(|| format!("no module has {}", tool.package))?;
    let copy = output.join(format!("{}.module", tool.name));
    for root in [Path::new(original), &overlay] {
        for file in files(root)? {
            let place = copy.join(file.strip_prefix(root).unwrap_or(&file));
            let written = fs::create_dir_all(place.parent().unwrap_or(&copy))
                .and_then(|()| fs::read(&file))
                .and_then(|bytes| fs::write(&place, bytes));
            written.map_err(|e| format!("copy {} to {}: {e}", file.display(), place.display()))?;
        }
    }
    let modfile = output.join(format!("{}.mod", tool.name));
    let read = |name: &str| fs::read_to_string(folder.join(name)).map_err(|e| format!("read {name}: {e}"));
    let go_mod = format!("{}\nreplace {name} => {}\n", read("go.mod")?, copy.display());
    fs::write(&modfile, go_mod)
        .and_then(|()| fs::copy(folder.join("go.sum"), modfile.with_extension("sum")))
        .map_err(|e| format!("write {}: {e}", modfile.display()))?;
    Ok(Some(modfile))
}

/// All files below a folder.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder).map_err(|e| format!("list {}: {e}", folder.display()))?;
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() { found.extend(files(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

/// The packages of the `tool` directives.
fn tools(go_mod: &str) -> Vec<Tool> {
    let mut tools = Vec::new();
    let mut in_block = false;
    for line in go_mod.lines() {
        let line = line.split("//").next().unwrap_or_default().trim();
        match line {
            "tool (" => in_block = true,
            ")" => in_block = false,
            _ => {
                let package = if in_block { Some(line) } else { line.strip_prefix("tool ") };
                tools.extend(package.map(str::trim).filter(|p| !p.is_empty()).map(tool));
            }
        }
    }
    tools
}

/// A binary is called like the last part of its package, unless that is a major version; etcd's would be `server`.
fn tool(package: &str) -> Tool {
    let mut parts = package.rsplit('/');
    let mut name = parts.next().unwrap_or(package);
    if name.strip_prefix('v').is_some_and(|n| n.parse::<u32>().is_ok()) {
        name = parts.next().unwrap_or(name);
    }
    if package.starts_with("go.etcd.io/etcd/server") {
        name = "etcd";
    }
    Tool { name: name.to_owned(), package: package.to_owned() }
}

/// Small binaries; and programs report version 0.0.0, which clients refuse, unless the linker tells them better.
fn linker_flags(go_mod: &str) -> Result<String, String> {
    let mut flags = "-s -w".to_owned();
    let required = |module: &str| {
        let mut lines = go_mod.lines().map(|line| line.trim().trim_start_matches("require "));
        lines.find_map(|line| line.strip_prefix(module)?.strip_prefix(" v")?.split_whitespace().next())
    };
    if let Some(version) = required("github.com/fluxcd/flux2/v2") {
        let _ = write!(flags, " -X main.VERSION={version}");
    }
    if let Some(version) = required("k8s.io/kubernetes").filter(|_| go_mod.contains("k8s.io/kubernetes/cmd/")) {
        let mut parts = version.split('.');
        let (Some(major), Some(minor)) = (parts.next(), parts.next()) else {
            return Err(format!("k8s.io/kubernetes has version {version}, not MAJOR.MINOR.PATCH"));
        };
        for (name, value) in [("gitVersion", format!("v{version}").as_str()), ("gitMajor", major), ("gitMinor", minor)]
        {
            let _ = write!(flags, " -X k8s.io/component-base/version.{name}={value}");
        }
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::{linker_flags, tools};

    #[test]
    fn tools_are_named_after_their_packages() {
        let go_mod = "go 1.26\n\ntool (\n\tk8s.io/kubernetes/cmd/kubectl\n\tgo.etcd.io/etcd/server/v3 // etcd\n)\n\
                      tool sigs.k8s.io/kustomize/kustomize/v5\nrequire (\n\ta.b/c v1.0.0\n)\n";
        let names: Vec<String> = tools(go_mod).into_iter().map(|t| t.name).collect();
        assert_eq!(names, ["kubectl", "etcd", "kustomize"]);
    }

    #[test]
    fn kubernetes_is_told_its_version() {
        let go_mod = "tool k8s.io/kubernetes/cmd/kubectl\nrequire (\n\tk8s.io/kubernetes v1.35.4\n)\n";
        assert_eq!(
            linker_flags(go_mod).unwrap(),
            "-s -w -X k8s.io/component-base/version.gitVersion=v1.35.4 \
             -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35"
        );
        assert_eq!(linker_flags("tool a.b/c\n").unwrap(), "-s -w");
    }

    #[test]
    fn flux_is_told_its_version() {
        let go_mod =
            "tool github.com/fluxcd/flux2/v2/cmd/flux\nrequire (\n\tgithub.com/fluxcd/flux2/v2 v2.9.5 // indirect\n)\n";
        assert_eq!(linker_flags(go_mod).unwrap(), "-s -w -X main.VERSION=2.9.5");
    }
}
