//! What a component imports and exports, read from its bytes: nothing is compiled.

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// Names of interfaces, as they are written in the component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Interfaces {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

/// Reads them. Parts inside the component have imports and exports of their own, which mean nothing outside.
///
/// # Errors
/// When the bytes are no WebAssembly.
pub(crate) fn read(bytes: &[u8]) -> Result<Interfaces, String> {
    let mut found = Interfaces::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(told)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found.imports.push(import.map_err(told)?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.exports.push(export.map_err(told)?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Checks all of a component: a damaged one is found here, and not when its first call is due. What a later version of the language
/// allows passes; whether this compiler takes it, compiling says.
///
/// # Errors
/// When the bytes are no valid WebAssembly.
pub(crate) fn validate(bytes: &[u8]) -> Result<(), String> {
    Validator::new_with_features(WasmFeatures::all()).validate_all(bytes).map(drop).map_err(told)
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn told(error: wasmparser::BinaryReaderError) -> String {
    error.message().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_says_so() {
        let begin_of_a_component = b"\0asm\x0d\0\x01\0";
        assert_eq!(read(begin_of_a_component).unwrap(), Interfaces::default());
        assert_eq!(read(&[begin_of_a_component.as_slice(), b"\x01"].concat()).unwrap_err(), "unexpected end-of-file");
    }
}
