//! `security_opt`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use windlass_plan::step::ContainerSpec;
use windlass_runtime::engine::EngineResult;

use super::Context;
use crate::error::plain;

/// What is sent.
#[derive(Debug, Default)]
pub(super) struct Security {
    /// `SecurityOpt`.
    pub(super) options: Vec<String>,
    /// `systempaths=unconfined`: nothing masked, nothing read-only.
    pub(super) unconfined_paths: bool,
}

pub(super) fn options(context: &Context<'_>) -> EngineResult<Security> {
    let mut security = Security::default();
    for option in &context.service().security_opt {
        let Some((key, value)) = split(option) else {
            return Err(context.invalid(format!("invalid security-opt: {option:?}")));
        };
        match (key, value) {
            ("systempaths", "unconfined") => security.unconfined_paths = true,
            ("seccomp", path) if is_profile(path) => {
                let profile = context.facts.profiles.get(path);
                let profile = profile.ok_or_else(|| context.invalid(format!("seccomp profile {path} was not read")))?;
                security.options.push(format!("seccomp={profile}"));
            }
            _ => security.options.push(option.clone()),
        }
    }
    Ok(security)
}

/// Capabilities as the kernel names them, each once, sorted.
pub(super) fn capabilities(written: &[String]) -> Vec<String> {
    let full = |word: &String| match word.to_uppercase() {
        word if word == "ALL" || word.starts_with("CAP_") => word,
        word => format!("CAP_{word}"),
    };
    written.iter().map(full).collect::<BTreeSet<_>>().into_iter().collect()
}

/// `key=value` or the old `key:value`; `no-new-privileges` may stand alone.
fn split(option: &str) -> Option<(&str, &str)> {
    option
        .split_once('=')
        .or_else(|| option.split_once(':'))
        .or_else(|| (option == "no-new-privileges").then_some((option, "")))
}

fn is_profile(value: &str) -> bool {
    !matches!(value, "unconfined" | "builtin")
}

/// Reads the seccomp profiles that `security_opt` names, by the path as written.
///
/// # Errors
/// A profile cannot be read or is not JSON.
pub(crate) fn read_profiles(spec: &ContainerSpec) -> EngineResult<BTreeMap<String, String>> {
    spec.service
        .security_opt
        .iter()
        .filter_map(|option| split(option))
        .filter(|(key, value)| *key == "seccomp" && is_profile(value))
        .map(|(_, path)| Ok((path.to_owned(), read_profile(spec, &spec.working_dir.join(path))?)))
        .collect()
}

fn read_profile(spec: &ContainerSpec, path: &Path) -> EngineResult<String> {
    let operation = format!("create container {}", spec.create_name);
    let text = fs_err::read_to_string(path)
        .map_err(|error| plain(&*operation, format!("opening seccomp profile failed: {error}")))?;
    let profile: serde_json::Value = serde_json::from_str(&text)
        .map_err(|error| plain(operation, format!("seccomp profile {} is not JSON: {error}", path.display())))?;
    Ok(profile.to_string())
}
