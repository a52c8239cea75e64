//! No large circles of imports within a crate: files that all need each other are one file in many pieces.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Result;

/// Most files that may import each other in a circle.
const MAX_CIRCLE: usize = 5;

/// A module, as the segments of its path below the crate.
type Module = Vec<String>;

/// All circles over the limit, the files of each named.
pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs_err::read_dir(root.join("host"))? {
        let source = entry?.path().join("src");
        if source.is_dir() {
            let name = source.strip_prefix(root).unwrap_or(&source).display().to_string();
            all.extend(judge(&name, &read(&source)?));
        }
    }
    all.sort();
    Ok(all)
}

fn judge(name: &str, modules: &BTreeMap<Module, String>) -> Vec<String> {
    let large = circles(&imports(modules)).into_iter().filter(|circle| circle.len() > MAX_CIRCLE);
    let told = large.map(|circle| {
        let names: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
        let count = names.len();
        format!("{name}: a circle of {count} files, more than {MAX_CIRCLE}: {}", names.join(", "))
    });
    told.collect()
}

/// The text of every module, without comments, strings and tests.
fn read(source: &Path) -> Result<BTreeMap<Module, String>> {
    let mut modules = BTreeMap::new();
    let mut directories = vec![PathBuf::new()];
    while let Some(below) = directories.pop() {
        for entry in fs_err::read_dir(source.join(&below))? {
            let path = entry?.path();
            let place = path.strip_prefix(source)?.to_owned();
            if path.is_dir() {
                directories.push(place);
            } else if place.extension().is_some_and(|extension| extension == "rs")
                && let Some(module) = module_of(&place)
            {
                modules.insert(module, paths::code(&fs_err::read_to_string(&path)?));
            }
        }
    }
    Ok(modules)
}

/// `a/b.rs` and `a/b/mod.rs` are `a::b`, `lib.rs` and `main.rs` the crate itself; files of tests are left out.
fn module_of(place: &Path) -> Option<Module> {
    let mut segments: Vec<String> =
        place.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let last = segments.last()?.as_str();
    if last == "tests" || segments.iter().any(|segment| segment == "bin") {
        return None;
    }
    if matches!(last, "mod" | "lib" | "main") {
        segments.pop();
    }
    Some(segments)
}

/// Who imports whom. A re-export is a door, not a need: the edge goes to where the name comes from.
fn imports(modules: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let used: BTreeMap<&Module, Vec<paths::Use>> =
        modules.iter().map(|(module, text)| (module, paths::uses(text, module))).collect();
    let mut doors: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for (module, uses) in &used {
        for item in uses.iter().filter(|item| item.exported) {
            let name = item.path.last().cloned().unwrap_or_default();
            doors.insert([module.as_slice(), &[name]].concat(), item.path.clone());
        }
    }
    let edges = used.iter().map(|(module, uses)| {
        let needed = uses.iter().filter(|item| !item.exported).filter_map(|item| home(&item.path, modules, &doors));
        ((*module).clone(), needed.filter(|other| other != *module).collect())
    });
    edges.collect()
}

/// The module that a path leads to, through re-exports.
fn home(
    path: &[String],
    modules: &BTreeMap<Module, String>,
    doors: &BTreeMap<Vec<String>, Vec<String>>,
) -> Option<Module> {
    let mut path = path.to_vec();
    // A door may lead to a door; a circle of doors would not compile.
    for _ in 0..8 {
        let Some(length) = (1..=path.len()).find(|length| doors.contains_key(&path[..*length])) else { break };
        let next = [doors[&path[..length]].as_slice(), &path[length..]].concat();
        if next == path {
            break;
        }
        path = next;
    }
    (0..=path.len()).rev().map(|length| path[..length].to_vec()).find(|module| modules.contains_key(module))
}

/// Strongly connected components of more than one module.
fn circles(edges: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<BTreeSet<Module>> {
    let reached: BTreeMap<&Module, BTreeSet<&Module>> = edges.keys().map(|from| (from, reach(edges, from))).collect();
    let mut found: BTreeSet<BTreeSet<Module>> = BTreeSet::new();
    for (from, ahead) in &reached {
        let circle: BTreeSet<Module> = ahead
            .iter()
            .filter(|other| reached.get(**other).is_some_and(|back| back.contains(*from)))
            .map(|other| (*other).clone())
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

fn reach<'e>(edges: &'e BTreeMap<Module, BTreeSet<Module>>, from: &Module) -> BTreeSet<&'e Module> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<&Module> = edges.get(from).into_iter().flatten().collect();
    while let Some(module) = next.pop() {
        if seen.insert(module) {
            next.extend(edges.get(module).into_iter().flatten());
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(files: &[(&str, &str)]) -> BTreeMap<Module, String> {
        let module = |path: &str| module_of(Path::new(path)).unwrap();
        files.iter().map(|(path, text)| (module(path), paths::code(text))).collect()
    }

    #[test]
    fn a_circle_is_told_with_its_files_when_it_is_too_large() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let ring = |count: usize| {
            let texts: Vec<(String, String)> = (0..count)
                .map(|at| (format!("{}.rs", names[at]), format!("use crate::{}::X;", names[(at + 1) % count])))
                .collect();
            let files: Vec<(&str, &str)> = texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
            judge("c", &crate_of(&files))
        };
        assert_eq!(ring(5), [] as [&str; 0]);
        assert_eq!(ring(6), ["c: a circle of 6 files, more than 5: a, b, c, d, e, f"]);
    }

    #[test]
    fn doors_are_looked_through() {
        let modules = crate_of(&[
            ("lib.rs", "mod a; mod b; pub use a::Thing;"),
            ("a.rs", "use crate::b::Other; pub struct Thing;"),
            ("b.rs", "use crate::Thing; fn f() { super::a::g(); }"),
        ]);
        let circle = BTreeSet::from([vec!["a".to_owned()], vec!["b".to_owned()]]);
        assert_eq!(circles(&imports(&modules)), [circle]);
    }
}
