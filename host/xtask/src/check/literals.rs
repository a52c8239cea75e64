//! Names that must be spelled in one place only: the labels, by which either tool finds what the other made.

use std::path::Path;

use anyhow::Result;

use super::budget::{code_lines, sources};

/// The beginnings of label names.
const LABELS: [&str; 2] = ["\"com.docker.compose.", "\"dev.windlass."];
/// Where they are spelled.
const HOME: &str = "host/plan/src/labels.rs";

/// Labels that are spelled elsewhere. The developers' tools look at engines from outside, so they spell their own.
pub(crate) fn violations(root: &Path) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (name, text) in sources(root, &["host"])? {
        if name != HOME && !name.starts_with("host/xtask/") && !name.starts_with("host/testkit/") {
            all.extend(judge(&name, &text));
        }
    }
    Ok(all)
}

fn judge(name: &str, text: &str) -> Vec<String> {
    let lines = text.lines().take(code_lines(text)).enumerate();
    let spelled = lines.filter(|(_, line)| LABELS.iter().any(|label| line.contains(label)));
    spelled.map(|(at, _)| format!("{name}:{}: a label is spelled here; its home is {HOME}", at + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_outside_its_home_is_told_but_not_in_tests() {
        let text = "let a = \"com.docker.compose.project\";\n// com.docker.compose.project\n#[cfg(test)]\nmod tests {\n\"dev.windlass.x\"\n}\n";
        assert_eq!(judge("f.rs", text), ["f.rs:1: a label is spelled here; its home is host/plan/src/labels.rs"]);
    }
}
