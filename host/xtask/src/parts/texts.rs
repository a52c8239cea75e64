//! The licence files that crates bring, each different text once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::Part;

/// Beginnings of the names of files that state a licence or a notice, in lower case.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];

/// Appends every text, headed by the parts it belongs to, and names the parts that bring none.
pub(super) fn append(page: &mut String, parts: &BTreeSet<&Part>) -> Result<()> {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut without = Vec::new();
    for part in parts {
        let texts = of(&part.directory)?;
        let label = format!("{} {}", part.name, part.version);
        if texts.is_empty() {
            without.push(format!("{label} ({})", part.licence));
        }
        for text in texts {
            owners.entry(text).or_default().insert(label.clone());
        }
    }
    for (labels, text) in by_owner(owners) {
        write!(page, "\n## {labels}\n\n```text\n{text}\n```\n")?;
    }
    if !without.is_empty() {
        writeln!(page, "\n## Parts that bring no text of their own\n\n{}", without.join(", "))?;
    }
    Ok(())
}

/// In the order of the owners, which people look for.
fn by_owner(owners: BTreeMap<String, BTreeSet<String>>) -> BTreeSet<(String, String)> {
    owners.into_iter().map(|(text, labels)| (Vec::from_iter(labels).join(", "), text)).collect()
}

/// The texts in a crate's directory. Line ends and outer white space do not make a text a different one.
fn of(directory: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for entry in fs_err::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        if path.is_file() && NAMES.iter().any(|begin| name.starts_with(begin)) {
            texts.insert(String::from_utf8_lossy(&fs_err::read(&path)?).replace("\r\n", "\n").trim().to_owned());
        }
    }
    Ok(texts)
}
