//! A call, its network and its state, for unit tests.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use windlass_model::windlass::Stage;
use windlass_runtime::EngineError;
use windlass_runtime::engine::Connection;
use windlass_runtime::hooks::{CallSink, Dialer, HookCall, LogSeverity};

use crate::grants::Grants;
use crate::host::ProjectFacts;
use crate::network::Network;
use crate::state::{Parts, State};

/// Never answers.
struct Silent;

#[async_trait]
impl Dialer for Silent {
    async fn dial(&self, _: &str, _: u32, _: u16) -> Result<Connection, EngineError> {
        std::future::pending().await
    }
}

struct Nobody;

impl CallSink for Nobody {
    fn progress(&self, _: u64, _: Option<u64>, _: &str) {}
    fn log(&self, _: LogSeverity, _: &str) {}
}

/// A probe of service `es`.
pub(crate) fn call() -> HookCall {
    HookCall {
        plugin: "p".to_owned(),
        stage: Stage::Probe,
        run_id: String::new(),
        project: "demo".to_owned(),
        service: Some("es".to_owned()),
        number: 1,
        container_id: None,
        attempt: 1,
        target: None,
        settings: serde_json::Value::Null,
        inputs: Vec::new(),
        timeout: None,
        sink: Arc::new(Nobody),
    }
}

/// Its network: service `es`, which never answers.
pub(crate) fn network() -> Network {
    let own = Some(("es".to_owned(), 1));
    Network::new(Grants::of_call(&call(), None), Arc::new(Silent), vec!["es".to_owned()], own)
}

/// Its state, with these secrets granted.
pub(crate) fn state(facts: ProjectFacts, secrets: &[&str]) -> State {
    State::new(Parts {
        memory: 1 << 20,
        call: call(),
        facts: Arc::new(facts),
        inputs: Vec::new(),
        secrets: secrets.iter().map(|name| (*name).to_owned()).collect(),
        read: Vec::new(),
        network: Arc::new(network()),
        deadline: Instant::now() + Duration::from_secs(60),
    })
}
