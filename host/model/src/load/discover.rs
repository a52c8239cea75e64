//! Which files make the project, in which directory, with which variables.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Loader;
use super::presence::Presence;
use crate::diagnostic::Diagnostic;
use crate::paths::clean;

/// Names searched for, best first.
pub(crate) const NAMES: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
/// Overrides searched for beside a found file, best first.
const OVERRIDES: &[&str] =
    &["compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"];

/// What was found.
pub(crate) struct Found {
    /// Absolute files, or `-`.
    pub(crate) files: Vec<PathBuf>,
    /// Project directory, absolute.
    pub(crate) folder: PathBuf,
    /// `--env-file` list, absolute; empty when the default `.env` was used.
    pub(crate) env_files: Vec<PathBuf>,
    /// Process environment over `.env`.
    pub(crate) variables: BTreeMap<String, String>,
}

/// Finds the files; problems are reported.
pub(crate) fn find(loader: &mut Loader<'_>) -> Option<Found> {
    let options = loader.options;
    let env_files = env_files(loader);
    let mut variables = options.environment.clone();
    let first_folder = options.project_directory.as_ref().map(|folder| absolute(&options.cwd, folder));
    let guess = first_folder.clone().unwrap_or_else(|| folder_of_first_file(loader));
    check_folder(loader, first_folder.as_deref())?;
    read_env(loader, &env_files, &guess, &mut variables)?;
    let files = files(loader, first_folder.as_deref(), &variables)?;
    let folder = first_folder.unwrap_or_else(|| match files.first() {
        Some(file) if file != Path::new("-") => file.parent().map_or_else(|| options.cwd.clone(), Path::to_path_buf),
        _ => options.cwd.clone(),
    });
    if env_files.is_empty() && folder != guess {
        read_env(loader, &[], &folder, &mut variables)?;
    }
    Some(Found { files, folder, env_files, variables })
}

/// `--project-directory` may be made later, but it is no file.
fn check_folder(loader: &mut Loader<'_>, folder: Option<&Path>) -> Option<()> {
    if let Some(folder) = folder.filter(|folder| matches!(loader.presence(folder), Presence::There)) {
        let text = format!("the project directory {} is not a directory", folder.display());
        loader.out.0.push(Diagnostic::error("project-directory", "", None, text));
        return None;
    }
    Some(())
}

fn absolute(cwd: &Path, path: &Path) -> PathBuf {
    clean(&cwd.join(path))
}

fn env_files(loader: &Loader<'_>) -> Vec<PathBuf> {
    let options = loader.options;
    let listed = options.environment.get("COMPOSE_ENV_FILES").filter(|list| !list.is_empty());
    match listed {
        Some(list) if options.env_files.is_empty() => {
            let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.map(|name| absolute(&options.cwd, Path::new(name))).collect()
        }
        _ => options.env_files.iter().map(|file| absolute(&options.cwd, file)).collect(),
    }
}

fn folder_of_first_file(loader: &Loader<'_>) -> PathBuf {
    let options = loader.options;
    match options.files.first() {
        Some(file) if file != Path::new("-") => {
            absolute(&options.cwd, file).parent().map_or_else(|| options.cwd.clone(), Path::to_path_buf)
        }
        _ => options.cwd.clone(),
    }
}

/// Reads `.env` (or the named files) below what the environment already says.
fn read_env(
    loader: &mut Loader<'_>,
    named: &[PathBuf],
    folder: &Path,
    variables: &mut BTreeMap<String, String>,
) -> Option<()> {
    let list: Vec<PathBuf> = match named {
        [] if is_disabled(loader)? => return Some(()),
        [] => default_env(loader, folder)?,
        named => named.to_vec(),
    };
    let mut own: BTreeMap<String, String> = BTreeMap::new();
    for path in list {
        let missing = || format!("couldn't find env file: {}", path.display());
        if let Some(text) = loader.named_file(&path).map_or_else(Some, |there| (!there).then(missing)) {
            loader.out.0.push(Diagnostic::error("env-file", "", None, text));
            return None;
        }
        let file = loader.read(&path)?;
        let outer = variables.clone();
        let seen = own.clone();
        let lookup = |name: &str| outer.get(name).or_else(|| seen.get(name)).cloned();
        match loader.dotenv(&file, &lookup) {
            Ok(pairs) => {
                loader.remember_file(&file, &pairs, None);
                own.extend(pairs.into_iter().map(|pair| (pair.key, pair.value)));
            }
            Err(error) => {
                let text = format!("failed to read {}: {error}", path.display());
                let span = crate::node::Span { file: Some(file), line: error.line, column: 1, length: 1 };
                loader.out.0.push(Diagnostic::error("dotenv", "", Some(span), text));
                return None;
            }
        }
    }
    for (key, value) in own {
        variables.entry(key).or_insert(value);
    }
    Some(())
}

