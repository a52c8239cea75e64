//! Local images.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use windlass_plan::observed::Image;

use super::{Labels, nullable, unix_seconds};

/// `GET /images/{name}/json`, as far as it is needed.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Inspection {
    id: String,
    #[serde(deserialize_with = "nullable")]
    repo_tags: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    config: Config,
    architecture: String,
    variant: String,
    os: String,
    #[serde(deserialize_with = "nullable")]
    metadata: Metadata,
    #[serde(deserialize_with = "nullable")]
    manifests: Vec<Manifest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    #[serde(deserialize_with = "nullable")]
    volumes: BTreeMap<String, IgnoredAny>,
    #[serde(deserialize_with = "nullable")]
    exposed_ports: BTreeMap<String, IgnoredAny>,
    healthcheck: Option<HealthCheck>,
    #[serde(deserialize_with = "nullable")]
    labels: Labels,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthCheck {
    #[serde(deserialize_with = "nullable")]
    test: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Metadata {
    last_tag_time: String,
}

/// One manifest of a multi-platform image (API 1.48, with `manifests=1`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Manifest {
    #[serde(rename = "ID")]
    id: String,
    available: bool,
    kind: String,
    image_data: Option<ImageData>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ImageData {
    platform: Platform,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Platform {
    os: String,
    architecture: String,
    variant: String,
}

impl Inspection {
    /// The image, if it is of the wanted platform (empty: any; then the engine's own is preferred).
    pub(crate) fn for_platform(self, wanted: &str, engine: &str) -> Option<Image> {
        let own = Platform { os: self.os, architecture: self.architecture, variant: self.variant };
        let manifest = best_manifest(&self.manifests, if wanted.is_empty() { engine } else { wanted });
        let fits = wanted.is_empty() || manifest.is_some() || own.matches(wanted);
        let platform = manifest.and_then(|found| found.image_data.as_ref()).map_or(&own, |data| &data.platform);
        fits.then(|| Image {
            content_digest: manifest.map_or_else(|| self.id.clone(), |found| found.id.clone()),
            platform: platform.text(),
            id: self.id,
            tags: self.repo_tags,
            volumes: self.config.volumes.into_keys().collect(),
            exposed_ports: self.config.exposed_ports.into_keys().collect(),
            has_healthcheck: self.config.healthcheck.is_some_and(|check| check.is_set()),
            last_tagged: unix_seconds(&self.metadata.last_tag_time),
            labels: self.config.labels,
        })
    }
}

/// The available image manifest of the platform.
fn best_manifest<'a>(manifests: &'a [Manifest], platform: &str) -> Option<&'a Manifest> {
    manifests
        .iter()
        .filter(|manifest| manifest.available && manifest.kind == "image")
        .find(|manifest| manifest.image_data.as_ref().is_some_and(|data| data.platform.matches(platform)))
}

impl HealthCheck {
    fn is_set(&self) -> bool {
        !matches!(self.test.first().map(String::as_str), None | Some("NONE"))
    }
}

impl Platform {
    fn text(&self) -> String {
        let parts = [&self.os, &self.architecture, &self.variant];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join("/")
    }

    /// `os/arch[/variant]`, `os` or `arch` as users write it; a variant that is not asked for does not matter.
    fn matches(&self, wanted: &str) -> bool {
        let wanted = wanted.to_lowercase();
        let mut parts = wanted.split('/');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let (os, architecture) = match second {
            Some(architecture) => (first, architecture),
            None if matches!(first, "linux" | "windows") => (first, ""),
            None => (self.os.as_str(), first),
        };
        let variant = parts.next().unwrap_or(default_variant(architecture));
        os == self.os
            && (architecture.is_empty() || normal_architecture(architecture) == normal_architecture(&self.architecture))
            && (variant.is_empty() || self.variant.is_empty() || variant == self.variant)
    }
}

/// Other spellings of architectures.
fn normal_architecture(name: &str) -> &str {
    match name {
        "x86_64" | "x86-64" => "amd64",
        "aarch64" => "arm64",
        "i386" | "i486" | "i586" | "i686" => "386",
        "armhf" | "armel" => "arm",
        other => other,
    }
}

/// The variant that a bare architecture stands for.
fn default_variant(architecture: &str) -> &'static str {
    match architecture {
        "armhf" => "v7",
        "armel" => "v6",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inspection(json: &str) -> Inspection {
        serde_json::from_str(json).unwrap()
    }

    const PLAIN: &str = r#"{"Id":"sha256:1","RepoTags":["busybox:latest"],"Os":"linux","Architecture":"amd64",
        "Config":{"Volumes":{"/data":{}},"ExposedPorts":{"80/tcp":{}},"Healthcheck":{"Test":["NONE"]},"Labels":null},
        "Metadata":{"LastTagTime":"1970-01-01T00:00:09Z"}}"#;

    #[test]
    fn an_image_without_manifests() {
        let image = inspection(PLAIN).for_platform("", "linux/amd64").unwrap();
        assert_eq!(image.content_digest, "sha256:1");
        assert_eq!(image.volumes, ["/data"]);
        assert_eq!(image.exposed_ports, ["80/tcp"]);
        assert_eq!(image.last_tagged, 9);
        assert!(!image.has_healthcheck);
        assert_eq!(image.platform, "linux/amd64");
    }

    #[test]
    fn another_platform_counts_as_absent() {
        assert!(inspection(PLAIN).for_platform("linux/arm64", "linux/amd64").is_none());
        assert!(inspection(PLAIN).for_platform("linux/x86_64", "linux/amd64").is_some());
        assert!(inspection(PLAIN).for_platform("amd64", "linux/amd64").is_some());
    }

    #[test]
    fn the_platform_manifest_is_the_digest() {
        let json = r#"{"Id":"sha256:index","Os":"linux","Architecture":"amd64","Manifests":[
            {"ID":"sha256:arm","Available":false,"Kind":"image","ImageData":{"Platform":{"os":"linux","architecture":"arm64","variant":"v8"}}},
            {"ID":"sha256:amd","Available":true,"Kind":"image","ImageData":{"Platform":{"os":"linux","architecture":"amd64"}}},
            {"ID":"sha256:att","Available":true,"Kind":"attestation"}]}"#;
        assert_eq!(inspection(json).for_platform("", "linux/amd64").unwrap().content_digest, "sha256:amd");
        assert!(inspection(json).for_platform("linux/arm64", "linux/amd64").is_none());
    }
}
