//! Causes that a problem does not show itself: a variable without a value, a base file that was not named.

use std::path::{Path, PathBuf};

use super::{Loader, discover};
use crate::diagnostic::{Diagnostic, Severity};

/// What goes wrong where an override file is read without its base: parts are missing.
const PARTIAL: &[&str] = &["no-image", "undefined", "unknown-service", "missing-key", "extends-service"];

impl Loader<'_> {
    /// Names the causes in the hints of problems that come from elsewhere.
    pub(super) fn name_causes(&mut self) {
        let base = self.missing_base();
        let unset = std::mem::take(&mut self.unset);
        for problem in self.out.0.iter_mut().filter(|problem| problem.severity == Severity::Error) {
            // These say themselves what is wrong with the text; a variable beside it is not the cause.
            let own = matches!(problem.code, "required-variable" | "interpolation");
            let here = unset.iter().find(|unset| !own && problem.span.as_ref() == Some(&unset.span));
            if let Some(unset) = here {
                problem.hint =
                    Some(format!("{n} is not set: set it, or write a default: ${{{n}:-value}}", n = unset.name));
            } else if let Some(base) = base.as_ref().filter(|_| PARTIAL.contains(&problem.code)) {
                tell_base(problem, base);
            }
        }
        self.unset = unset;
    }

    /// The arguments to try where the only file named looks like an override of one beside it.
    fn missing_base(&self) -> Option<String> {
        let [named] = self.options.files.as_slice() else { return None };
        if named == Path::new("-") {
            return None;
        }
        let own = named.file_name()?.to_str()?;
        let beside = |name: &str| named.with_file_name(name);
        let exists = |path: &PathBuf| self.files.is_file(&crate::paths::clean(&self.options.cwd.join(path)));
        // `compose.dev.yaml` stands over `compose.yaml`, whatever its first part is called.
        let shorter = own.split('.').collect::<Vec<_>>();
        let shorter = match shorter.as_slice() {
            [stem, .., extension] if shorter.len() > 2 => Some(format!("{stem}.{extension}")),
            _ => None,
        };
        let names = shorter.iter().map(String::as_str).chain(discover::NAMES.iter().copied());
        let found = names.filter(|name| *name != own).map(beside).find(exists)?;
        // A file of a discovery name is a base itself.
        let base_itself = discover::NAMES.contains(&own);
        (!base_itself).then(|| format!("-f {} -f {}", found.display(), named.display()))
    }
}

fn tell_base(problem: &mut Diagnostic, arguments: &str) {
    crate::advice::advise(problem);
    let base = format!("if this file stands over another one, name that first: {arguments}");
    problem.hint = Some(match problem.hint.take() {
        Some(hint) => format!("{hint}; {base}"),
        None => base,
    });
}
