//! The files of a load: opened, hashed, and looked at again before the load counts as done.

use sha2::{Digest as _, Sha256};
use windlass_model::hash::hex;

use super::context::Context;
use super::loads::Request;
use crate::failure::StepError;
use crate::hooks::Input;
use crate::inputs::{self, InputError, OpenInput};
use crate::outcome::FailureKind;

/// The files of a load. They stay open while it runs.
pub(super) struct Inputs {
    /// As declared: files and directories.
    declared: Vec<Input>,
    opened: Vec<OpenInput>,
    /// Hash over the content of all files, their names, the settings and the target.
    pub(super) hash: String,
}

impl Inputs {
    /// The files as calls are given them: with the content that they must have.
    pub(super) fn expected(&self) -> Vec<Input> {
        let expected = |input: &OpenInput| Input {
            name: input.name.clone(),
            path: input.path.clone(),
            role: input.role.clone(),
            sha256: Some(input.sha256.clone()),
        };
        self.opened.iter().map(expected).collect()
    }
}

/// Finds and hashes all inputs of a request.
pub(super) async fn open(context: &Context, request: &Request) -> Result<Inputs, StepError> {
    let named = |file: &windlass_model::windlass::InputFile| Input {
        name: file.name.clone(),
        path: file.path.clone(),
        role: "from".to_owned(),
        sha256: None,
    };
    let mut declared: Vec<Input> = request.from.iter().map(named).collect();
    let settings = request.setting_inputs(context).await?;
    declared.extend(settings);
    let (declared, opened) = blocking(move || {
        let opened = inputs::open(&declared);
        (declared, opened)
    })
    .await?;
    let opened = opened.map_err(|error| unusable(&error))?;
    let hash = hash(&request.settings, request.target.as_deref(), &opened);
    Ok(Inputs { declared, opened, hash })
}

/// The name of an input that is not any more what it was when it was opened. All of them are read again: file systems
/// count time in steps in which a file can be written twice.
pub(super) async fn edited(inputs: &Inputs) -> Result<Option<String>, StepError> {
    let declared = inputs.declared.clone();
    let again = match blocking(move || inputs::open(&declared)).await? {
        Ok(again) => again,
        Err(error) => return Ok(Some(error.name().to_owned())),
    };
    let differs =
        |(before, after): &(&OpenInput, &OpenInput)| before.name != after.name || before.sha256 != after.sha256;
    let changed = inputs.opened.iter().zip(&again).find(differs).map(|(before, _)| before.name.clone());
    let more = (again.len() != inputs.opened.len()).then(|| "the list of files".to_owned());
    Ok(changed.or(more))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, StepError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StepError::new(FailureKind::Plugin, format!("internal error: {error}")))
}

fn unusable(error: &InputError) -> StepError {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    StepError::new(FailureKind::Plugin, format!("input {} {error}{source}", error.name()))
}

/// Every part with its length before it: no two lists run together.
fn hash(settings: &serde_json::Value, target: Option<&str>, files: &[OpenInput]) -> String {
    let mut hash = Sha256::new();
    let mut part = |text: &str| {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    };
    part(&settings.to_string());
    part(target.unwrap_or_default());
    for file in files {
        [&file.role, &file.name, &file.sha256].into_iter().for_each(|text| part(text));
    }
    hex(&hash.finalize())
}
