//! Which address a request comes from, when proxies stand before the server. It does not know what
//! the address is used for.

use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose word about an address is taken: addresses and networks. None unless configured.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Whether this address is one of theirs.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The address that a request comes from: the peer's own, unless it is a trusted proxy. Then
    /// it is the last entry of `X-Forwarded-For` that no trusted proxy stands behind; what is before
    /// that entry, anybody could have written.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        if !self.contains(peer) {
            return client;
        }
        for value in headers.get_all(FORWARDED_FOR).into_iter().rev() {
            for entry in value.to_str().unwrap_or("not text").rsplit(',') {
                let Some(address) = address(entry.trim()) else { return peer };
                client = address;
                if !self.contains(client) {
                    return client;
                }
            }
        }
        client
    }
}

/// An entry as proxies write it, with a port or without.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse().ok().or_else(|| entry.parse().ok().map(|socket: SocketAddr| socket.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

impl FromStr for TrustedProxies {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let network = |entry: &str| {
            let address = entry.parse().map(|address: IpAddr| address.to_canonical().into()).ok();
            address.or_else(|| entry.parse().map(|network: IpNet| network.trunc()).ok())
        };
        let networks: Option<Vec<_>> = entries.map(network).collect();
        networks.map(Self).ok_or_else(|| "must be IP addresses and networks such as 10.0.0.0/8".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn client(proxies: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies: TrustedProxies = proxies.parse().expect(proxies);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).expect(value));
        }
        proxies.client(peer.parse().expect(peer), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_saw_itself() {
        let proxies = "10.0.0.0/8, 192.0.2.1, 2001:db8::/32";
        for (peer, forwarded, expected) in [
            // Who is no proxy may say what they like.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("10.1.2.3", &[], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            ("192.0.2.1", &["198.51.100.1"], "198.51.100.1"),
            ("192.0.2.2", &["198.51.100.1"], "192.0.2.2"),
            ("2001:db8::7", &["198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", &["198.51.100.1"], "198.51.100.1"),
            // What the client made up itself is left of what a proxy saw.
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["nonsense, 198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &["1.1.1.1", "198.51.100.1"], "198.51.100.1"),
            // Through several proxies.
            ("10.1.2.3", &["1.1.1.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            ("10.1.2.3", &["198.51.100.1", "192.0.2.1,10.9.9.9"], "198.51.100.1"),
            ("10.1.2.3", &["10.5.5.5, 10.9.9.9"], "10.5.5.5"),
            // Other spellings.
            ("10.1.2.3", &["198.51.100.1:4711"], "198.51.100.1"),
            ("10.1.2.3", &["2a00:1::1"], "2a00:1::1"),
            ("10.1.2.3", &["[2a00:1::1]"], "2a00:1::1"),
            ("10.1.2.3", &["[2a00:1::1]:4711"], "2a00:1::1"),
            ("10.1.2.3", &["::ffff:198.51.100.1"], "198.51.100.1"),
            // What cannot be read is not passed over.
            ("10.1.2.3", &["198.51.100.1, unknown"], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1,"], "10.1.2.3"),
            ("10.1.2.3", &["198.51.100.1, unknown, 10.9.9.9"], "10.1.2.3"),
            ("10.1.2.3", &[""], "10.1.2.3"),
        ] {
            assert_eq!(client(proxies, peer, forwarded), expected, "{peer} {forwarded:?}");
        }
        assert_eq!(client("", "10.1.2.3", &["198.51.100.1"]), "10.1.2.3");
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["proxy.example", "10.0.0.0/33", "10.0.0.1:80", "10.0.0.0/8 192.0.2.1"] {
            text.parse::<TrustedProxies>().expect_err(text);
        }
        assert_eq!("10.9.9.9/8".parse::<TrustedProxies>(), "10.0.0.0/8".parse());
    }
}
