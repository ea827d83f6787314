//! What leaves for an upstream.

use super::failure::Failure;
use tokio::net::TcpStream;

/// The one way out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbound;

impl Outbound {
    pub(crate) async fn connect(&self, url: &url::Url) -> Result<TcpStream, Failure> {
        let cannot = |error: &dyn std::fmt::Display| Failure::Unreachable(error.to_string());
        let host = url.host_str().ok_or_else(|| cannot(&"it has no host"))?;
        let host = host.trim_matches(['[', ']']);
        let port = url.port_or_known_default().ok_or_else(|| cannot(&"it has no port"))?;
        TcpStream::connect((host, port)).await.map_err(|error| cannot(&error))
    }
}
