//! A container that somebody else is removing: its name and its ports are taken until it is gone.

#![expect(clippy::unwrap_used, reason = "tests")]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use windlass_docker::{ConnectOptions, connect};
use windlass_runtime::engine::Cluster as _;

const BUSY: &str = r#"{"message":"removal of container web is already in progress"}"#;

/// The request's first line; the rest of the head is read too.
async fn asked(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().lines().next().unwrap().to_owned()
}

async fn answer(stream: &mut TcpStream, status: &str, body: &str) {
    let head = format!(
        "HTTP/1.1 {status}\r\nApi-Version: 1.41\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
}

/// An engine where the container is being removed until `gone`. Tells each request but the first.
async fn engine(listener: TcpListener, told: mpsc::UnboundedSender<String>, gone: oneshot::Receiver<()>) {
    let (mut stream, _) = listener.accept().await.unwrap();
    asked(&mut stream).await;
    answer(&mut stream, "200 OK", "").await;
    let (mut stream, _) = listener.accept().await.unwrap();
    told.send(asked(&mut stream).await).unwrap();
    answer(&mut stream, "409 Conflict", BUSY).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    told.send(asked(&mut stream).await).unwrap();
    gone.await.unwrap();
    answer(&mut stream, "200 OK", r#"{"StatusCode":137}"#).await;
}

#[tokio::test]
async fn a_removal_that_is_in_progress_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Some(format!("tcp://{}", listener.local_addr().unwrap()));
    let (told, mut requests) = mpsc::unbounded_channel();
    let (release, gone) = oneshot::channel();
    let (mut server, mut removal) = (JoinSet::new(), JoinSet::new());
    server.spawn(engine(listener, told, gone));
    let engine = connect(ConnectOptions { host, ..ConnectOptions::default() }).unwrap();
    removal.spawn(async move { engine.remove_container("web", false, true).await });

    assert!(requests.recv().await.unwrap().starts_with("DELETE /v1.41/containers/web"));
    let waiting = tokio::select! {
        asked = requests.recv() => asked.unwrap(),
        ended = removal.join_next() => panic!("nobody waited: {ended:?}"),
    };
    assert!(
        waiting.starts_with("POST /v1.41/containers/web/wait") && waiting.contains("condition=removed"),
        "{waiting}"
    );
    assert!(removal.try_join_next().is_none());
    release.send(()).unwrap();
    removal.join_next().await.unwrap().unwrap().unwrap();
}

/// The connection ends after the request, as if the engine had done its work and could not say so.
#[tokio::test]
async fn a_removal_whose_answer_was_lost_is_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = Some(format!("tcp://{}", listener.local_addr().unwrap()));
    let mut server = JoinSet::new();
    server.spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        asked(&mut stream).await;
        answer(&mut stream, "200 OK", "").await;
        let (mut stream, _) = listener.accept().await.unwrap();
        let first = asked(&mut stream).await;
        drop(stream);
        let (mut stream, _) = listener.accept().await.unwrap();
        let second = asked(&mut stream).await;
        answer(&mut stream, "404 Not Found", r#"{"message":"network n not found"}"#).await;
        (first, second)
    });
    let engine = connect(ConnectOptions { host, ..ConnectOptions::default() }).unwrap();
    engine.remove_network("n").await.unwrap();
    let (first, second) = server.join_next().await.unwrap().unwrap();
    assert_eq!(
        (first.as_str(), second.as_str()),
        ("DELETE /v1.41/networks/n HTTP/1.1", "DELETE /v1.41/networks/n HTTP/1.1")
    );
}
