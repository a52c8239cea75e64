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
        // A relative one would be another place for every directory that the command is called in.
        temporary: environment
            .path(env_vars::TMPDIR)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| "/tmp".into()),
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
pub(crate) fn request(context: &Context, command: &str, services: &[String]) -> CliResult<LockRequest> {
    let settings = &context.settings;
    let place = place(context);
    if let Some(reason) = place.complaint() {
        context.ui.warning(reason);
    }
    let wait = match (settings.no_wait_lock, settings.wait_lock) {
        (true, _) => LockWait::Never,
        (false, Some(seconds)) => LockWait::AtMost(Duration::from_secs(seconds)),
        (false, None) => LockWait::Forever,
    };
    Ok(LockRequest {
        place,
        engine: context.backend.engine_address(settings)?,
        holder: holder(command, services),
        wait,
    })
}

/// Who takes the lock, for those who wait: `windlass up web, process 4711`.
fn holder(command: &str, services: &[String]) -> String {
    let command: Vec<&str> = ["windlass", command].into_iter().chain(services.iter().map(String::as_str)).collect();
    format!("{}, process {}", command.join(" "), std::process::id())
}
