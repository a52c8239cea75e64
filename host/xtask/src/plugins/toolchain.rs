//! A Rust compiler for `wasm32-unknown-unknown`: the active one where it has the target, else Debian's with `build-std`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// Plugins are built for this target.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// Debian's compiler and the source of its standard library.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

/// Where the compiler comes from.
#[derive(Debug)]
pub(crate) enum Toolchain {
    /// The active one (rustup's, as a rule).
    Active,
    /// Packages rustc-web, cargo-web, rust-web-src and lld.
    Debian {
        /// `wasm-ld`.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Looks for one.
    pub(crate) fn find() -> Result<Self> {
        if active_has_target()? {
            return Ok(Self::Active);
        }
        match debian_linker() {
            Some(linker) if [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_SOURCE].iter().all(|path| Path::new(path).exists()) => {
                Ok(Self::Debian { linker })
            }
            _ => bail!(
                "no Rust compiler for {TARGET} was found\n\
                 with rustup: rustup target add {TARGET}\n\
                 on Debian:   apt-get install rustc-web cargo-web rust-web-src lld-19"
            ),
        }
    }

    /// A `cargo` command for it.
    pub(crate) fn cargo(&self) -> Command {
        match self {
            Self::Active => Command::new("cargo"),
            Self::Debian { linker } => {
                let mut cargo = Command::new(DEBIAN_CARGO);
                // rustup's compiler comes first in PATH, and has no source of the standard library.
                cargo.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1");
                cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
                cargo
            }
        }
    }

    /// Arguments of `cargo build`.
    pub(crate) fn extra_args(&self) -> &'static [&'static str] {
        match self {
            Self::Active => &[],
            Self::Debian { .. } => &["-Zbuild-std=std,panic_abort"],
        }
    }
}

impl std::fmt::Display for Toolchain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Active => f.write_str("the active toolchain"),
            Self::Debian { linker } => write!(f, "{DEBIAN_RUSTC} with build-std and {}", linker.display()),
        }
    }
}

/// Whether the active compiler has a standard library for the target.
fn active_has_target() -> Result<bool> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .context("failed to run `rustc`: is Rust installed (https://rustup.rs)?")?;
    ensure!(output.status.success(), "`rustc` failed: {}", String::from_utf8_lossy(&output.stderr));
    let directory = String::from_utf8_lossy(&output.stdout);
    let Ok(entries) = fs_err::read_dir(directory.trim()) else { return Ok(false) };
    Ok(entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-")))
}

/// `wasm-ld` of the newest LLVM.
fn debian_linker() -> Option<PathBuf> {
    let entries = fs_err::read_dir("/usr/lib").ok()?;
    let linkers = entries.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.strip_prefix("llvm-")?.parse().ok()?;
        let linker = entry.path().join("bin/wasm-ld");
        linker.exists().then_some((version, linker))
    });
    linkers.max().map(|(_, linker)| linker)
}
