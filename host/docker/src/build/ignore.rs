//! `.dockerignore`: patterns relative to the context's root, `!` takes back, the last match wins.

/// The patterns of a file.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<(bool, Vec<String>)>);

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let patterns = lines.map(|line| {
            let (negated, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            let parts = pattern.split('/').filter(|part| !part.is_empty() && *part != ".").map(str::to_owned).collect();
            (negated, parts)
        });
        Self(patterns.collect())
    }

    /// Whether a path (parts below the root) is left out: it or a folder above it matches.
    pub(super) fn excludes(&self, path: &[&str]) -> bool {
        let matches = |pattern: &[String]| (1..=path.len()).any(|length| parts_match(pattern, &path[..length]));
        self.0.iter().rfind(|(_, pattern)| matches(pattern)).is_some_and(|(negated, _)| !negated)
    }

    /// Whether anything below an excluded folder may be taken back, so that it must be walked.
    pub(super) fn has_exceptions(&self) -> bool {
        self.0.iter().any(|(negated, _)| *negated)
    }
}

fn parts_match(pattern: &[String], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        ([first, rest @ ..], _) if first == "**" => (0..=path.len()).any(|skip| parts_match(rest, &path[skip..])),
        ([first, rest @ ..], [name, below @ ..]) => {
            name_matches(first.as_bytes(), name.as_bytes()) && parts_match(rest, below)
        }
        _ => false,
    }
}

fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    match (pattern, name) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=name.len()).any(|skip| name_matches(rest, &name[skip..])),
        ([b'?', rest @ ..], [_, below @ ..]) => name_matches(rest, below),
        ([b'[', rest @ ..], [letter, below @ ..]) => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
            class_matches(&rest[..end], *letter) && name_matches(&rest[end + 1..], below)
        }
        ([b'\\', escaped, rest @ ..], [letter, below @ ..]) => escaped == letter && name_matches(rest, below),
        ([byte, rest @ ..], [letter, below @ ..]) => byte == letter && name_matches(rest, below),
        _ => false,
    }
}

fn class_matches(class: &[u8], letter: u8) -> bool {
    let (negated, class) = class.strip_prefix(b"^").map_or((false, class), |rest| (true, rest));
    let mut index = 0;
    let mut found = false;
    while index < class.len() {
        if let [low, b'-', high, ..] = class[index..] {
            found |= (low..=high).contains(&letter);
            index += 3;
        } else {
            found |= class[index] == letter;
            index += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::Ignore;

    #[test]
    fn patterns() {
        let ignore =
            Ignore::parse("# comment\nnode_modules\n*.log\n**/*.tmp\nbuild/*\n!build/keep.txt\n/src/[a-c]?.rs\n");
        let excluded = |path: &str| ignore.excludes(&path.split('/').collect::<Vec<_>>());
        for path in ["node_modules/x/y.js", "a.log", "deep/er/x.tmp", "build/out", "src/b1.rs"] {
            assert!(excluded(path), "{path}");
        }
        for path in ["src/node_modules/x", "deep/a.log", "build/keep.txt", "src/d1.rs", "Dockerfile"] {
            assert!(!excluded(path), "{path}");
        }
    }
}
