//! A small TCP client.

mod wasi;

use std::time::Duration;

use crate::net::NetError;
pub use wasi::WasiTcp;

/// Opens connections.
pub trait Tcp {
    /// Looks the name up and connects; the connection closes when the stream is dropped.
    ///
    /// # Errors
    /// With step `dns` or `connect`.
    fn connect(&self, host: &str, port: u16, timeout: Duration) -> Result<Box<dyn TcpStream>, NetError>;
}

/// An open connection.
pub trait TcpStream {
    /// Waits for bytes and returns some, at most `max`; none when the peer closed.
    ///
    /// # Errors
    /// When nothing came in time, or the connection broke.
    fn read(&mut self, max: usize, timeout: Duration) -> Result<Vec<u8>, NetError>;

    /// Writes all.
    ///
    /// # Errors
    /// When it was not taken in time, or the connection broke.
    fn write(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), NetError>;
}
