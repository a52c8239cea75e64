//! The HTTP client under every engine call: one connector for unix sockets, TCP, TLS and `ssh`.
//!
//! bollard gets this client as its transport, so that typed calls and the raw streams of `api` (logs, exec, builds)
//! share connections, errors and the engine's address.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use http_body_util::{Either, Full, StreamBody};
use hyper::Uri;
use hyper::body::{Bytes, Frame};
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::process::Command;
use windlass_runtime::engine::Duplex;

/// How long a connection may take; far above any working engine's, so that a wrong address is told and not waited for.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// Request body, the type that bollard builds.
pub(crate) type Body =
    Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, io::Error>> + Send>>>>;

/// The shared client.
pub(crate) type HttpClient = Client<Connector, Body>;

/// Where the engine is.
#[derive(Clone)]
pub(crate) enum Endpoint {
    /// Unix socket.
    Unix(PathBuf),
    /// Plain TCP.
    Tcp {
        /// `host:port`.
        address: String,
    },
    /// `ssh` to a host that has the `docker` command line: it relays to the engine's socket there.
    Ssh {
        /// Arguments of `ssh` up to the host.
        arguments: Vec<String>,
    },
}

impl Endpoint {
    /// The engine's processes and addresses are this machine's.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    async fn open(&self) -> io::Result<Box<dyn Duplex>> {
        match self {
            Self::Unix(path) => open_unix(path).await,
            Self::Tcp { address } => Ok(Box::new(open_tcp(address).await?)),
            Self::Ssh { arguments } => open_ssh(arguments),
        }
    }
}

#[cfg(unix)]
async fn open_unix(path: &std::path::Path) -> io::Result<Box<dyn Duplex>> {
    Ok(Box::new(tokio::net::UnixStream::connect(path).await?))
}

#[cfg(not(unix))]
async fn open_unix(_path: &std::path::Path) -> io::Result<Box<dyn Duplex>> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "unix sockets need a unix system; set DOCKER_HOST to tcp://…"))
}

async fn open_tcp(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Starts `ssh … docker system dial-stdio`; the child ends when its pipes close with the connection.
fn open_ssh(arguments: &[String]) -> io::Result<Box<dyn Duplex>> {
    let mut child = Command::new("ssh")
        .args(arguments)
        .args(["docker", "system", "dial-stdio"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("ssh was started without pipes"));
    };
    Ok(Box::new(SshStream { pipes: tokio::io::join(stdout, stdin), _child: child }))
}

/// The pipes of an `ssh` child, which lives as long as they do.
struct SshStream {
    pipes: tokio::io::Join<tokio::process::ChildStdout, tokio::process::ChildStdin>,
    _child: tokio::process::Child,
}

impl tokio::io::AsyncRead for SshStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipes).poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for SshStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.pipes).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipes).poll_shutdown(cx)
    }
}

/// Opens connections to one endpoint, whatever the URI says.
#[derive(Clone)]
pub(crate) struct Connector(Arc<Endpoint>);

impl tower_service::Service<Uri> for Connector {
    type Response = Link;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Link>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _uri: Uri) -> Self::Future {
        let endpoint = Arc::clone(&self.0);
        Box::pin(async move {
            match tokio::time::timeout(CONNECT_TIMEOUT, endpoint.open()).await {
                Ok(opened) => Ok(Link(TokioIo::new(opened?))),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in 15 s")),
            }
        })
    }
}

/// An open connection in hyper's terms.
pub(crate) struct Link(TokioIo<Box<dyn Duplex>>);

impl Read for Link {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl Write for Link {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

/// A client for the endpoint. Idle connections are kept: with TLS and `ssh` opening one is the larger part of a call.
pub(crate) fn client(endpoint: Endpoint) -> HttpClient {
    Client::builder(TokioExecutor::new()).build(Connector(Arc::new(endpoint)))
}
