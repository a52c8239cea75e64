//! `wasi:sockets/ip-name-lookup` of our own: granted names resolve to an address that stands for them, others are denied.

use std::net::Ipv4Addr;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{Host, HostResolveAddressStream, ResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{
    self, ErrorCode, HostNetwork, IpAddress, Network as NetworkResource,
};
use wasmtime_wasi::p2::{DynPollable, IoError, Pollable, SocketError, subscribe};
use wasmtime_wasi::sockets::WasiSocketsView as _;

use crate::state::State;

/// Marks the store's state as the data of this interface.
pub(crate) struct Lookup;

impl HasData for Lookup {
    type Data<'a> = &'a mut State;
}

/// Our answers: one address, ready at once. Its handle travels under the type of the generated bindings.
struct Answer(Option<Ipv4Addr>);

#[async_trait::async_trait]
impl Pollable for Answer {
    async fn ready(&mut self) {}
}

impl Host for State {
    fn resolve_addresses(
        &mut self,
        _: Resource<NetworkResource>,
        name: String,
    ) -> Result<Resource<ResolveAddressStream>, SocketError> {
        let address = match name.parse::<Ipv4Addr>() {
            Ok(literal) => literal,
            Err(_) => self.network.address_of(&name).ok_or(ErrorCode::AccessDenied)?,
        };
        let answer = self.table.push(Answer(Some(address)))?;
        Ok(Resource::new_own(answer.rep()))
    }
}

impl HostResolveAddressStream for State {
    fn resolve_next_address(
        &mut self,
        stream: Resource<ResolveAddressStream>,
    ) -> Result<Option<IpAddress>, SocketError> {
        let answer: Resource<Answer> = Resource::new_borrow(stream.rep());
        let address = self.table.get_mut(&answer)?.0.take();
        Ok(address.map(|address| IpAddress::Ipv4(address.octets().into())))
    }

    fn subscribe(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<Resource<DynPollable>> {
        subscribe(&mut self.table, Resource::<Answer>::new_borrow(stream.rep()))
    }

    fn drop(&mut self, stream: Resource<ResolveAddressStream>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Answer>::new_own(stream.rep()))?;
        Ok(())
    }
}

impl network::Host for State {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl HostNetwork for State {
    fn drop(&mut self, network: Resource<NetworkResource>) -> wasmtime::Result<()> {
        HostNetwork::drop(&mut self.sockets(), network)
    }
}
