//! The project's name: `-p`, `COMPOSE_PROJECT_NAME`, the last `name:` of the files, the directory.

use super::{Context, Loader};
use crate::diagnostic::Diagnostic;
use crate::interpolate::substitute;
use crate::node::Node;

/// The name, valid; a wrong one is reported.
pub(super) fn resolve(loader: &mut Loader<'_>, documents: &[Vec<Node>], context: &Context) -> Option<String> {
    let given = loader.options.project_name.clone().filter(|name| !name.is_empty());
    let variable = || context.variables.get("COMPOSE_PROJECT_NAME").filter(|name| !name.is_empty()).cloned();
    if let Some(name) = given.or_else(variable) {
        return if normalised(&name) == name { Some(name) } else { refuse(loader, &name) };
    }
    let typed = documents.iter().flatten().filter_map(|document| document.get("name")?.scalar_text()).next_back();
    let lookup = |name: &str| context.variables.get(name).cloned();
    let typed = typed.and_then(|text| substitute(&text, &lookup, &mut Vec::new()).ok()).filter(|name| !name.is_empty());
    let folder =
        || loader.files.canonicalize(&context.folder).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = normalised(&typed.or_else(folder).unwrap_or_default());
    if name.is_empty() {
        let problem = Diagnostic::error("project-name", "", None, "project name must not be empty");
        loader.out.0.push(problem.hinted("give one with -p or a top-level `name:`"));
        return None;
    }
    Some(name)
}

fn refuse(loader: &mut Loader<'_>, name: &str) -> Option<String> {
    let text = format!(
        "invalid project name \"{name}\": must consist only of lowercase alphanumeric characters, hyphens, and underscores as well as start with a letter or number"
    );
    let mut problem = Diagnostic::error("project-name", "", None, text);
    problem.hint = Some(normalised(name)).filter(|name| !name.is_empty()).map(|name| format!("for example `{name}`"));
    loader.out.0.push(problem);
    None
}

/// Lower-case, only `[a-z0-9_-]`, no `_` or `-` at the start.
#[must_use]
pub(crate) fn normalised(name: &str) -> String {
    let kept: String = name.to_lowercase().chars().filter(|c| matches!(c, 'a'..='z' | '0'..='9' | '_' | '-')).collect();
    kept.trim_start_matches(['_', '-']).to_owned()
}
