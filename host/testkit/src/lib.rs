//! Fakes and fixtures for the tests of the other crates: an engine and plugins in memory ([`FakeEngine`], [`FakeHooks`]), a
//! sink that remembers ([`Recorder`]), a proxy that spoils one call to a genuine engine ([`FaultProxy`]), projects in
//! temporary directories ([`TempProject`]), and redaction of output ([`redact()`]).

mod engine;
mod fault;
mod hooks;
mod project;
mod recorder;
mod redact;
mod temp;

pub use engine::{Behaviour, FakeEngine};
pub use fault::{Calls, Fault, FaultProxy, Order, Scope};
pub use hooks::{FakeHooks, hook_error};
pub use project::{made, project};
pub use recorder::Recorder;
pub use redact::redact;
pub use temp::TempProject;
