//! `crates/flux/order.ld`: which functions a start and a rendering run, for the linker to lay them side by side.
//!
//! Text comes into memory in pieces of 64 KiB and more. The functions that a rendering runs are a megabyte, but they lie
//! scattered among 27 others, and every piece with one of them counts. valgrind tells which they are.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::process::{Command, Stdio};

use crate::Outcome;
use crate::bench;
use crate::workspace::{Workspace, run};

/// No rendering does with fewer functions.
const FEWEST: usize = 500;
const SCRIPT: &str = "crates/flux/order.ld";
const HEAD: &str = "\
/* The functions that a start, kustomize builds and chart renderings run, in the order of the first that runs them, with
   what differs between two versions of a dependency left open: a function that is not found is simply not moved.
   Made by cargo xtask order; do not edit. */
SECTIONS
{
  .text.order :
  {
";
const TAIL: &str = "  }\n}\nINSERT BEFORE .text;\n";

/// Writes the script anew. The release build that follows is laid out by it.
pub(crate) fn write(workspace: &Workspace) -> Outcome {
    // With its symbols, but otherwise as it is released.
    let build = ["rustc", "--quiet", "--release", "--package", "flux", "--bin", "flux", "--", "-Cstrip=none"];
    run(workspace.cargo(&build).env("FLUX_UNORDERED", "1"))?;
    let flux = workspace.target().join("release/flux");
    let folder = workspace.target().join("order");
    fs::create_dir_all(&folder).map_err(|e| format!("make {}: {e}", folder.display()))?;
    let profile = folder.join("profile");
    let symbols = Command::new("nm").arg("--defined-only").arg(&flux).output().map_err(|e| format!("run nm: {e}"))?;
    let mut patterns = Patterns::of(&String::from_utf8_lossy(&symbols.stdout));
    for args in bench::renderings(&folder)? {
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--tool=callgrind", "--demangle=no"]);
        command.arg(format!("--callgrind-out-file={}", profile.display())).arg(&flux).args(&args);
        run(command.stdout(Stdio::null()))?;
        let told = fs::read_to_string(&profile).map_err(|e| format!("read {}: {e}", profile.display()))?;
        patterns.add(&told, &flux.to_string_lossy());
    }
    let line = |pattern: &String| format!("    *(.text.{pattern} .text.unlikely.{pattern})\n");
    let lines: String = patterns.inner.iter().map(line).collect();
    if patterns.inner.len() < FEWEST {
        return Err(format!("only {} functions ran: valgrind does not know their names", patterns.inner.len()));
    }
    println!("{SCRIPT}: {} functions", patterns.inner.len());
    fs::write(workspace.path(SCRIPT), format!("{HEAD}{lines}{TAIL}")).map_err(|e| format!("write {SCRIPT}: {e}"))
}

/// Names of functions, in the order in which they were met.
#[derive(Default)]
struct Patterns {
    inner: Vec<String>,
    known: BTreeSet<String>,
    /// All names of functions that are one, by each of their names.
    names: HashMap<String, Vec<String>>,
}

impl Patterns {
    /// None yet, of a program with these symbols, as `nm` tells them. Functions that do the same are one, which lies in
    /// the section of one of them.
    fn of(symbols: &str) -> Self {
        let mut by_address: HashMap<&str, Vec<String>> = HashMap::new();
        for line in symbols.lines() {
            if let [address, _, name] = line.split(' ').collect::<Vec<_>>()[..] {
                by_address.entry(address).or_default().push(name.to_owned());
            }
        }
        let several = by_address.into_values().filter(|names| names.len() > 1);
        let names =
            several.flat_map(|names| names.clone().into_iter().map(move |name| (name, names.clone()))).collect();
        Self { names, ..Self::default() }
    }

    /// Adds what ran of a program, from what callgrind wrote.
    fn add(&mut self, told: &str, program: &str) {
        // Names are written once, with a number that stands for them from then on.
        let mut objects: HashMap<&str, &str> = HashMap::new();
        let mut functions: HashMap<&str, &str> = HashMap::new();
        let mut ours = false;
        for line in told.lines() {
            let Some((key, value)) = line.split_once('=') else { continue };
            let (number, name) = value.split_once(' ').map_or((value, None), |(number, name)| (number, Some(name)));
            match key {
                "ob" | "cob" => {
                    let object = *objects.entry(number).or_insert(name.unwrap_or_default());
                    if key == "ob" {
                        ours = object == program;
                    }
                }
                "fn" | "cfn" => {
                    let function = *functions.entry(number).or_insert(name.unwrap_or_default());
                    if key == "fn" && ours {
                        self.add_one(function);
                    }
                }
                _ => {}
            }
        }
    }

    fn add_one(&mut self, function: &str) {
        // With a number behind them when they call themselves.
        let function = function.split_once('\'').map_or(function, |(name, _)| name);
        let alone = [function.to_owned()];
        let names = self.names.get(function).map_or(&alone[..], Vec::as_slice);
        for name in names.iter().filter(|name| is_symbol(name)) {
            let pattern = pattern(name);
            if self.known.insert(pattern.clone()) {
                self.inner.push(pattern);
            }
        }
    }
}

/// Whether it can stand in a linker script as it is: callgrind has names of its own for what has none.
fn is_symbol(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'$'))
}

