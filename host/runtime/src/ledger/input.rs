//! What a load is made of, as one hash.

use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::failure::StepError;
use crate::hooks::Input;
use crate::outcome::FailureKind;

/// What a load is made of.
pub(crate) struct Recipe<'a> {
    pub(crate) plugin_digest: &'a str,
    pub(crate) settings: &'a serde_json::Value,
    pub(crate) target: Option<&'a str>,
    pub(crate) inputs: Vec<Input>,
}

impl Recipe<'_> {
    /// SHA-256 over plugin, settings and the content of all inputs, hex. Reads files; for a blocking thread.
    pub(crate) fn hash(&self) -> Result<String, StepError> {
        let mut hash = Sha256::new();
        part(&mut hash, self.plugin_digest.as_bytes());
        part(&mut hash, self.settings.to_string().as_bytes());
        part(&mut hash, self.target.unwrap_or_default().as_bytes());
        for input in &self.inputs {
            part(&mut hash, input.role.as_bytes());
            part(&mut hash, input.name.as_bytes());
            part(&mut hash, &content(&input.path)?);
        }
        Ok(hex(&hash.finalize()))
    }
}

/// Length first: no two recipes run together.
fn part(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// Hash of a file, or of all files under a directory with their relative paths.
fn content(path: &Path) -> Result<Vec<u8>, StepError> {
    let unreadable =
        |error: std::io::Error| StepError::new(FailureKind::Plugin, format!("failed to read input: {error}"));
    if !path.is_dir() {
        return file(path).map_err(unreadable);
    }
    let mut hash = Sha256::new();
    let mut folders = vec![path.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for found in files {
        part(&mut hash, found.strip_prefix(path).unwrap_or(&found).as_os_str().as_encoded_bytes());
        part(&mut hash, &file(&found).map_err(unreadable)?);
    }
    Ok(hash.finalize().to_vec())
}

fn file(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut reader = fs_err::File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hash.finalize().to_vec()),
            read => hash.update(&buffer[..read]),
        }
    }
}

/// Lower-case hexadecimal.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}
