//! The [`windlass_runtime::Engine`] on the Docker Engine API. The only crate that names bollard.

mod api;
mod auth;
mod build;
mod config_file;
mod connect;
mod convert;
mod create;
mod engine;
mod error;
mod observe;
mod own_requests;
mod streams;
mod transport;

pub use connect::{ConnectOptions, address, connect, settings_problem};
pub use engine::DockerEngine;
