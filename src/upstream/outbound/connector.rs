//! The one place where connections with upstreams are made: a name is resolved once, what it leads to is checked, and
//! what was checked is connected to.

use super::address::is_public;
use super::network::Network;
use super::socket::Socket;
use super::{Destinations, bare};
use crate::upstream::Failure;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt as _;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

/// How long it may take from a name to a connection that can be used.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long one of several addresses may take of that.
const PATIENCE_EACH: Duration = Duration::from_secs(4);

/// Makes connections.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    pub(super) destinations: Destinations,
    network: Arc<dyn Network>,
    tls: Arc<OnceLock<Result<Arc<ClientConfig>, String>>>,
}

impl Connector {
    pub(super) fn new(destinations: Destinations, network: Arc<dyn Network>) -> Self {
        Self { destinations, network, tls: Arc::default() }
    }

    /// One that trusts what it is told to.
    #[cfg(test)]
    pub(super) fn trusting(self, config: ClientConfig) -> Self {
        Self { tls: Arc::new(OnceLock::from(Ok(Arc::new(config)))), ..self }
    }

    /// The same, with TLS if that is wanted.
    pub(super) async fn open(&self, host: &str, port: u16, encrypted: bool) -> Result<Socket, Failure> {
        let until = Instant::now() + PATIENCE;
        let stream = self.connect_until(host, port, until).await?;
        if !encrypted {
            return Ok(Socket::Plain(stream));
        }
        let failed = |why: &dyn std::fmt::Display| Failure::Unreachable(format!("{host}: TLS: {why}"));
        let config = self.tls.get_or_init(trusting_the_system).as_ref().map_err(|why| failed(why))?;
        let name = ServerName::try_from(bare(host).to_owned()).map_err(|error| failed(&error))?;
        match timeout_at(until, TlsConnector::from(Arc::clone(config)).connect(name, stream)).await {
            Ok(stream) => Ok(Socket::Tls(Box::new(stream.map_err(|error| failed(&error))?))),
            Err(_) => Err(failed(&"the handshake took too long")),
        }
    }

    async fn connect_until(&self, host: &str, port: u16, until: Instant) -> Result<TcpStream, Failure> {
        let failed = |why: &dyn std::fmt::Display| Failure::Unreachable(format!("{host}: {why}"));
        let mut last = failed(&"its name leads to no address");
        for address in self.addresses(host, until).await? {
            let one = until.min(Instant::now() + PATIENCE_EACH);
            match timeout_at(one, self.network.dial(SocketAddr::new(address, port))).await {
                Ok(Ok(stream)) => return Ok(stream),
                Ok(Err(error)) => last = failed(&error),
                Err(_) => last = failed(&"no connection came about in time"),
            }
        }
        Err(last)
    }

    /// The addresses that a host has and that may be connected to.
    async fn addresses(&self, host: &str, until: Instant) -> Result<Vec<IpAddr>, Failure> {
        let failed = |why: &dyn std::fmt::Display| Failure::Unreachable(format!("{host}: {why}"));
        let mut addresses = match bare(host).parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => match timeout_at(until, self.network.resolve(host.to_owned())).await {
                Ok(found) => found.map_err(|error| failed(&error))?,
                Err(_) => return Err(failed(&"its name could not be looked up in time")),
            },
        };
        if self.destinations == Destinations::Public && !addresses.is_empty() {
            addresses.retain(|address| is_public(*address));
            if addresses.is_empty() {
                return Err(failed(&"it is not at a public address, and this upstream has to be"));
            }
        }
        Ok(addresses)
    }
}

/// TLS that trusts whom the system trusts.
fn trusting_the_system() -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.and_then(|builder| builder.with_platform_verifier()).map_err(|error| error.to_string())?;
    let mut config = builder.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

impl tower_service::Service<http::Uri> for Connector {
    type Response = TokioIo<Socket>;
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Failure>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: http::Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let encrypted = uri.scheme_str() == Some("https");
            let host = uri.host().ok_or_else(|| Failure::Incomplete("its URL has no host".to_owned()))?;
            let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
            connector.open(host, port, encrypted).await.map(TokioIo::new)
        })
    }
}
