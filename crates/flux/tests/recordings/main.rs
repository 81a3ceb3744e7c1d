//! What Flux 2.9.4 did, played on ours: one test for each folder of the corpus `flux`.
//!
//! A folder holds a scenario and what the world looked like after Flux's controllers had played it. Ours play it on a
//! real API server and must leave the same world. `expectations.json` names the scenarios that need a feature of a later
//! issue, and the differences that are meant, with the reason for each.
//!
//! `cargo test -p flux --test recordings drift` plays those whose name contains `drift`. What ours left is kept in
//! `target/tmp/recordings`, beside what Flux left.
#![allow(clippy::unwrap_used, reason = "the whole crate is tests")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test that runs a corpus says how many cases it ran")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use testbed::World;
use testbed::recordings::{Expectations, Scenario, judge, play};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

/// Scenarios spend their time waiting; with more at once than this the controllers' timing is no longer theirs.
const AT_ONCE: usize = 6;
/// So many scenarios lie in the corpus, at least.
const SCENARIOS: usize = 57;

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads.get_or_insert(AT_ONCE);
    let Some(folder) = corpus("flux") else { return ExitCode::SUCCESS };
    let scenarios = Scenario::read_all(&folder).unwrap();
    assert!(scenarios.len() >= SCENARIOS, "{} holds only {} scenarios", folder.display(), scenarios.len());
    let expectations = Arc::new(Expectations::read(include_str!("expectations.json")).unwrap());
    assert_eq!(expectations.unknown(&scenarios), [""; 0], "expectations.json names scenarios that are not there");

    let runtime = Arc::new(Runtime::new().unwrap());
    let trials = scenarios.into_iter().map(|scenario| {
        let (runtime, expectations) = (Arc::clone(&runtime), Arc::clone(&expectations));
        Trial::test(scenario.name.clone(), move || runtime.block_on(test(&scenario, &expectations)).map_err(Into::into))
    });
    let conclusion = libtest_mimic::run(&args, trials.collect());
    let later = expectations.count_later();
    println!("flux: {} cases, {later} of them listed for later", conclusion.num_passed + conclusion.num_failed);
    conclusion.exit_code()
}

async fn test(scenario: &Scenario, expectations: &Expectations) -> Result<(), String> {
    let played = play(world().await, scenario).await;
    judge(scenario, played, expectations, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("recordings"))
}

/// The world that all scenarios share.
async fn world() -> &'static World<'static> {
    static SHARED: OnceCell<World<'static>> = OnceCell::const_new();
    let start = || async {
        let plane = testbed::shared().await.unwrap();
        World::on(plane, Path::new(env!("CARGO_BIN_EXE_flux")), &[]).await.unwrap()
    };
    SHARED.get_or_init(start).await
}

/// The folder of a corpus, which lies beside the checkout. Without it the test says so, and fails where it must not be
/// missing.
fn corpus(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("FLUXIDE_CORPUS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"), PathBuf::from);
    let folder = root.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("corpus {name}: absent ({})", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{} must be there where CI is set", folder.display());
    None
}
