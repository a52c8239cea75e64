//! Plugins on wasmtime: finding, caching, sandboxing and calling WebAssembly components.
//!
//! Every call runs in a fresh store with its own memory, time and network limits; nothing is granted that the project
//! file does not grant. The only crate that names wasmtime. Nothing is loaded or compiled before the first call, so a
//! host that is never used costs nothing.

mod bindings;
mod cache;
mod call;
mod component;
mod error;
mod grants;
mod host;
mod imports;
mod interfaces;
mod limits;
mod manifest;
mod network;
mod registry;
mod settings;
mod state;
mod stderr;
#[cfg(test)]
mod testing;

pub use host::{HostOptions, PluginHost, ProjectFacts, ServiceFacts};
pub use limits::Defaults;
pub use registry::{BuiltIn, built_ins};
