//! Which lock a command takes: where it is kept, for which engine, and what to do while somebody else has it.

use std::time::Duration;

use windlass_session::{LockPlace, LockRequest, LockWait};

use crate::entry::context::Context;
use crate::entry::env_vars;
use crate::errors::CliResult;

fn place(context: &Context) -> LockPlace {
    let environment = &context.settings.environment;
    LockPlace {
        runtime: environment.path(env_vars::XDG_RUNTIME_DIR),
        temporary: environment.path(env_vars::TMPDIR).unwrap_or_else(|| "/tmp".into()),
    }
}

/// Id of the locks of this machine and user, for the ledger of loads. Without one (nothing can be written there) the ledger
/// takes a killed run of this machine for one of another machine, and waits.
pub(crate) fn id(context: &Context) -> String {
    let directory = place(context).directory().ok();
    directory.and_then(|directory| windlass_runtime::lock::directory_id(&directory).ok()).unwrap_or_default()
}

/// Who runs this, for those who wait for its loads.
pub(crate) fn who() -> String {
    let host = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("another machine");
    format!("{host}, process {}", std::process::id())
}

/// The lock that a command takes before it looks at the project.
pub(crate) fn request(context: &Context, command: &str) -> CliResult<LockRequest> {
    let settings = &context.settings;
    let wait = match (settings.no_wait_lock, settings.wait_lock) {
        (true, _) => LockWait::Never,
        (false, Some(seconds)) => LockWait::AtMost(Duration::from_secs(seconds)),
        (false, None) => LockWait::Forever,
    };
    Ok(LockRequest {
        place: place(context),
        engine: context.backend.engine_address(settings)?,
        holder: format!("windlass {command}, process {}", std::process::id()),
        wait,
    })
}
