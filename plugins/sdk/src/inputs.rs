//! Files that the user named for this call.

use crate::bindings::imports::windlass::plugin::inputs as wit;
use crate::{Failure, failure};

pub use crate::bindings::imports::windlass::plugin::inputs::Input;

/// Bytes asked for at a time.
const CHUNK: u32 = 256 * 1024;

/// The files of this call, and no others.
pub trait Inputs {
    /// All of them.
    fn list(&self) -> Vec<Input>;

    /// Some bytes from `offset`, none at the end.
    ///
    /// # Errors
    /// When there is no such input, or it changed.
    fn read(&self, name: &str, offset: u64, max: u32) -> Result<Vec<u8>, String>;
}

/// The real files.
#[derive(Debug, Clone, Copy)]
pub struct WitInputs;

impl Inputs for WitInputs {
    fn list(&self) -> Vec<Input> {
        wit::list_inputs()
    }

    fn read(&self, name: &str, offset: u64, max: u32) -> Result<Vec<u8>, String> {
        wit::read(name, offset, max)
    }
}

/// Reads one input from start to end, piece by piece.
pub struct Pieces<'a> {
    inputs: &'a dyn Inputs,
    name: &'a str,
    offset: u64,
}

impl<'a> Pieces<'a> {
    /// From the start of the input `name`.
    pub fn new(inputs: &'a dyn Inputs, name: &'a str) -> Self {
        Self { inputs, name, offset: 0 }
    }
}

impl std::fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pieces").field("name", &self.name).field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.inputs.read(self.name, self.offset, CHUNK) {
            Ok(bytes) if bytes.is_empty() => None,
            Ok(bytes) => {
                self.offset += bytes.len() as u64;
                Some(Ok(bytes))
            }
            Err(error) => Some(Err(failure(format!("cannot read `{}`: {error}", self.name)))),
        }
    }
}

/// Reads all of an input that is small by nature (a mapping, a template).
///
/// # Errors
/// When it cannot be read or is larger than `max` bytes.
pub fn read_all(inputs: &dyn Inputs, input: &Input, max: u64) -> Result<Vec<u8>, Failure> {
    if input.size > max {
        return Err(failure(format!("`{}` has {} bytes, more than the {max} expected here", input.name, input.size)));
    }
    let mut all = Vec::new();
    for piece in Pieces::new(inputs, &input.name) {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}
