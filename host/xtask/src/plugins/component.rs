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
