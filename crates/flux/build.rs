//! Links the release binary for Linux to a fixed address, as Go links its programs.
//!
//! A program that may lie anywhere has 74,000 addresses to adjust whenever it starts: more than half of the time and a
//! third of the memory that a short command takes. Libraries, heap and stacks still lie at random addresses.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
