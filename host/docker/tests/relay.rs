//! Relays on a real engine: this machine's own, behind a TCP port, so that the way to its containers is not known. Skipped by
//! name where no engine answers.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests")]

use std::process::Command;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use windlass_docker::{ConnectOptions, DockerEngine, connect};
use windlass_plan::observed::Container;
use windlass_runtime::engine::{Cluster as _, ContainerFilter, EngineErrorKind, Instances as _, Relay};

/// The image of the tests (`scripts/test-images`).
const IMAGE: &str = "windlass-test/busybox:1";
const SOCKET: &str = "/var/run/docker.sock";

fn docker(arguments: &str) -> Option<String> {
    let done = Command::new("docker").args(arguments.split(' ')).output().ok()?;
    done.status.success().then(|| String::from_utf8(done.stdout).unwrap().trim().to_owned())
}

/// A project of one container that serves HTTP at port 80, published nowhere.
struct Project(String);

impl Project {
    fn start(test: &str, options: &str) -> Option<Self> {
        let name = format!("windlass-relay-{test}-{}", std::process::id());
        docker(&format!("image inspect {IMAGE}"))?;
        let project = Self(name.clone());
        docker(&format!("network create {options}{name}")).unwrap();
        let labels =
            "--label com.docker.compose.project=".to_owned() + &name + " --label com.docker.compose.config-hash=x";
        docker(&format!("run -d --init --network {name} --name {name} {labels} {IMAGE} httpd -f -p 80 -h /etc"))
            .unwrap();
        Some(project)
    }

    fn relay(&self, image: &str) -> Relay {
        Relay { project: self.0.clone(), image: image.to_owned(), ..Relay::default() }
    }

    /// Ids of its relays.
    fn relays(&self) -> Vec<String> {
        let found = docker(&format!("ps -aq --no-trunc --filter label=dev.windlass.relay={}", self.0)).unwrap();
        found.lines().map(str::to_owned).collect()
    }

    async fn container(&self, engine: &DockerEngine) -> Container {
        let filter = ContainerFilter { project: Some(self.0.clone()), ..ContainerFilter::default() };
        let mut found = engine.list_containers(&filter).await.unwrap();
        // A relay is no part of the project.
        assert_eq!(found.len(), 1, "{found:?}");
        found.remove(0)
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        for relay in self.relays() {
            docker(&format!("rm -f {relay}"));
        }
        docker(&format!("rm -f {}", self.0));
        docker(&format!("network rm {}", self.0));
    }
}

fn skip(test: &str) {
    if let Some(path) = std::env::var_os("WINDLASS_SKIPPED") {
        use std::io::Write as _;
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        writeln!(file.unwrap(), "relay::{test}: no engine answers here").unwrap();
    }
}

/// This machine's engine, as one that may be anywhere. The connections end with the returned task.
async fn far_engine() -> (DockerEngine, tokio::task::JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Some(format!("tcp://{}", listener.local_addr().unwrap()));
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(async move {
        let mut open = tokio::task::JoinSet::new();
        while let Ok((mut near, _)) = listener.accept().await {
            open.spawn(async move {
                let mut far = UnixStream::connect(SOCKET).await.unwrap();
                drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
            });
        }
    });
    (connect(ConnectOptions { host, ..ConnectOptions::default() }).unwrap(), serving)
}

/// Asks the service for a page through a relay; tries again while it does not listen.
async fn page(engine: &DockerEngine, container: &Container, relay: &Relay) {
    let begin = Instant::now();
    let mut connection = loop {
        match engine.dial(container, 80, relay).await {
            Ok(connection) => break connection,
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(60), "{error}"),
        }
    };
    connection.write_all(b"GET /none HTTP/1.0\r\n\r\n").await.unwrap();
    connection.flush().await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

/// Waits until the project has no relay.
async fn none_left(project: &Project) {
    let begin = Instant::now();
    while !project.relays().is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the relay does not end");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_relay_serves_all_connections_and_goes_at_the_end() {
    let Some(project) = Project::start("serves", "") else { return skip("one_relay_serves") };
    let (engine, _serving) = far_engine().await;
    let (container, relay) = (project.container(&engine).await, project.relay(IMAGE));
    assert!(project.relays().is_empty());
    tokio::join!(page(&engine, &container, &relay), page(&engine, &container, &relay));
    assert_eq!(project.relays().len(), 1);

    // Nobody listens there: no connection, and the relay stays.
    let refused = engine.dial(&container, 81, &relay).await.err().unwrap();
    assert!(refused.kind == EngineErrorKind::Other && refused.message.contains("refused"), "{refused}");

    // Somebody removes it: there is another.
    let before = project.relays();
    docker(&format!("rm -f {}", before[0])).unwrap();
    page(&engine, &container, &relay).await;
    assert!(project.relays().len() == 1 && project.relays() != before);
    project.container(&engine).await;

    engine.end_dialling(&project.0).await.unwrap();
    assert!(project.relays().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_ends_with_the_process_that_made_it() {
    let Some(project) = Project::start("ends", "") else { return skip("a_relay_ends") };
    let (engine, serving) = far_engine().await;
    let container = project.container(&engine).await;
    page(&engine, &container, &project.relay(IMAGE)).await;
    assert_eq!(project.relays().len(), 1);
    // As when the process is killed: its connections are gone, and nobody asks for anything.
    drop(serving);
    none_left(&project).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_run_left_is_removed() {
    let Some(project) = Project::start("left", "") else { return skip("what_a_killed_run_left") };
    let (engine, _serving) = far_engine().await;
    let leave = || {
        let label = format!("--label dev.windlass.relay={0} --network {0}", project.0);
        docker(&format!("run -d --init {label} {IMAGE} sleep 600")).unwrap()
    };
    leave();
    engine.end_dialling(&project.0).await.unwrap();
    assert!(project.relays().is_empty());
    // One that holds a network which is to be removed.
    leave();
    docker(&format!("rm -f {}", project.0)).unwrap();
    engine.remove_network(&project.0).await.unwrap();
    assert!(project.relays().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_takes_no_address_that_a_service_asks_for() {
    let number = std::process::id() % 250;
    let subnet = format!("--subnet 10.219.{number}.0/28 ");
    let Some(project) = Project::start("address", &subnet) else { return skip("a_relay_takes_no_address") };
    let (engine, _serving) = far_engine().await;
    let container = project.container(&engine).await;
    let keep_free = vec![format!("10.219.{number}.3"), format!("10.219.{number}.14")];
    page(&engine, &container, &Relay { keep_free, ..project.relay(IMAGE) }).await;
    let format = "{{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
    let address = docker(&format!("inspect -f {format} {}", project.relays()[0])).unwrap();
    assert_eq!(address, format!("10.219.{number}.13"));
    engine.end_dialling(&project.0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_image_for_it_the_port_is_out_of_reach() {
    let Some(project) = Project::start("image", "") else { return skip("without_an_image") };
    let (engine, _serving) = far_engine().await;
    let container = project.container(&engine).await;
    let error = engine.dial(&container, 80, &project.relay("localhost:1/none:1")).await.err().unwrap();
    assert_eq!(error.kind, EngineErrorKind::OutOfReach, "{error}");
    assert!(
        error.message.contains("cannot be probed from here") && error.message.contains("localhost:1/none:1"),
        "{error}"
    );
    let hint = error.hint.unwrap();
    assert!(hint.contains("publish port 80") && hint.contains("x-windlass: { relay: { image"), "{hint}");
    assert!(project.relays().is_empty());
    engine.end_dialling(&project.0).await.unwrap();
}
