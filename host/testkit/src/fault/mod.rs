//! A proxy between a client and an engine that spoils one call, or tells when it happened.
//!
//! Each connection carries one request: the proxy asks the engine to close it after the answer, which makes the end of every
//! answer the end of the stream. Upgraded connections (`attach`, `exec`) and endless answers (`events`, `logs`) are passed on
//! byte by byte in both directions.

mod head;
mod proxy;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use proxy::{Calls, FaultProxy};

/// Which calls are numbered, from 1, in the order in which they arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Calls that change something: every method but `GET` and `HEAD`, without waiting, attaching and resizing.
    Changing,
    /// All others.
    Reading,
}

/// What happens to the call with the given number.
#[derive(Clone)]
pub enum Fault {
    /// The engine never sees it; the client gets this status with a message.
    Status(u16),
    /// It reaches the engine after this time.
    Delay(Duration),
    /// The connection ends before the engine sees the call.
    CutBefore,
    /// The engine does the work and the connection ends before the answer.
    CutAfter,
    /// All event streams end once the engine has answered; the answer arrives.
    EndEvents,
    /// Runs once the engine has answered, before the client gets the answer.
    Then(Arc<dyn Fn() + Send + Sync>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(code) => write!(f, "Status({code})"),
            Self::Delay(time) => write!(f, "Delay({time:?})"),
            Self::CutBefore => f.write_str("CutBefore"),
            Self::CutAfter => f.write_str("CutAfter"),
            Self::EndEvents => f.write_str("EndEvents"),
            Self::Then(_) => f.write_str("Then"),
        }
    }
}

/// The one call to spoil.
#[derive(Debug, Clone)]
pub struct Order {
    /// What is counted.
    pub scope: Scope,
    /// From 1.
    pub number: usize,
    /// What happens.
    pub fault: Fault,
}