/// Whether the default `.env` is not to be read; a word that says neither yes nor no is reported.
fn is_disabled(loader: &mut Loader<'_>) -> Option<bool> {
    const NAME: &str = "COMPOSE_DISABLE_ENV_FILE";
    let value = loader.options.environment.get(NAME).map_or("", String::as_str);
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        other => {
            let text = format!("{NAME} must be true or false (found: {other:?})");
            loader.out.0.push(Diagnostic::error("environment", "", None, text));
            None
        }
    }
}

/// The `.env` of a directory, if there is one. A directory of that name is somebody's virtual environment; a file that is there
/// and cannot be had is a problem.
pub(super) fn default_env(loader: &mut Loader<'_>, folder: &Path) -> Option<Vec<PathBuf>> {
    let path = folder.join(".env");
    match loader.presence(&path) {
        Presence::There => Some(vec![path]),
        Presence::Missing | Presence::Dangling | Presence::Directory => Some(Vec::new()),
        Presence::Unreachable(reason) => {
            loader.out.0.push(Diagnostic::error("env-file", "", None, reason));
            None
        }
    }
}

fn files(loader: &mut Loader<'_>, folder: Option<&Path>, variables: &BTreeMap<String, String>) -> Option<Vec<PathBuf>> {
    let options = loader.options;
    let resolve = |file: &Path| if file == Path::new("-") { file.to_owned() } else { absolute(&options.cwd, file) };
    if !options.files.is_empty() {
        return Some(options.files.iter().map(|file| resolve(file)).collect());
    }
    let listed = listed(variables);
    if !listed.is_empty() {
        return Some(listed.iter().map(|file| resolve(file)).collect());
    }
    search(loader, folder)
}

/// The files that `COMPOSE_FILE` names; empty when it is not set.
pub(crate) fn listed(variables: &BTreeMap<String, String>) -> Vec<PathBuf> {
    let text = |name: &str| variables.get(name).map(String::as_str).filter(|text| !text.is_empty());
    let separator = text("COMPOSE_PATH_SEPARATOR").unwrap_or(":");
    text("COMPOSE_FILE").map(|list| list.split(separator).map(PathBuf::from).collect()).unwrap_or_default()
}

/// Searches the directory and its parents.
fn search(loader: &mut Loader<'_>, folder: Option<&Path>) -> Option<Vec<PathBuf>> {
    let start = folder.unwrap_or(&loader.options.cwd).to_path_buf();
    for folder in start.ancestors() {
        let hits = present(loader, folder, NAMES);
        if let Some(first) = hits.first() {
            warn_several(loader, &hits);
            let overrides = present(loader, folder, OVERRIDES);
            warn_several(loader, &overrides);
            return Some(std::iter::once(first.clone()).chain(overrides.into_iter().take(1)).collect());
        }
    }
    let problem = Diagnostic::error("no-file", "", None, "no configuration file provided: not found");
    let hint = format!("none of {} in {} or a directory above it; name one with -f", NAMES.join(", "), start.display());
    loader.out.0.push(problem.hinted(hint));
    None
}

fn present(loader: &Loader<'_>, folder: &Path, names: &[&str]) -> Vec<PathBuf> {
    names.iter().map(|name| folder.join(name)).filter(|path| loader.files.is_file(path)).collect()
}

fn warn_several(loader: &mut Loader<'_>, hits: &[PathBuf]) {
    if let [first, _, ..] = hits {
        let all: Vec<String> = hits.iter().map(|path| path.display().to_string()).collect();
        let several = format!("Found multiple config files with supported names: {}", all.join(", "));
        loader.out.0.push(Diagnostic::warning("several-files", "", None, several));
        loader.out.0.push(Diagnostic::warning("several-files", "", None, format!("Using {}", first.display())));
    }
}
