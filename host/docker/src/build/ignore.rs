//! `.dockerignore`: patterns relative to the context's root, `!` takes back, the last match wins.

/// The patterns of a file.
#[derive(Debug, Default)]
pub(super) struct Ignore(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    /// It begins with `!`.
    takes_back: bool,
    parts: Vec<String>,
}

impl Ignore {
    pub(super) fn parse(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::trim).filter(|line| !line.is_empty());
        let patterns = lines.map(|line| {
            let (takes_back, pattern) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest.trim()));
            Pattern { takes_back, parts: parts(pattern) }
        });
        // `.` means the context itself, which cannot be left out.
        Self(patterns.filter(|pattern| !pattern.parts.is_empty()).collect())
    }

    /// Sends this path whatever the patterns before say.
    pub(super) fn take_back(&mut self, path: &str) {
        let escaped: Vec<String> = parts(path).iter().map(|part| escape(part)).collect();
        self.0.push(Pattern { takes_back: true, parts: escaped });
    }

    /// Whether a path (parts below the root) is left out: it or a directory above it matches.
    pub(super) fn excludes(&self, path: &[&str]) -> bool {
        let matches = |pattern: &Pattern| (1..=path.len()).any(|length| parts_match(&pattern.parts, &path[..length]));
        self.0.iter().rfind(|pattern| matches(pattern)).is_some_and(|pattern| !pattern.takes_back)
    }

    /// Whether something below an excluded directory may be taken back, so that it must be walked. As in the Docker CLI a
    /// pattern has to name the directory: `!**/keep` alone opens no excluded one.
    pub(super) fn takes_back_below(&self, directory: &[&str]) -> bool {
        let names = |pattern: &Pattern| {
            pattern.parts.len() > directory.len()
                && pattern.parts.iter().zip(directory).all(|(part, name)| part == name || *part == escape(name))
        };
        self.0.iter().any(|pattern| pattern.takes_back && names(pattern))
    }
}

/// Parts of a path between slashes, `.` and `..` resolved.
fn parts(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

/// A name as a pattern that matches nothing else.
fn escape(name: &str) -> String {
    let special = |c: char| matches!(c, '*' | '?' | '[' | '\\');
    name.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}

fn parts_match(pattern: &[String], path: &[&str]) -> bool {
    match (pattern, path) {
        ([], []) => true,
        // At the end it stands for what is inside, not for the directory itself.
        ([last], []) if last == "**" => false,
        ([last], _) if last == "**" => true,
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

    fn excluded(ignore: &Ignore, path: &str) -> bool {
        ignore.excludes(&path.split('/').collect::<Vec<_>>())
    }

    #[test]
    fn patterns() {
        let ignore = Ignore::parse(
            "# comment\nnode_modules\n*.log\n**/*.tmp\nbuild/*\n!build/keep.txt\n/src/[a-c]?.rs\nout/**\n./x/../y\n.\n",
        );
        for path in ["node_modules/x/y.js", "a.log", "deep/er/x.tmp", "build/out", "src/b1.rs", "out/a", "out/a/b", "y"]
        {
            assert!(excluded(&ignore, path), "{path}");
        }
        for path in ["src/node_modules/x", "deep/a.log", "build/keep.txt", "src/d1.rs", "Dockerfile", "out", "x"] {
            assert!(!excluded(&ignore, path), "{path}");
        }
    }

    #[test]
    fn what_is_taken_back_opens_the_directories_above_it_only() {
        let mut ignore = Ignore::parse("*\n!**/keep\n!src/**/main.c");
        ignore.take_back("docker/odd[1]/Dockerfile");
        assert!(!excluded(&ignore, "docker/odd[1]/Dockerfile"));
        assert!(excluded(&ignore, "docker/odd1/Dockerfile"));
        assert!(!excluded(&ignore, "src/a/main.c"));
        for directory in [&["docker"][..], &["docker", "odd[1]"], &["src"]] {
            assert!(ignore.takes_back_below(directory), "{directory:?}");
        }
        for directory in [&["data"][..], &["docker", "other"]] {
            assert!(!ignore.takes_back_below(directory), "{directory:?}");
        }
    }
}
