//! One change of a project at a time on this machine.

use std::path::PathBuf;

use windlass_runtime::{LockError, ProjectLock};

use crate::entry::context::Context;
use crate::entry::env_vars;
use crate::errors::{CliError, CliResult};

fn directory(context: &Context) -> PathBuf {
    let runtime = context.settings.environment.path(env_vars::XDG_RUNTIME_DIR);
    runtime.unwrap_or_else(std::env::temp_dir).join("windlass")
}

/// Id of the locks of this machine and user, for the ledger of loads. Without one (nothing can be written there) the ledger
/// takes a killed run of this machine for one of another machine, and waits.
pub(crate) fn id(context: &Context) -> String {
    windlass_runtime::lock::directory_id(&directory(context)).unwrap_or_default()
}

/// Who runs this, for those who wait for its loads.
pub(crate) fn who() -> String {
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("another machine");
    format!("{host}, process {}", std::process::id())
}

/// Takes the project's lock for a command; it is free again when the value is dropped or the process ends.
pub(crate) fn acquire(context: &Context, project: &str, command: &str) -> CliResult<ProjectLock> {
    let folder = directory(context);
    let holder = format!("windlass {command}, process {}", std::process::id());
    ProjectLock::acquire(&folder, project, &holder).map_err(|error| match error {
        LockError::Held { .. } => CliError::State { message: error.to_string(), hint: error.hint() },
        LockError::Io { path, source } => CliError::io(format!("lock {}", path.display()), source),
    })
}
