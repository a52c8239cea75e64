//! Everything that a run touches, so that tests can hand in their own.

use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::entry::backend::{Backend, Machine};
use crate::entry::env_vars::Environment;
use crate::entry::terminal;
use crate::output::ui::{Streams, Terminals};

/// Everything that a run touches.
pub struct World {
    /// Arguments, with the program's name first.
    pub args: Vec<String>,
    /// Environment.
    pub environment: Environment,
    /// Current directory.
    pub cwd: PathBuf,
    /// Streams.
    pub streams: Streams,
    /// Engine and plugins.
    pub backend: Box<dyn Backend>,
    /// The time, for ages.
    pub now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl World {
    /// The world of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let terminals = Terminals {
            input: io::stdin().is_terminal(),
            out: io::stdout().is_terminal(),
            err: io::stderr().is_terminal(),
            size: terminal::size(),
        };
        let streams = Streams {
            out: Box::new(io::stdout()),
            err: Box::new(io::stderr()),
            input: Box::new(io::stdin()),
            terminals,
            size: Box::new(terminal::size),
        };
        Self {
            args: std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect(),
            environment: Environment::of_process(),
            cwd: current_dir(),
            streams,
            backend: Box::new(Machine),
            now: Arc::new(SystemTime::now),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the working directory enters")]
fn current_dir() -> PathBuf {
    std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"))
}
