//! Files stay small enough to read, and long ones say what they are for.

use std::path::{Path, PathBuf};

use anyhow::Result;

/// Lines of a file, tests not counted.
const MAX_LINES: usize = 600;
/// From this many lines on a file opens with what it is for.
const WITH_INTRODUCTION: usize = 100;

/// All files over the budget.
pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let sources = sources(root, &["host", "plugins"])?;
    Ok(sources.iter().flat_map(|(name, text)| judge(name, text)).collect())
}

/// Names and texts of the Rust sources that are not tests, sorted.
pub(super) fn sources(root: &Path, directories: &[&str]) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for directory in directories {
        collect(&root.join(directory), &mut files)?;
    }
    files.sort();
    let read = |file: &PathBuf| {
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        Ok((name, fs_err::read_to_string(file)?))
    };
    files.iter().map(read).collect()
}

/// Rust sources that are not tests.
fn collect(directory: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs_err::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            if !matches!(name.as_ref(), "target" | "tests" | "dist") {
                collect(&path, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            into.push(path);
        }
    }
    Ok(())
}

fn judge(name: &str, text: &str) -> Vec<String> {
    let lines = code_lines(text);
    let mut found = Vec::new();
    if lines > MAX_LINES {
        found.push(format!("{name}: {lines} lines without tests, more than {MAX_LINES}"));
    }
    if lines > WITH_INTRODUCTION && !text.starts_with("//!") {
        found.push(format!("{name}: over {WITH_INTRODUCTION} lines, and does not open with `//!` what it is for"));
    }
    found
}

/// Lines before the tests at the end of the file.
pub(super) fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests = lines.windows(2).position(|pair| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod "));
    tests.unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_before_the_tests_count() {
        let code = format!("//! x\n{}", "a\n".repeat(599));
        assert_eq!(
            judge("f.rs", &format!("{code}#[cfg(test)]\nmod tests {{\n{}}}\n", "b\n".repeat(900))),
            [] as [&str; 0]
        );
        assert_eq!(judge("f.rs", &format!("{code}a\n")), ["f.rs: 601 lines without tests, more than 600"]);
    }

    #[test]
    fn long_files_open_with_their_purpose() {
        assert_eq!(judge("f.rs", &"a\n".repeat(100)), [] as [&str; 0]);
        assert!(judge("f.rs", &"a\n".repeat(101))[0].contains("does not open with"));
    }
}
