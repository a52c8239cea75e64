//! Image references in full: `nginx` is `docker.io/library/nginx:latest`.

use std::fmt;

/// Where references without a registry point.
const HUB: &str = "docker.io";

/// An image reference in full; printed as the registry's clients write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Registry and repository: `docker.io/library/nginx`.
    pub name: String,
    /// Tag; with a digest in the text there is none, because the digest alone decides.
    pub tag: Option<String>,
    /// `sha256:…`
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a reference as people write it. `None`: it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        let slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (name, tag) = match rest[slash..].split_once(':') {
            Some((last, tag)) => (&rest[..slash + last.len()], Some(tag)),
            None => (rest, None),
        };
        let valid = !name.is_empty()
            && tag.is_none_or(is_tag)
            && digest.is_none_or(is_digest)
            && name.split('/').all(|part| !part.is_empty());
        let tag = if digest.is_some() { None } else { Some(tag.unwrap_or("latest").to_owned()) };
        valid
            .then(|| Self { name: with_registry(name), tag, digest: digest.map(str::to_owned) })
            .filter(Self::is_lower_case)
    }

    /// Host of the registry, with its port where it has one.
    #[must_use]
    pub fn registry(&self) -> &str {
        self.name.split_once('/').map_or(HUB, |(host, _)| host)
    }

    /// Last part of the repository, which says what the image is: `nginx`.
    #[must_use]
    pub fn short_name(&self) -> &str {
        self.name.rsplit_once('/').map_or(&self.name, |(_, last)| last)
    }

    /// The same image, held fast by a digest.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        Self { digest: Some(digest.to_owned()), ..self.clone() }
    }

    /// A repository has no capital letters; a registry may.
    fn is_lower_case(&self) -> bool {
        self.name.split_once('/').is_some_and(|(_, path)| !path.contains(|c: char| c.is_ascii_uppercase()))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.as_ref().map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// The part before the first slash is a registry when it looks like a host.
fn with_registry(name: &str) -> String {
    match name.split_once('/') {
        Some(("index.docker.io" | HUB, path)) => on_hub(path),
        Some((host, _))
            if host == "localhost" || host.contains(['.', ':']) || host.contains(|c: char| c.is_uppercase()) =>
        {
            name.to_owned()
        }
        _ => on_hub(name),
    }
}

fn on_hub(path: &str) -> String {
    if path.contains('/') { format!("{HUB}/{path}") } else { format!("{HUB}/library/{path}") }
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=128).contains(&text.len()) && text.chars().all(word) && !text.starts_with(['.', '-'])
}

fn is_digest(text: &str) -> bool {
    let hexadecimal = |hex: &str| hex.len() >= 32 && hex.chars().all(|c| c.is_ascii_hexdigit());
    text.split_once(':').is_some_and(|(algorithm, hex)| !algorithm.is_empty() && hexadecimal(hex))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn full(text: &str) -> String {
        Reference::parse(text).map_or_else(|| "none".to_owned(), |reference| reference.to_string())
    }

    #[test]
    fn short_names_are_filled_in() {
        let cases = [
            ("nginx", "docker.io/library/nginx:latest"),
            ("team/app:1", "docker.io/team/app:1"),
            ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app:1.0", "localhost:5000/app:1.0"),
            ("registry.example.com/a/b/c", "registry.example.com/a/b/c:latest"),
        ];
        for (text, expected) in cases {
            assert_eq!(full(text), expected, "{text}");
        }
    }

    #[test]
    fn a_digest_makes_the_tag_needless() {
        assert_eq!(full(&format!("nginx:1@{DIGEST}")), format!("docker.io/library/nginx@{DIGEST}"));
        let pinned = Reference::parse("nginx:1").unwrap().pinned(DIGEST);
        assert_eq!(pinned.to_string(), format!("docker.io/library/nginx:1@{DIGEST}"));
    }

    #[test]
    fn what_cannot_be_one_is_none() {
        for text in ["", "a//b", "nginx:", "Nginx", "nginx@sha256:12", "nginx:a/b:", ":1"] {
            assert_eq!(Reference::parse(text), None, "{text}");
        }
    }
}
