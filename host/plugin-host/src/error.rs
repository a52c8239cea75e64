//! From wasmtime's errors to [`HookError`]: what happened, in words that name the plugin, the stage and the service.

use windlass_runtime::HookError;
use windlass_runtime::hooks::{HookCall, HookErrorKind};

/// A loading problem of a plugin.
pub(crate) fn load(plugin: &str, message: impl Into<String>, hint: Option<String>) -> HookError {
    HookError {
        plugin: plugin.to_owned(),
        message: message.into(),
        kind: HookErrorKind::Load,
        hint,
        stderr: Vec::new(),
    }
}

/// An error of a call: the place is put in front of what happened.
pub(crate) fn of_call(call: &HookCall, kind: HookErrorKind, message: &str, hint: Option<String>) -> HookError {
    let message = format!("at {}{}: {message}", call.stage, of_service(call));
    HookError { plugin: call.plugin.clone(), message, kind, hint, stderr: Vec::new() }
}

fn of_service(call: &HookCall) -> String {
    call.service.as_ref().map(|service| format!(" of service `{service}`")).unwrap_or_default()
}
