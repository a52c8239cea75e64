//! Core module → component, and what is written in it.

use anyhow::{Context as _, Result};
use serde_json::Value as Json;
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Name of the custom section with the manifest.
const MANIFEST: &str = "windlass:plugin-manifest";

/// Makes a component of a module that `wit-bindgen` left its types in.
pub(crate) fn encode(module: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(module)?.encode()
}

/// The manifest, in the component or in a module inside it.
pub(crate) fn manifest(component: &[u8]) -> Result<Option<Json>> {
    for payload in Parser::new(0).parse_all(component) {
        if let Payload::CustomSection(section) = payload?
            && section.name() == MANIFEST
        {
            return serde_json::from_slice(section.data()).map(Some).context("the manifest is not JSON");
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A core module with one custom section.
    fn module(section: &str, content: &str) -> Vec<u8> {
        let mut payload = vec![u8::try_from(section.len()).unwrap()];
        payload.extend_from_slice(section.as_bytes());
        payload.extend_from_slice(content.as_bytes());
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend([0, u8::try_from(payload.len()).unwrap()]);
        bytes.extend(payload);
        bytes
    }

    #[test]
    fn the_manifest_is_read_from_its_section() {
        let found = manifest(&module(MANIFEST, r#"{"name":"tcp"}"#)).unwrap();
        assert_eq!(found.unwrap()["name"], "tcp");
        assert_eq!(manifest(&module("producers", "")).unwrap(), None);
        assert!(manifest(&module(MANIFEST, "name: tcp")).unwrap_err().to_string().contains("not JSON"));
    }

    #[test]
    fn a_module_without_types_becomes_an_empty_component_without_manifest() {
        let component = encode(b"\0asm\x01\0\0\0").unwrap();
        assert_eq!(manifest(&component).unwrap(), None);
    }
}
