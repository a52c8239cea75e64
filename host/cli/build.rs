//! How the binary is linked.

use std::env::var_os;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Wasmtime and its compiler bring tens of thousands of addresses that the loader must adjust before `main`. Packed, their list
    // takes a few kilobytes instead of most of a megabyte of every process, also of those that never see a plugin.
    if is("CARGO_CFG_TARGET_OS", "linux") && is("PROFILE", "release") && loader_unpacks() {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is(name: &str, value: &str) -> bool {
    var_os(name).is_some_and(|found| found == value)
}

/// Whether the C library of this machine, for which the binary is built, knows the format: glibc does from 2.36 on. A linker that
/// does not know it ignores the keyword.
fn loader_unpacks() -> bool {
    let native = var_os("HOST") == var_os("TARGET");
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let told = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let minor = told.trim().strip_prefix("glibc 2.").and_then(|minor| minor.split('.').next()?.parse::<u32>().ok());
    native && minor.is_some_and(|minor| minor >= 36)
}
