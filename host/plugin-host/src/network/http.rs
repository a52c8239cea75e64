//! Outgoing HTTP of guests: our own handshake on a connection of the virtual network. The default implementation, which
//! dials anything, is not even compiled in.

use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiHttpHooks};

use super::{Network, OpenError};

type Body = http_body_util::combinators::UnsyncBoxBody<bytes::Bytes, Error>;
type Ended = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Answer = Result<(http::Response<Body>, Ended), Error>;

/// Time for connecting and for the first byte where the guest asked for none: the call's own limit is shorter.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// The hooks of one call.
pub(crate) struct Hooks(pub(crate) Arc<Network>);

impl WasiHttpHooks for Hooks {
    fn default_scheme(&mut self) -> Option<http::uri::Scheme> {
        Some(http::uri::Scheme::HTTP)
    }

    fn is_supported_scheme(&mut self, scheme: &http::uri::Scheme) -> bool {
        *scheme == http::uri::Scheme::HTTP
    }

    fn send_request(
        &mut self,
        request: http::Request<Body>,
        options: Option<RequestOptions>,
        _: Ended,
    ) -> Box<dyn Future<Output = wasmtime_wasi_http::Result<(http::Response<Body>, Ended)>> + Send> {
        let network = Arc::clone(&self.0);
        Box::new(async move { send(&network, request, options).await })
    }
}

async fn send(network: &Network, mut request: http::Request<Body>, options: Option<RequestOptions>) -> Answer {
    let authority = request.uri().authority().cloned().ok_or(Error::HttpRequestUriInvalid)?;
    if authority.as_str().contains('@') {
        return Err(Error::HttpRequestUriInvalid);
    }
    let host = authority.host().trim_matches(['[', ']']).to_owned();
    let port = authority.port_u16().unwrap_or(80);
    let connect = options.as_ref().and_then(|options| options.connect_timeout).unwrap_or(PATIENCE);
    let first_byte = options.as_ref().and_then(|options| options.first_byte_timeout).unwrap_or(PATIENCE);
    let stream = timeout(connect, network.open(&host, port)).await.map_err(|_| Error::ConnectionTimeout)?;
    let stream = stream.map_err(|error| match error {
        OpenError::Denied => Error::HttpRequestDenied,
        OpenError::Refused => Error::ConnectionRefused,
    })?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(Error::from)?;
    let path = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    *request.uri_mut() = path.parse().map_err(|_| Error::HttpRequestUriInvalid)?;
    // The connection may end in the very poll that brings the answer: it is driven until it ends, the answer counts.
    let mut connection = Some(Box::pin(connection));
    let response = async {
        let mut response = std::pin::pin!(sender.send_request(request));
        std::future::poll_fn(|context| {
            if let Some(driver) = &mut connection
                && driver.as_mut().poll(context).is_ready()
            {
                connection = None;
            }
            response.as_mut().poll(context)
        })
        .await
        .map_err(Error::from)
    };
    let response = timeout(first_byte, response).await.map_err(|_| Error::HttpResponseTimeout)??;
    let response = response.map(|body| body.map_err(Error::from).boxed_unsync());
    let ended: Ended = Box::new(async move {
        match connection {
            Some(driver) => driver.await.map_err(Error::from),
            None => Ok(()),
        }
    });
    Ok((response, ended))
}
