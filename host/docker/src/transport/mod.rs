//! The HTTP client under every engine call: one connector for unix sockets, TCP, TLS and `ssh`.
//!
//! bollard gets this client as its transport, so that its typed calls and the requests of our own share connections, errors
//! and the engine's address.

use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
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
use windlass_runtime::engine::Duplex;

pub(crate) mod ssh;
pub(crate) mod tls;

pub(crate) use ssh::{Ssh, SshFailed};
pub(crate) use tls::{Tls, TlsFiles};

/// Limit for opening a socket.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Limit for `ssh`, sign-in included.
const SSH_TIMEOUT: Duration = Duration::from_secs(150);

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
    /// TCP with TLS.
    Tls {
        /// `host:port`.
        address: String,
        /// Files and names.
        tls: Tls,
    },
    /// `ssh` to a host that has the `docker` command line: it relays to the engine's socket there.
    Ssh(Arc<Ssh>),
}

impl Endpoint {
    /// Every connection is a process here and a session there.
    pub(crate) fn is_costly(&self) -> bool {
        matches!(self, Self::Ssh(_))
    }

    /// The engine's containers have addresses that lead to them from here: a Linux engine on this machine with root's
    /// rights. Others (rootless ones, those in a virtual machine) listen at a socket that the user owns.
    pub(crate) fn routes_containers(&self) -> bool {
        match self {
            Self::Unix(path) => owned_by_root(path),
            Self::Tcp { .. } | Self::Tls { .. } | Self::Ssh(_) => false,
        }
    }

    /// The engine is on this machine, and so are its containers: the same processors.
    pub(crate) fn is_here(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    async fn open(&self) -> io::Result<Box<dyn Duplex>> {
        match self {
            Self::Unix(path) => open_unix(path).await,
            Self::Tcp { address } => Ok(Box::new(open_tcp(address).await?)),
            Self::Tls { address, tls } => Ok(Box::new(tls.secure(open_tcp(address).await?).await?)),
            Self::Ssh(ssh) => Ok(Box::new(ssh.engine().await?)),
        }
    }

    /// How long opening may take; far above any working engine's, so that a wrong address is told and not waited for. ssh
    /// has limits of its own, and may wait for a person.
    fn patience(&self) -> Duration {
        if self.is_costly() { SSH_TIMEOUT } else { CONNECT_TIMEOUT }
    }
}

#[cfg(target_os = "linux")]
fn owned_by_root(path: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs_err::metadata(path).is_ok_and(|found| found.uid() == 0)
}

#[cfg(not(target_os = "linux"))]
fn owned_by_root(_path: &std::path::Path) -> bool {
    false
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
            let patience = endpoint.patience();
            match tokio::time::timeout(patience, endpoint.open()).await {
                Ok(opened) => Ok(Link(TokioIo::new(opened?))),
                Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {patience:?}"))),
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
