//! [`DockerEngine`]: every call of the trait is one request, its error named by operation and object.

use std::future::Future;

use bollard::Docker;
use serde::de::DeserializeOwned;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use windlass_runtime::engine::{EngineError, EngineErrorKind, EngineResult};

use crate::api::{self, Api};
use crate::config_file::ConfigFile;
use crate::connect;
use crate::connect::{ConnectOptions, with_address};
use crate::convert::inspect::Inspection;
use crate::error::{engine_error, is_unanswered};
use crate::transport::Endpoint;

mod cluster;
mod dial;
mod images;
mod instances;
mod relay;
mod store;

/// Engine calls at once, unless the user says otherwise: an engine serialises much inside, and beyond this it only queues.
/// Streams (logs, events, commands) and builds are not counted, because they last as long as they like.
const PARALLEL: usize = 32;
/// The same where every connection is a process and a session: a server allows ten sessions in a connection, and streams
/// need theirs.
const PARALLEL_COSTLY: usize = 8;

/// A Docker engine. Connects with the first call.
pub struct DockerEngine {
    endpoint: Endpoint,
    host: String,
    config: ConfigFile,
    options: ConnectOptions,
    api: OnceCell<Api>,
    architecture: OnceCell<String>,
    parallel: usize,
    slots: Semaphore,
    ways: dial::Known,
    relays: relay::Relays,
}

impl DockerEngine {
    pub(crate) fn new(endpoint: Endpoint, host: String, config: ConfigFile, options: ConnectOptions) -> Self {
        let parallel = if endpoint.is_costly() {
            options.parallel.unwrap_or(PARALLEL_COSTLY).min(PARALLEL_COSTLY)
        } else {
            options.parallel.unwrap_or(PARALLEL)
        };
        let parallel = parallel.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            endpoint,
            host,
            config,
            options,
            api: OnceCell::new(),
            architecture: OnceCell::new(),
            parallel,
            slots: Semaphore::new(parallel),
            ways: dial::Known::default(),
            relays: relay::Relays::default(),
        }
    }

    /// The API, after the first round trip.
    pub(crate) async fn api(&self) -> EngineResult<&Api> {
        let negotiate = || async {
            let client = connect::http(&self.endpoint);
            Api::negotiate(client).await.map_err(|error| with_address(self.first_failure(&error), &self.host))
        };
        self.api.get_or_try_init(negotiate).await
    }

    async fn slot(&self) -> SemaphorePermit<'_> {
        self.slots.acquire().await.expect("the semaphore is never closed")
    }

    /// An error of the first call. A server that wants TLS answers plain HTTP with the status 400, and to this request without
    /// a word.
    fn first_failure(&self, error: &bollard::errors::Error) -> EngineError {
        let bad = matches!(error, bollard::errors::Error::DockerResponseServerError { status_code: 400, .. });
        let mut failure = engine_error("reach the engine", error);
        if bad && matches!(self.endpoint, Endpoint::Tcp { .. }) {
            failure.kind = EngineErrorKind::Denied;
            failure.message = "it answers, but not to plain HTTP; it may want TLS".to_owned();
        }
        failure
    }

    /// Proxy variables of Docker's settings for this engine.
    pub(crate) fn proxies(&self) -> std::collections::BTreeMap<String, String> {
        self.config.proxy_environment(&self.host)
    }

    /// The `docker` command line's settings.
    pub(crate) fn settings(&self) -> (&ConfigFile, &ConnectOptions, &str) {
        (&self.config, &self.options, &self.host)
    }

    /// The engine's architecture as images name it. An engine on another machine is asked once; one on this machine has ours.
    pub(crate) async fn architecture(&self, api: &Api) -> EngineResult<String> {
        let ask = || async {
            let told = self.call("ask for the engine's platform", api.docker().version()).await?;
            Ok(told.arch.unwrap_or_else(own_architecture))
        };
        if self.endpoint.is_here() {
            return Ok(own_architecture());
        }
        self.architecture.get_or_try_init(ask).await.cloned()
    }

    /// A request of our own, answer decoded from JSON.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        operation: &str,
        path: &str,
        query: &[(&str, &str)],
    ) -> EngineResult<T> {
        let api = self.api().await?;
        self.call(operation, api.get(path, query)).await
    }

    /// bollard's typed calls.
    async fn docker(&self) -> EngineResult<&Docker> {
        Ok(self.api().await?.docker())
    }

    /// Makes one call, in its turn.
    async fn call<T>(
        &self,
        operation: impl Into<String>,
        call: impl Future<Output = api::Result<T>>,
    ) -> EngineResult<T> {
        let _slot = self.slot().await;
        call.await.map_err(|error| engine_error(operation, &error))
    }

    /// Removes something. Where the connection ended before the answer, the engine may have done it or not: asked once more
    /// it does it, or says that the thing is gone.
    async fn removal<F: Future<Output = api::Result<()>>>(
        &self,
        operation: String,
        call: impl Fn() -> F,
    ) -> EngineResult<()> {
        let _slot = self.slot().await;
        let done = match call().await {
            Err(error) if is_unanswered(&error) => call().await,
            done => done,
        };
        done.map_err(|error| engine_error(operation, &error))
    }

    async fn inspection(&self, id: &str) -> EngineResult<Inspection> {
        self.get(&format!("inspect container {id}"), &format!("/containers/{id}/json"), &[]).await
    }
}

fn own_architecture() -> String {
    std::env::consts::ARCH.replace("x86_64", "amd64").replace("aarch64", "arm64")
}

/// Treats some kinds of errors as success.
fn unless(result: EngineResult<()>, kinds: &[EngineErrorKind]) -> EngineResult<()> {
    result.or_else(|error| if kinds.contains(&error.kind) { Ok(()) } else { Err(error) })
}
