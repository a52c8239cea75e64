//! Holds the walls between crates, the limit of import circles, and the size budget of files.

mod budget;
mod circles;
mod edges;
mod literals;

use std::path::Path;

use anyhow::{Result, bail};

/// Checks all; the error counts what was printed.
pub(crate) fn run(root: &Path) -> Result<()> {
    let root = fs_err::canonicalize(root)?;
    let mut violations = edges::violations(&root)?;
    violations.extend(budget::violations(&root)?);
    violations.extend(circles::violations(&root)?);
    violations.extend(literals::violations(&root)?);
    if violations.is_empty() {
        println!("edges, circles and file sizes are in order");
        return Ok(());
    }
    for violation in &violations {
        println!("{violation}");
    }
    bail!("{} violations", violations.len())
}
