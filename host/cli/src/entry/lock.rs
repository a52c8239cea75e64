//! One change of a project at a time on this machine.

use windlass_runtime::{LockError, ProjectLock};

use crate::entry::context::Context;
use crate::entry::env_vars;
use crate::errors::{CliError, CliResult};

/// Takes the project's lock for a command; it is free again when the value is dropped or the process ends.
pub(crate) fn acquire(context: &Context, project: &str, command: &str) -> CliResult<ProjectLock> {
    let runtime = context.settings.environment.path(env_vars::XDG_RUNTIME_DIR);
    let folder = runtime.unwrap_or_else(std::env::temp_dir).join("windlass");
    let holder = format!("windlass {command}, process {}", std::process::id());
    ProjectLock::acquire(&folder, project, &holder).map_err(|error| match error {
        LockError::Held { .. } => CliError::State { message: error.to_string(), hint: error.hint() },
        LockError::Io { path, source } => CliError::io(format!("lock {}", path.display()), source),
    })
}