/// A pattern for the function's name in builds with other versions of the crates that it names: their numbers,
/// `Cs` and letters and digits and `_`, stay open, and so does what the linker's optimizations append.
fn pattern(function: &str) -> String {
    let (function, rest) = function.split_once(".llvm.").map_or((function, ""), |(name, _)| (name, ".llvm.*"));
    let mut parts = function.split("Cs");
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('_') {
            Some((number, rest)) if number.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                pattern.push_str("Cs*_");
                pattern.push_str(rest);
            }
            _ => {
                pattern.push_str("Cs");
                pattern.push_str(part);
            }
        }
    }
    pattern + rest
}

#[cfg(test)]
mod tests {
    use super::{HEAD, Patterns, SCRIPT, TAIL, is_symbol, pattern};
    use crate::workspace::Workspace;

    /// No other test links a release build.
    #[test]
    fn the_script_has_a_pattern_on_every_line() {
        let script = Workspace::here().read(SCRIPT).unwrap();
        let lines = script.strip_prefix(HEAD).and_then(|rest| rest.strip_suffix(TAIL)).unwrap().lines();
        for line in lines {
            let pattern = line.strip_prefix("    *(.text.").and_then(|rest| rest.split_once(" .text.unlikely."));
            let (one, other) = pattern.unwrap_or_else(|| panic!("no pattern: {line}"));
            assert!(is_symbol(&one.replace('*', "")) && other.strip_suffix(')') == Some(one), "{line}");
        }
    }

    #[test]
    fn what_ran_of_the_program_is_told_once() {
        let told = "\
ob=(1) /lib/ld.so
fn=(1) _dl_start
1 5
ob=(2) /target/flux
fn=(2) _RNvCsabc12_4flux4main
1 5
cob=(3) /lib/libc.so
cfn=(3) malloc
calls=1 0
cfn=(4) _RNvCsabc12_4flux3run
calls=1 0
ob=(3)
fn=(3)
1 5
ob=(2)
fn=(4)
1 5
fn=(5) _RNvCsabc12_4flux3run'2
1 5
fn=(6) (below main)
1 5
fn=(2)
";
        let mut patterns = Patterns::of("0010 t _RNvCsabc12_4flux3run\n0010 t _RNvCsabc12_4flux4same\n0020 T main\n");
        patterns.add(told, "/target/flux");
        assert_eq!(patterns.inner, ["_RNvCs*_4flux4main", "_RNvCs*_4flux3run", "_RNvCs*_4flux4same"]);
    }

    #[test]
    fn numbers_of_crates_stay_open() {
        assert_eq!(
            pattern("_RINvNtCs1a2B_4core3ptr13drop_in_placeNtCsZz_4yaml4NodeEB4_.llvm.123"),
            "_RINvNtCs*_4core3ptr13drop_in_placeNtCs*_4yaml4NodeEB4_.llvm.*"
        );
        assert_eq!(pattern("_RNv3fooCs"), "_RNv3fooCs");
    }
}
