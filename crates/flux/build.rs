//! Has the linker lay the functions side by side that a start and a rendering run.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=order.ld");
    println!("cargo:rerun-if-env-changed=FLUX_UNORDERED");
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let is_gnu_linux = variable("CARGO_CFG_TARGET_OS") == "linux" && variable("CARGO_CFG_TARGET_ENV") == "gnu";
    // GNU's linker and LLVM's take such a script beside their own; mold takes none.
    let takes_scripts = !variable("CARGO_ENCODED_RUSTFLAGS").contains("mold");
    // For the chore that writes the script: valgrind knows functions in their usual section alone.
    let is_asked_for = variable("FLUX_UNORDERED").is_empty();
    if variable("PROFILE") == "release" && is_gnu_linux && takes_scripts && is_asked_for {
        println!("cargo:rustc-link-arg-bin=flux=-Wl,-T,{}/order.ld", variable("CARGO_MANIFEST_DIR"));
    }
}
