//! `cargo xtask parts`: the list of all parts of a release with their licences, and the text of each licence.
//!
//! A part is a crate that is compiled into the program, or into a plugin that is embedded in it. Crates that only run
//! while building or testing, macros among them, are none.

mod expression;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::plugins::TARGET as GUEST_TARGET;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Target of the program, as rustc names it (default: this machine's)
    #[arg(long)]
    target: Option<String>,
    /// File to write (default: standard output)
    #[arg(long)]
    output: Option<PathBuf>,
}

/// A crate of a release. Parts sort by name and version, which is the order of the list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    name: String,
    version: String,
    /// SPDX expression; empty where the crate states none.
    licence: String,
    repository: String,
    /// The crate's directory, where its licence files are.
    directory: PathBuf,
    /// One of ours: the licence of the whole repository holds.
    own: bool,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    repository: Option<String>,
    /// `None` for crates of this repository.
    source: Option<String>,
    manifest_path: PathBuf,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
}

impl Package {
    /// A macro runs in the compiler; only what it makes gets into a program, not the macro.
    fn is_macro(&self) -> bool {
        self.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "proc-macro"))
    }
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    /// `None` for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
}

/// Writes the list; fails where a licence is not among those that `deny.toml` allows.
pub(crate) fn run(root: &Path, args: &Args) -> Result<()> {
    let target = match &args.target {
        Some(target) => target.clone(),
        None => this_machine()?,
    };
    let program = parts(root, &target, &["windlass"])?;
    let plugins = root.join("plugins");
    let names = crate::plugins::built_in(&plugins)?;
    let guests = parts(&plugins, GUEST_TARGET, &names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let problems = refused(root, program.iter().chain(&guests))?;
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    let page = page(&program, &guests, &compiler()?)?;
    match &args.output {
        Some(path) => fs_err::write(path, page)?,
        None => print!("{page}"),
    }
    Ok(())
}

/// The crates that `roots` are made of, themselves included.
fn parts(workspace: &Path, target: &str, roots: &[&str]) -> Result<BTreeSet<Part>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", target])
        .current_dir(workspace)
        .output()
        .context("failed to run `cargo metadata`")?;
    ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Metadata = serde_json::from_slice(&output.stdout).context("`cargo metadata` is not as expected")?;
    Ok(reached(&metadata, roots))
}

/// Follows the normal dependencies from the crates of these names.
fn reached(metadata: &Metadata, roots: &[&str]) -> BTreeSet<Part> {
    let nodes: BTreeMap<&str, &Node> = metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let macros: BTreeSet<&str> =
        metadata.packages.iter().filter(|package| package.is_macro()).map(|package| package.id.as_str()).collect();
    let named = metadata.packages.iter().filter(|package| roots.contains(&package.name.as_str()));
    let mut waiting: Vec<&str> = named.map(|package| package.id.as_str()).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if macros.contains(id) || !seen.insert(id) {
            continue;
        }
        let deps = nodes.get(id).into_iter().flat_map(|node| &node.deps);
        let normal = deps.filter(|dep| dep.dep_kinds.iter().any(|kind| kind.kind.is_none()));
        waiting.extend(normal.map(|dep| dep.pkg.as_str()));
    }
    metadata.packages.iter().filter(|package| seen.contains(package.id.as_str())).map(Part::of).collect()
}

impl Part {
    fn of(package: &Package) -> Self {
        Self {
            name: package.name.clone(),
            version: package.version.clone(),
            licence: package.license.clone().unwrap_or_default(),
            repository: package.repository.clone().unwrap_or_default(),
            directory: package.manifest_path.parent().unwrap_or(Path::new("")).to_owned(),
            own: package.source.is_none(),
        }
    }
}

/// A line for each part whose licence `deny.toml` does not allow.
fn refused<'a>(root: &Path, parts: impl Iterator<Item = &'a Part>) -> Result<Vec<String>> {
    let allowed = allowed(&fs_err::read_to_string(root.join("deny.toml"))?);
    ensure!(!allowed.is_empty(), "deny.toml lists no licences");
    let bad = parts.filter(|part| !expression::is_met(&part.licence, &|name| allowed.contains(name)));
    Ok(bad.map(|part| format!("{} {}: licence {:?} is not allowed", part.name, part.version, part.licence)).collect())
}

/// The quoted names in `allow = [ … ]`.
fn allowed(deny: &str) -> BTreeSet<String> {
    let lines = deny.lines().skip_while(|line| !line.starts_with("allow = [")).skip(1);
    let names = lines.take_while(|line| !line.starts_with(']')).filter_map(|line| line.split('"').nth(1));
    names.map(str::to_owned).collect()
}

fn page(program: &BTreeSet<Part>, guests: &BTreeSet<Part>, compiler: &str) -> Result<String> {
    let mut page = String::from("# Parts\n\nWhat this release of Windlass is made of, with licences.\n");
    table(&mut page, "The program", program)?;
    table(&mut page, "The plugins inside it", guests)?;
    writeln!(
        page,
        "\nThe licence of Windlass itself stands in the file LICENSE. Both contain the Rust standard library of `{compiler}`: MIT OR Apache-2.0.\n\n# Licence texts"
    )?;
    let parts: BTreeSet<&Part> = program.iter().chain(guests).filter(|part| !part.own).collect();
    texts::append(&mut page, &parts)?;
    Ok(page)
}

fn table(page: &mut String, title: &str, parts: &BTreeSet<Part>) -> Result<()> {
    writeln!(page, "\n## {title}\n\n| part | version | licence | source |\n|---|---|---|---|")?;
    for part in parts {
        writeln!(page, "| {} | {} | {} | {} |", part.name, part.version, part.licence, part.repository)?;
    }
    Ok(())
}

fn compiler() -> Result<String> {
    rustc(&["--version"])
}

fn this_machine() -> Result<String> {
    let text = rustc(&["--version", "--verbose"])?;
    text.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc does not name its host")
}

fn rustc(args: &[&str]) -> Result<String> {
    let output = Command::new("rustc").args(args).output().context("failed to run `rustc`")?;
    ensure!(output.status.success(), "`rustc` failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests;
