//! Which container a plugin reaches under a service's name.

use std::sync::Arc;

use windlass_runtime::ProjectDialer;
use windlass_runtime::engine::{Cluster as _, Engine, EngineErrorKind};
use windlass_runtime::hooks::Dialer as _;
use windlass_testkit::{FakeEngine, made, project};

const THREE: &str = "services: { web: { image: 'web:1', scale: 3 }, db: { image: 'db:1' } }";

/// An engine on which the project's containers run.
async fn running(yaml: &str) -> FakeEngine {
    let engine = made(FakeEngine::new(), yaml).await;
    for container in engine.snapshot().containers {
        engine.start_container(&container.name).await.expect("the fake engine obeys");
    }
    engine
}

/// What the engine is asked to connect to, as it says when it refuses.
async fn asked(engine: &FakeEngine, service: &str, number: u32) -> String {
    let shared: Arc<dyn Engine> = Arc::new(engine.clone());
    let dialer = ProjectDialer::new(shared, &project(THREE));
    engine.fail("connect to", EngineErrorKind::Refused, "refused");
    let result = dialer.dial(service, number, 80).await;
    engine.heal();
    result.err().map(|error| error.operation).expect("every connection is refused")
}

#[tokio::test(start_paused = true)]
async fn a_replica_is_reached_by_its_number() {
    let engine = running(THREE).await;
    for number in 1..=3 {
        assert_eq!(asked(&engine, "web", number).await, format!("connect to demo-web-{number}:80"));
    }
    assert_eq!(asked(&engine, "db", 1).await, "connect to demo-db-1:80");
}

/// The first replica may be gone while others run: who asks for the service, and no replica, gets one of them. A later number
/// means that one alone.
#[tokio::test(start_paused = true)]
async fn the_lowest_replica_stands_in_for_the_first_one_only() {
    let engine = running(THREE).await;
    engine.remove_container("demo-web-1", false, true).await.expect("the fake engine obeys");
    assert_eq!(asked(&engine, "web", 1).await, "connect to demo-web-2:80");
    engine.remove_container("demo-web-2", false, true).await.expect("the fake engine obeys");
    assert_eq!(asked(&engine, "web", 2).await, "connect to web:80");
    assert_eq!(asked(&engine, "web", 0).await, "connect to demo-web-3:80");
}
