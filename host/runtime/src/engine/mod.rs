//! What a container engine can do, in our own types. Implemented by `windlass-docker`, and by the fake of the testkit.
//!
//! One trait a capability, so that an engine that lacks one can say so in types; whoever needs a single capability asks for
//! that one. Nothing here tells which engine it is.

mod cluster;
mod error;
mod images;
mod instances;
mod store;
mod traced;

pub use cluster::{Cluster, ContainerEvent, Created, Scope};
pub use error::{EngineError, EngineErrorKind, EngineResult};
pub use images::{BuildRequest, Images, ProgressSink, TransferProgress};
pub use instances::{
    Connection, ContainerDetails, ContainerFilter, Duplex, ExecSession, ExecSpec, Instances, LogOptions, Output,
    OutputChunk, OutputStream, Relay, Times,
};
pub use store::{Record, Store};
pub use traced::{TRACE, Traced};

/// A container engine with all capabilities.
pub trait Engine: Cluster + Instances + Images + Store {}

impl<T: Cluster + Instances + Images + Store> Engine for T {}
