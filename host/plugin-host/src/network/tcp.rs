//! `wasi:sockets/tcp` as wasmtime has it, but for `start-connect`: it goes to a forwarder (see [`super::forward`]).

use std::net::{Ipv4Addr, SocketAddr};

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::p2::bindings::sockets::network::{
    ErrorCode, IpAddressFamily, IpSocketAddress, Network as NetworkResource,
};
use wasmtime_wasi::p2::bindings::sockets::tcp::{Duration, Host, HostTcpSocket, ShutdownType, TcpSocket};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, SocketResult};
use wasmtime_wasi::sockets::{WasiSocketsCtxView, WasiSocketsView as _};

use crate::state::State;

/// Marks the store's state as the data of this interface.
pub(crate) struct Tcp;

impl HasData for Tcp {
    type Data<'a> = &'a mut State;
}

impl State {
    /// Where a guest's connect really goes; refusals are remembered.
    fn destination(&self, remote: IpSocketAddress) -> Result<SocketAddr, ErrorCode> {
        let remote: SocketAddr = remote.into();
        let SocketAddr::V4(address) = remote else {
            self.network.grants().refuse(&remote.ip().to_string(), remote.port());
            return Err(ErrorCode::AccessDenied);
        };
        let host = self.network.name_of(*address.ip()).unwrap_or_else(|| address.ip().to_string());
        if !self.network.grants().allows(&host, address.port()) {
            return Err(ErrorCode::AccessDenied);
        }
        let reserved = self.forwarders.start(&self.network, host, address.port());
        reserved.map(SocketAddr::V4).map_err(|_| ErrorCode::NewSocketLimit)
    }

    fn inner(&mut self) -> WasiSocketsCtxView<'_> {
        self.sockets()
    }
}

impl Host for State {}

type This = Resource<TcpSocket>;

impl HostTcpSocket for State {
    async fn start_bind(
        &mut self,
        this: This,
        network: Resource<NetworkResource>,
        local: IpSocketAddress,
    ) -> SocketResult<()> {
        self.inner().start_bind(this, network, local).await
    }

    fn finish_bind(&mut self, this: This) -> SocketResult<()> {
        self.inner().finish_bind(this)
    }

    fn start_connect(
        &mut self,
        this: This,
        network: Resource<NetworkResource>,
        remote: IpSocketAddress,
    ) -> SocketResult<()> {
        let destination = self.destination(remote)?;
        self.inner().start_connect(this, network, destination.into())
    }

    fn finish_connect(&mut self, this: This) -> SocketResult<(Resource<DynInputStream>, Resource<DynOutputStream>)> {
        self.inner().finish_connect(this)
    }

    async fn start_listen(&mut self, _: This) -> SocketResult<()> {
        self.network.grants().refuse(&Ipv4Addr::UNSPECIFIED.to_string(), 0);
        Err(ErrorCode::AccessDenied.into())
    }

    fn finish_listen(&mut self, this: This) -> SocketResult<()> {
        self.inner().finish_listen(this)
    }

    fn accept(&mut self, this: This) -> SocketResult<(This, Resource<DynInputStream>, Resource<DynOutputStream>)> {
        self.inner().accept(this)
    }

    fn local_address(&mut self, this: This) -> SocketResult<IpSocketAddress> {
        self.inner().local_address(this)
    }

    fn remote_address(&mut self, this: This) -> SocketResult<IpSocketAddress> {
        self.inner().remote_address(this)
    }

    fn is_listening(&mut self, this: This) -> wasmtime::Result<bool> {
        self.inner().is_listening(this)
    }

    fn address_family(&mut self, this: This) -> wasmtime::Result<IpAddressFamily> {
        self.inner().address_family(this)
    }

    fn set_listen_backlog_size(&mut self, this: This, value: u64) -> SocketResult<()> {
        self.inner().set_listen_backlog_size(this, value)
    }

    fn keep_alive_enabled(&mut self, this: This) -> SocketResult<bool> {
        self.inner().keep_alive_enabled(this)
    }

    fn set_keep_alive_enabled(&mut self, this: This, value: bool) -> SocketResult<()> {
        self.inner().set_keep_alive_enabled(this, value)
    }

    fn keep_alive_idle_time(&mut self, this: This) -> SocketResult<Duration> {
        self.inner().keep_alive_idle_time(this)
    }

    fn set_keep_alive_idle_time(&mut self, this: This, value: Duration) -> SocketResult<()> {
        self.inner().set_keep_alive_idle_time(this, value)
    }

    fn keep_alive_interval(&mut self, this: This) -> SocketResult<Duration> {
        self.inner().keep_alive_interval(this)
    }

    fn set_keep_alive_interval(&mut self, this: This, value: Duration) -> SocketResult<()> {
        self.inner().set_keep_alive_interval(this, value)
    }

    fn keep_alive_count(&mut self, this: This) -> SocketResult<u32> {
        self.inner().keep_alive_count(this)
    }

    fn set_keep_alive_count(&mut self, this: This, value: u32) -> SocketResult<()> {
        self.inner().set_keep_alive_count(this, value)
    }

    fn hop_limit(&mut self, this: This) -> SocketResult<u8> {
        self.inner().hop_limit(this)
    }

    fn set_hop_limit(&mut self, this: This, value: u8) -> SocketResult<()> {
        self.inner().set_hop_limit(this, value)
    }

    fn receive_buffer_size(&mut self, this: This) -> SocketResult<u64> {
        self.inner().receive_buffer_size(this)
    }

    fn set_receive_buffer_size(&mut self, this: This, value: u64) -> SocketResult<()> {
        self.inner().set_receive_buffer_size(this, value)
    }

    fn send_buffer_size(&mut self, this: This) -> SocketResult<u64> {
        self.inner().send_buffer_size(this)
    }

    fn set_send_buffer_size(&mut self, this: This, value: u64) -> SocketResult<()> {
        self.inner().set_send_buffer_size(this, value)
    }

    fn subscribe(&mut self, this: This) -> wasmtime::Result<Resource<DynPollable>> {
        self.inner().subscribe(this)
    }

    fn shutdown(&mut self, this: This, kind: ShutdownType) -> SocketResult<()> {
        self.inner().shutdown(this, kind)
    }

    fn drop(&mut self, this: This) -> wasmtime::Result<()> {
        HostTcpSocket::drop(&mut self.inner(), this)
    }
}
