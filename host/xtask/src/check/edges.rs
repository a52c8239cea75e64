//! Which crate may use which.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

/// These may not be reached from the crate, however indirectly (dev-dependencies apart).
const NEVER: [(&str, &[&str]); 6] = [
    ("windlass-model", &["tokio", "bollard", "wasmtime", "clap"]),
    ("windlass-plan", &["tokio", "bollard", "wasmtime", "clap"]),
    ("windlass-runtime", &["bollard", "wasmtime", "clap"]),
    ("windlass-session", &["bollard", "wasmtime", "clap"]),
    ("windlass-docker", &["windlass-session"]),
    ("windlass-plugin-host", &["windlass-session"]),
];

/// Only these crates may name the dependency, at all.
const ONLY: [(&str, &[&str]); 3] =
    [("bollard", &["windlass-docker"]), ("wasmtime", &["windlass-plugin-host"]), ("clap", &["windlass", "xtask"])];

/// Nobody may depend on these, and these not on each other.
const APART: [&str; 3] = ["windlass-docker", "windlass-plugin-host", "windlass"];

/// The binary crate, and the crate of the tests.
const BINARY: &str = "windlass";
const TESTKIT: &str = "windlass-testkit";

/// A dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Edge {
    to: String,
    dev: bool,
}

/// Crates by name, with what they depend on.
#[derive(Debug, Clone, Default)]
struct Graph {
    crates: BTreeMap<String, Vec<Edge>>,
    members: BTreeSet<String>,
}

/// All forbidden edges of both workspaces.
pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let host = Graph::read(root)?;
    let plugins = Graph::read(&root.join("plugins"))?;
    let mut all = host.violations();
    all.extend(plugins.uses_of_host(&host.members));
    Ok(all)
}

impl Graph {
    fn violations(&self) -> Vec<String> {
        let mut all = self.reached();
        for (from, edge) in self.direct() {
            all.extend(named(from, &edge.to));
            all.extend(apart(from, edge));
        }
        all
    }

    /// Direct dependencies of workspace members.
    fn direct(&self) -> impl Iterator<Item = (&str, &Edge)> {
        let members = self.members.iter().filter_map(|name| self.crates.get_key_value(name));
        members.flat_map(|(name, edges)| edges.iter().map(move |edge| (name.as_str(), edge)))
    }

    fn reached(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (from, forbidden) in NEVER {
            for target in forbidden {
                if let Some(path) = self.path(from, target) {
                    all.push(format!("{from} must never use {target}: {}", path.join(" → ")));
                }
            }
        }
        all
    }

    /// Shortest way from one crate to another without dev-dependencies.
    fn path(&self, from: &str, to: &str) -> Option<Vec<String>> {
        let mut queue = VecDeque::from([vec![from.to_owned()]]);
        let mut seen = BTreeSet::from([from.to_owned()]);
        while let Some(path) = queue.pop_front() {
            let last = path.last()?;
            if is_or_extends(last, to) {
                return Some(path);
            }
            for edge in self.crates.get(last).into_iter().flatten().filter(|edge| !edge.dev) {
                if seen.insert(edge.to.clone()) {
                    queue.push_back(path.iter().chain([&edge.to]).cloned().collect());
                }
            }
        }
        None
    }

    fn uses_of_host(&self, host: &BTreeSet<String>) -> Vec<String> {
        let bad = self.direct().filter(|(_, edge)| host.contains(&edge.to));
        bad.map(|(from, edge)| format!("plugins: {from} must not depend on the host crate {}", edge.to)).collect()
    }
}

/// `wasmtime-wasi` counts as `wasmtime`, `clap_complete` as `clap`.
fn is_or_extends(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        && !name.starts_with("tokio-")
}

fn named(from: &str, to: &str) -> Option<String> {
    let (family, allowed) = ONLY.iter().find(|(family, _)| is_or_extends(to, family))?;
    (!allowed.contains(&from)).then(|| format!("only {} may name {family}; {from} names {to}", allowed.join(" and ")))
}

fn apart(from: &str, edge: &Edge) -> Option<String> {
    let to = edge.to.as_str();
    if to == BINARY {
        return Some(format!("nobody may depend on the binary crate {BINARY}; {from} does"));
    }
    if to == TESTKIT && !edge.dev {
        return Some(format!("{TESTKIT} is for dev-dependencies only; {from} depends on it"));
    }
    let both = from != BINARY && APART.contains(&from) && APART.contains(&to) && !edge.dev;
    both.then(|| format!("{from} and {to} must not know each other"))
}

/// The part of `cargo metadata` that is looked at.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dep>,
}

#[derive(Deserialize)]
struct Dep {
    pkg: String,
    dep_kinds: Vec<DepKind>,
}

#[derive(Deserialize)]
struct DepKind {
    kind: Option<String>,
}

impl Graph {
    fn read(directory: &Path) -> Result<Self> {
        let output = Command::new("cargo")
            .args(["metadata", "--format-version", "1", "--all-features"])
            .current_dir(directory)
            .output()
            .context("failed to run `cargo metadata`")?;
        ensure!(output.status.success(), "`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
        Self::parse(&output.stdout)
    }

    fn parse(json: &[u8]) -> Result<Self> {
        let metadata: Metadata = serde_json::from_slice(json).context("`cargo metadata` is not as expected")?;
        let names: BTreeMap<&str, &str> =
            metadata.packages.iter().map(|package| (package.id.as_str(), package.name.as_str())).collect();
        let name = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
        let mut graph = Self::default();
        for node in &metadata.resolve.nodes {
            let edges = node.deps.iter().map(|dep| Edge { to: name(&dep.pkg), dev: dep.is_dev() });
            // Two versions of one crate are one crate here.
            graph.crates.entry(name(&node.id)).or_default().extend(edges);
        }
        graph.members = metadata.workspace_members.iter().map(|id| name(id)).collect();
        Ok(graph)
    }
}

impl Dep {
    fn is_dev(&self) -> bool {
        !self.dep_kinds.is_empty() && self.dep_kinds.iter().all(|kind| kind.kind.as_deref() == Some("dev"))
    }
}

#[cfg(test)]
mod tests;
