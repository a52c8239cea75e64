//! What to run: every compose file below the directories given, and the differences that are meant.

use std::path::{Path, PathBuf};

/// One run of both tools.
pub(super) struct Case {
    pub(super) directory: PathBuf,
    /// Arguments before the command.
    pub(super) args: Vec<String>,
    /// For the table, and for the list of differences.
    pub(super) label: String,
}

const DISCOVERED: &[&str] = &["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];

/// `PATH: reason` lines of a list of differences at the top of a directory.
pub(super) fn differences(directory: &Path, list: &str) -> Vec<(String, String)> {
    let text = fs_err::read_to_string(directory.join(list)).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(": ")).map(|(path, reason)| (path.to_owned(), reason.to_owned())).collect()
}

/// All cases below a directory.
pub(super) fn collect(top: &Path, directory: &Path, cases: &mut Vec<Case>) -> anyhow::Result<()> {
    let label = |path: &Path| path.strip_prefix(top).unwrap_or(path).display().to_string();
    if let Ok(lines) = fs_err::read_to_string(directory.join("args")) {
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let args = line.split_whitespace().map(str::to_owned).collect();
            cases.push(Case {
                directory: directory.to_path_buf(),
                args,
                label: format!("{} [{line}]", label(directory)),
            });
        }
        return Ok(());
    }
    let mut entries: Vec<PathBuf> =
        fs_err::read_dir(directory)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    entries.sort();
    let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let discovered = entries.iter().any(|path| DISCOVERED.contains(&name(path).as_str()));
    if discovered {
        cases.push(Case { directory: directory.to_path_buf(), args: Vec::new(), label: label(directory) });
    }
    for path in entries {
        if path.is_dir() {
            collect(top, &path, cases)?;
        } else if !discovered
            && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
            && name(&path) != "windlass.yaml"
        {
            let args = vec!["-f".to_owned(), name(&path)];
            cases.push(Case { directory: directory.to_path_buf(), args, label: label(&path) });
        }
    }
    Ok(())
}
