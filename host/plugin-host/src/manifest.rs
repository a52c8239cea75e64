//! The manifest: a custom section of the component or of a core module inside it. Never learnt by running the plugin.

use serde_json::Value as Json;
use wasmparser::{Parser, Payload};

const SECTION: &str = "windlass:plugin-manifest";

/// What a plugin says of itself; everything has a default, and unknown keys are ignored.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// JSON Schema of `with`; null: anything goes.
    pub(crate) settings: Json,
}

/// Reads it; a component without one has defaults.
///
/// # Errors
/// When the bytes are no WebAssembly or the section is no JSON object.
pub(crate) fn read(bytes: &[u8]) -> Result<Manifest, String> {
    for payload in Parser::new(0).parse_all(bytes) {
        let Payload::CustomSection(section) = payload.map_err(|error| error.message().to_owned())? else { continue };
        if section.name() == SECTION {
            return parse(section.data());
        }
    }
    Ok(Manifest::default())
}

fn parse(data: &[u8]) -> Result<Manifest, String> {
    let json: Json = serde_json::from_slice(data).map_err(|error| format!("its manifest is no JSON: {error}"))?;
    let text = |key: &str| json.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let settings = json.get("settings").cloned().unwrap_or_default();
    Ok(Manifest { name: text("name"), version: text("version"), description: text("description"), settings })
}
