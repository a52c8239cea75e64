//! Sockets of guests connect to a port of loopback that is opened only when the real destination answered.
//!
//! `start-connect` cannot wait, the address check can: so the wrapper of `start-connect` reserves a port without listening
//! and starts dialling; the check waits for the outcome. Where the destination refuses, nobody listens, and the guest
//! sees the same refusal from the operating system.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Network;
use crate::limits::Defaults;

/// Forwarders of one call; dropped with it, and all connections with them.
#[derive(Default)]
pub(crate) struct Forwarders {
    tasks: Mutex<JoinSet<()>>,
    settled: Mutex<HashMap<u16, watch::Receiver<bool>>>,
}

impl Forwarders {
    /// Reserves an address for a connection to `host:port` and starts dialling.
    ///
    /// # Errors
    /// When no port is free or too many connections are open.
    pub(crate) fn start(&self, network: &Arc<Network>, host: String, port: u16) -> io::Result<SocketAddrV4> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let SocketAddr::V4(address) = socket.local_addr()? else { return Err(io::ErrorKind::Unsupported.into()) };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= Defaults::CONNECTIONS {
            return Err(io::Error::other("too many connections"));
        }
        let (sender, receiver) = watch::channel(false);
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).insert(address.port(), receiver);
        tasks.spawn(forward(Arc::clone(network), socket, host, port, sender));
        Ok(address)
    }

    /// Waits until it is known whether the destination answers; `false`: no such reservation.
    pub(crate) async fn settled(&self, port: u16) -> bool {
        let receiver = self.settled.lock().unwrap_or_else(PoisonError::into_inner).remove(&port);
        let Some(mut receiver) = receiver else { return false };
        // An error means that the task ended without an answer: then nobody listens, which is the answer.
        drop(receiver.wait_for(|settled| *settled).await);
        true
    }
}

async fn forward(network: Arc<Network>, socket: TcpSocket, host: String, port: u16, settled: watch::Sender<bool>) {
    let opened = network.open(&host, port).await;
    let Ok(mut far) = opened else {
        drop(socket);
        settled.send_replace(true);
        return;
    };
    let listener = socket.listen(1);
    settled.send_replace(true);
    let Ok(listener) = listener else { return };
    if let Ok((mut near, _)) = listener.accept().await {
        drop(listener);
        // Either side may go away at any time; the guest sees the end of the stream.
        drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn connections_that_are_open_at_once_are_bounded() {
        let (forwarders, network) = (Forwarders::default(), Arc::new(testing::network()));
        for _ in 0..Defaults::CONNECTIONS {
            forwarders.start(&network, "es".to_owned(), 9200).expect("there is room");
        }
        let error = forwarders.start(&network, "es".to_owned(), 9200).expect_err("it is full");
        assert_eq!(error.to_string(), "too many connections");
    }
}
