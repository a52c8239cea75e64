//! TCP over `wasi:sockets`.

use std::time::Duration;

use super::{NetError, Tcp, TcpStream};
use crate::bindings::imports::wasi::io::streams::{InputStream, OutputStream, StreamError};
use crate::bindings::imports::wasi::sockets::instance_network::instance_network;
use crate::bindings::imports::wasi::sockets::ip_name_lookup::resolve_addresses;
use crate::bindings::imports::wasi::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress, Network,
};
use crate::bindings::imports::wasi::sockets::tcp::TcpSocket;
use crate::bindings::imports::wasi::sockets::tcp_create_socket::create_tcp_socket;
use crate::http::Deadline;

/// The real network.
#[derive(Debug, Clone, Copy)]
pub struct WasiTcp;

impl Tcp for WasiTcp {
    fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<Box<dyn TcpStream>, NetError> {
        let deadline = Deadline::after(timeout);
        let network = instance_network();
        let mut last = NetError::new("dns", format!("the name `{host}` has no address"));
        for address in resolve(&network, host, &deadline)? {
            match open(&network, address, port, &deadline) {
                Ok(stream) => return Ok(Box::new(stream)),
                Err(code) => last = explain(code, host, port, timeout),
            }
        }
        Err(last)
    }
}

struct WasiStream {
    // Fields drop in this order: the streams are children of the socket.
    input: InputStream,
    output: OutputStream,
    _socket: TcpSocket,
}

fn resolve(network: &Network, host: &str, deadline: &Deadline) -> Result<Vec<IpAddress>, NetError> {
    let failed = |code: ErrorCode| match code {
        ErrorCode::NameUnresolvable => NetError::new("dns", format!("the name `{host}` is not known")),
        ErrorCode::AccessDenied => NetError::denied(host),
        other => NetError::new("dns", format!("looking up `{host}`: {other}")),
    };
    let stream = resolve_addresses(network, host.trim_matches(['[', ']'])).map_err(failed)?;
    let mut addresses = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(address)) => addresses.push(address),
            Ok(None) => return Ok(addresses),
            Err(ErrorCode::WouldBlock) => deadline.wait(&stream.subscribe(), "dns", "name look-up gave no answer")?,
            Err(code) => return Err(failed(code)),
        }
    }
}

fn open(network: &Network, address: IpAddress, port: u16, deadline: &Deadline) -> Result<WasiStream, ErrorCode> {
    let (family, remote) = match address {
        IpAddress::Ipv4(address) => (IpAddressFamily::Ipv4, IpSocketAddress::Ipv4(Ipv4SocketAddress { port, address })),
        IpAddress::Ipv6(address) => {
            let remote = Ipv6SocketAddress { port, flow_info: 0, address, scope_id: 0 };
            (IpAddressFamily::Ipv6, IpSocketAddress::Ipv6(remote))
        }
    };
    let socket = create_tcp_socket(family)?;
    socket.start_connect(network, remote)?;
    let ready = socket.subscribe();
    let (input, output) = loop {
        match socket.finish_connect() {
            Err(ErrorCode::WouldBlock) => {
                deadline.wait(&ready, "connect", "no connection").map_err(|_| ErrorCode::Timeout)?;
            }
            other => break other?,
        }
    };
    drop(ready);
    Ok(WasiStream { input, output, _socket: socket })
}

fn explain(code: ErrorCode, host: &str, port: u16, timeout: Duration) -> NetError {
    match code {
        ErrorCode::AccessDenied => NetError::denied(&format!("{host}:{port}")),
        ErrorCode::ConnectionRefused => NetError::new("connect", "connection refused"),
        ErrorCode::Timeout => NetError::new("connect", format!("no connection within {} ms", timeout.as_millis())),
        ErrorCode::RemoteUnreachable => NetError::new("connect", format!("`{host}:{port}` cannot be reached")),
        other => NetError::new("connect", other.to_string()),
    }
}

impl TcpStream for WasiStream {
    fn read(&mut self, max: usize, timeout: Duration) -> Result<Vec<u8>, NetError> {
        let deadline = Deadline::after(timeout);
        loop {
            deadline.wait(&self.input.subscribe(), "read", "nothing was received")?;
            match self.input.read(max as u64) {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Ok(bytes),
                Err(StreamError::Closed) => return Ok(Vec::new()),
                Err(StreamError::LastOperationFailed(error)) => {
                    return Err(NetError::new("read", error.to_debug_string()));
                }
            }
        }
    }

    fn write(&mut self, mut bytes: &[u8], timeout: Duration) -> Result<(), NetError> {
        let deadline = Deadline::after(timeout);
        let broken = |_| NetError::new("write", "the connection was closed");
        while !bytes.is_empty() {
            let room = self.output.check_write().map_err(broken)?;
            if room == 0 {
                deadline.wait(&self.output.subscribe(), "write", "nothing was taken")?;
                continue;
            }
            let (now, later) = bytes.split_at(bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
            self.output.write(now).map_err(broken)?;
            bytes = later;
        }
        self.output.flush().map_err(broken)?;
        deadline.wait(&self.output.subscribe(), "write", "nothing was taken")
    }
}
