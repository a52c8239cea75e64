//! What a hook gets: the call, its settings, and the outside world behind traits.

use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::{Call, Failure, Host, Http, Inputs, Tcp, settings};

/// Kept back of the time of a call, so that the plugin's own answer arrives before the host's time limit does.
const MARGIN: Duration = Duration::from_millis(100);

/// The call and the world around it.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Which call this is.
    pub call: &'a Call,
    /// Log, progress, time.
    pub host: &'a dyn Host,
    /// HTTP client.
    pub http: &'a dyn Http,
    /// TCP client.
    pub tcp: &'a dyn Tcp,
    /// Files that the user named.
    pub inputs: &'a dyn Inputs,
    /// `with:` as JSON text; see [`Context::settings`].
    pub settings_json: &'a str,
}

impl Context<'_> {
    /// The plugin's settings.
    ///
    /// # Errors
    /// When they do not fit `T`; the message names the setting.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        settings::parse(self.settings_json)
    }

    /// `wanted`, but never longer than what is left of this call.
    pub fn patience(&self, wanted: Duration) -> Duration {
        wanted.min(self.host.remaining().saturating_sub(MARGIN)).max(Duration::from_millis(1))
    }
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("call", self.call)
            .field("settings", &self.settings_json)
            .finish_non_exhaustive()
    }
}
