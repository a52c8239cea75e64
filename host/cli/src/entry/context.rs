//! What every command is given.

use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use windlass_runtime::Engine;
use windlass_runtime::engine::Traced;

use crate::entry::backend::Backend;
use crate::entry::settings::Settings;
use crate::entry::{env_vars, trace};
use crate::errors::{CliError, CliResult};
use crate::output::ui::Ui;

/// What every command is given; clones are cheap and share everything.
#[derive(Clone)]
pub(crate) struct Context {
    /// Writes all output of the program.
    pub(crate) ui: Arc<Ui>,
    /// Values of the global flags.
    pub(crate) settings: Arc<Settings>,
    /// Where engine and plugins come from.
    pub(crate) backend: Arc<dyn Backend>,
    /// A compose file that was read from standard input: it can be read once only, and several parts of a command need it.
    pub(crate) input: Arc<OnceLock<Vec<u8>>>,
    /// The time.
    pub(crate) now: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Context {
    /// The engine.
    pub(crate) fn engine(&self) -> CliResult<Arc<dyn Engine>> {
        if let Some(problem) = self.backend.engine_warning(&self.settings) {
            self.ui.warning(problem);
        }
        let engine = self.backend.engine(&self.settings)?;
        Ok(if self.traced() { Arc::new(Traced::new(engine)) } else { engine })
    }

    /// Somebody wants to see the calls of the engine.
    pub(crate) fn traced(&self) -> bool {
        self.settings.verbose || self.settings.environment.get(env_vars::RUST_LOG).is_some_and(trace::wanted)
    }

    /// Seconds since the epoch, now.
    pub(crate) fn unix_now(&self) -> i64 {
        let now = (self.now)().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
    }

    /// The compose file on standard input (`-f -`).
    pub(crate) fn standard_input(&self) -> CliResult<Vec<u8>> {
        if let Some(text) = self.input.get() {
            return Ok(text.clone());
        }
        let mut text = Vec::new();
        if let Some(mut input) = self.ui.take_input() {
            input.read_to_end(&mut text).map_err(|source| CliError::io("read standard input", source))?;
        }
        Ok(self.input.get_or_init(|| text).clone())
    }
}
