//! What comes in: arguments, environment and settings, the files of a project, signals, the lock.

pub(crate) mod args;
pub(crate) mod backend;
pub(crate) mod context;
pub mod env_vars;
pub(crate) mod files;
pub(crate) mod global_args;
pub(crate) mod inputs;
pub(crate) mod invoked;
pub(crate) mod lock;
pub(crate) mod plugins;
pub(crate) mod project;
pub(crate) mod settings;
pub(crate) mod signals;
pub(crate) mod terminal;
pub(crate) mod trace;
pub(crate) mod world;
