//! Which names the server answers to, and which web pages may talk to it. Both keep a web page from
//! reaching a server that only its visitor can reach, also when the page has its own name resolve to
//! the server's address (DNS rebinding). Proves nothing about who is calling.

use super::ServerOptions;
use crate::error::{Error, Result};
use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, StatusCode, Uri};
use std::net::{IpAddr, SocketAddr};

/// What is compared with the headers of each request.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    /// Where the server listens, once it does.
    address: Option<SocketAddr>,
    tls: bool,
    public: Option<Public>,
    allowed_hosts: Vec<String>,
    allowed_origins: Vec<String>,
}

/// The server's address for others.
#[derive(Debug, Clone)]
struct Public {
    /// Scheme and authority, as a browser writes an origin.
    origin: String,
    /// Its host, in lower case.
    host: String,
}

/// Why a request is not served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// It names no host, or several.
    NoHost,
    /// It is for another host.
    Host,
    /// It comes from another origin's web page.
    Origin,
}

impl Gate {
    /// # Errors
    /// [`Error::Config`] for a public URL that is none, or an allowed host that is none.
    pub(super) fn new(options: &ServerOptions) -> Result<Self> {
        let public = options.public_url.as_deref().map(Public::parse).transpose();
        let public = public.map_err(|rule| Error::Config(format!("public_url: {rule}")))?;
        let allowed_hosts: Result<Vec<_>, _> = options.allowed_hosts.iter().map(|name| allowed_host(name)).collect();
        Ok(Self {
            address: None,
            tls: options.tls.is_some(),
            public,
            allowed_hosts: allowed_hosts.map_err(|rule| Error::Config(format!("allowed_hosts: {rule}")))?,
            allowed_origins: options.allowed_origins.clone(),
        })
    }

    /// The same for a server that listens there.
    pub(super) fn at(&self, address: SocketAddr) -> Self {
        Self { address: Some(address), ..self.clone() }
    }

    /// Whether a request is for this server, and gives the host that it names, with its port.
    pub(super) fn check_host<'h>(&self, uri: &'h Uri, headers: &'h HeaderMap) -> Result<&'h str, Foreign> {
        let mut named = headers.get_all(HOST).into_iter();
        let host = match (named.next(), named.next()) {
            (Some(host), None) => host.to_str().map_err(|_| Foreign::NoHost)?,
            _ => return Err(Foreign::NoHost),
        };
        // A request line that names a host overrules the header; a server that looked at one
        // of them alone could be told anything by the other.
        for authority in [Some(host), uri.authority().map(Authority::as_str)].into_iter().flatten() {
            let authority: Authority = authority.parse().map_err(|_| Foreign::NoHost)?;
            if authority.as_str().contains('@') {
                return Err(Foreign::NoHost);
            }
            if !self.answers_to(&bare(authority.host())) {
                tracing::warn!(host = %authority, "refused a request for another host");
                return Err(Foreign::Host);
            }
        }
        Ok(host)
    }

    /// Whether a request comes from no web page, or from one that may talk to the server. `host` is
    /// what [`Gate::check_host`] gave: a page of the same origin names the same.
    pub(super) fn check_origin(&self, headers: &HeaderMap, host: &str) -> Result<(), Foreign> {
        let mut named = headers.get_all(ORIGIN).into_iter();
        let Some(origin) = named.next() else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        if named.next().is_none() && (self.is_own(origin, host) || self.allows(origin)) {
            return Ok(());
        }
        tracing::warn!(origin, "refused a request from a foreign origin");
        Err(Foreign::Origin)
    }

    fn allows(&self, origin: &str) -> bool {
        let public = self.public.iter().map(|public| &public.origin);
        self.allowed_origins.iter().chain(public).any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }

    fn is_own(&self, origin: &str, host: &str) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let name = host.parse().map(|authority: Authority| bare(authority.host())).unwrap_or_default();
        // The public URL says how its host is reached; a page in the clear of the same name could be anybody's.
        let is_public = self.public.as_ref().is_some_and(|public| public.host == name);
        let reached = scheme == if self.tls { "https" } else { "http" };
        !is_public && reached && authority.eq_ignore_ascii_case(host)
    }

    fn answers_to(&self, host: &str) -> bool {
        let configured = self.public.iter().map(|public| &public.host).chain(&self.allowed_hosts);
        if configured.clone().any(|name| name == host) {
            return true;
        }
        let Some(own) = self.address.map(|address| address.ip().to_canonical()) else { return false };
        let literal = host.parse().ok().map(|literal: IpAddr| literal.to_canonical());
        if (own.is_loopback() || own.is_unspecified())
            && (host == "localhost" || literal.is_some_and(|ip| ip.is_loopback()))
        {
            return true;
        }
        // A page can have its name resolve to any address, but it cannot have an address for a name.
        let open = own.is_unspecified() && configured.count() == 0;
        literal.is_some_and(|literal| open || literal == own)
    }
}

impl Foreign {
    /// The status of the refusal.
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::NoHost => StatusCode::BAD_REQUEST,
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
        }
    }

    /// What whoever made the request is told.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::NoHost => "A request has to name its host, once, in the header Host.\n",
            Self::Host => {
                "This server does not answer to that Host. Its settings public_url and allowed_hosts name those that it answers to.\n"
            }
            Self::Origin => "This origin may not connect. The server's setting allowed_origins names those that may.\n",
        }
    }
}

impl Public {
    fn parse(url: &str) -> Result<Self, String> {
        let url = public_url(url)?;
        let uri: Uri = url.parse().map_err(|_| PUBLIC_URL.to_owned())?;
        let host = uri.host().map(bare).ok_or(PUBLIC_URL)?;
        // Browsers leave the usual port out of an origin.
        let usual = if uri.scheme_str() == Some("https") { ":443" } else { ":80" };
        let origin = url.strip_suffix(usual).unwrap_or(&url).to_owned();
        Ok(Self { origin, host })
    }
}

const PUBLIC_URL: &str = "must be http:// or https:// and a host, with a port or without, and no path";

/// Checks the URL at which the server is reached, and gives it without a slash at its end.
pub(crate) fn public_url(url: &str) -> Result<String, String> {
    let uri: Uri = url.parse().map_err(|_| PUBLIC_URL)?;
    let web = matches!(uri.scheme_str(), Some("http" | "https"));
    let bare_host =
        uri.authority().is_some_and(|authority| !authority.host().is_empty() && !authority.as_str().contains('@'));
    let no_path = uri.path_and_query().is_none_or(|path| path == "/") && !url.contains(['?', '#']);
    if !(web && bare_host && no_path) {
        return Err(PUBLIC_URL.into());
    }
    Ok(url.trim_end_matches('/').to_ascii_lowercase())
}

/// Checks a name that the server is to answer to.
pub(crate) fn allowed_host(name: &str) -> Result<String, String> {
    let rule = || "must be host names or IP addresses, without scheme and port".to_owned();
    if name.parse::<IpAddr>().is_ok() {
        return Ok(bare(name));
    }
    let authority: Authority = name.parse().map_err(|_| rule())?;
    if authority.host() != name { Err(rule()) } else { Ok(bare(name)) }
}

/// A host as it is compared: an address in its usual spelling and without brackets, a name in lower
/// case and without the final dot of DNS.
fn bare(host: &str) -> String {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    match host.parse::<IpAddr>() {
        Ok(literal) => literal.to_canonical().to_string(),
        Err(_) => host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(address: &str, public_url: Option<&str>, allowed_hosts: &[&str]) -> Gate {
        Gate {
            address: Some(address.parse().expect(address)),
            tls: false,
            public: public_url.map(|url| Public::parse(url).expect(url)),
            allowed_hosts: allowed_hosts.iter().map(|name| allowed_host(name).expect(name)).collect(),
            allowed_origins: vec!["https://app.example.com".into()],
        }
    }

    fn headers(pairs: &[(http::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect(value))).collect()
    }

    #[test]
    fn a_host_is_the_servers_own_or_configured() {
        let (local, one, every) = ("127.0.0.1:7400", "192.0.2.1:7400", "0.0.0.0:7400");
        let public = Some("https://crm.example.com");
        for (address, public_url, allowed, host, answers) in [
            (local, None, &[][..], "127.0.0.1:7400", true),
            (local, None, &[], "localhost:7400", true),
            (local, None, &[], "LOCALHOST", true),
            (local, None, &[], "localhost.", true),
            (local, None, &[], "[::1]:8080", true),
            (local, None, &[], "127.0.0.9", true),
            (local, None, &[], "192.0.2.1", false),
            (local, None, &[], "evil.example:7400", false),
            (local, None, &[], "localhost.evil.example", false),
            (local, None, &[], "crm.example.com", false),
            (local, public, &[], "crm.example.com", true),
            (local, public, &[], "CRM.example.com.:443", true),
            (local, public, &[], "localhost", true),
            (local, None, &["crm.example.com"], "crm.example.com:7400", true),
            (local, None, &["2001:DB8::1"], "[2001:db8:0::1]:7400", true),
            ("[::1]:7400", None, &[], "localhost:7400", true),
            ("[::1]:7400", None, &[], "[::1]:7400", true),
            (one, None, &[], "192.0.2.1:7400", true),
            (one, None, &[], "192.0.2.2:7400", false),
            (one, None, &[], "localhost:7400", false),
            (one, None, &[], "127.0.0.1:7400", false),
            (every, None, &[], "192.0.2.1:7400", true),
            (every, None, &[], "[2001:db8::1]", true),
            (every, None, &[], "localhost:7400", true),
            (every, None, &[], "crm.example.com", false),
            (every, public, &[], "crm.example.com", true),
            (every, public, &[], "192.0.2.1:7400", false),
            (every, public, &[], "127.0.0.1:7400", true),
            (every, None, &["crm.example.com"], "192.0.2.1", false),
            ("[::]:7400", None, &[], "192.0.2.1:7400", true),
        ] {
            let gate = gate(address, public_url, allowed);
            let headers = headers(&[(HOST, host)]);
            let expected = if answers { Ok(host) } else { Err(Foreign::Host) };
            assert_eq!(
                gate.check_host(&Uri::from_static("/mcp"), &headers),
                expected,
                "{host} at {address}, {public_url:?}, {allowed:?}"
            );
        }
    }

    #[test]
    fn a_request_names_one_host() {
        let gate = gate("127.0.0.1:7400", None, &[]);
        let (path, foreign) = (Uri::from_static("/mcp"), Uri::from_static("http://evil.example/mcp"));
        let own = headers(&[(HOST, "localhost")]);
        assert_eq!(gate.check_host(&foreign, &own), Err(Foreign::Host));
        assert_eq!(gate.check_host(&Uri::from_static("http://localhost/mcp"), &own), Ok("localhost"));
        let mut twice = own;
        twice.append(HOST, "localhost".parse().expect("a value"));
        for headers in [twice, HeaderMap::new(), headers(&[(HOST, "")]), headers(&[(HOST, "evil.example@localhost")])] {
            assert_eq!(gate.check_host(&path, &headers), Err(Foreign::NoHost), "{headers:?}");
        }
    }

    #[test]
    fn an_origin_is_the_servers_own_or_configured() {
        let gate = gate("127.0.0.1:7400", Some("https://crm.example.com:443/"), &["other.example"]);
        for (host, origin, may) in [
            ("localhost:7400", "http://localhost:7400", true),
            ("localhost:7400", "http://localhost", false),
            ("localhost:7400", "https://localhost:7400", false),
            ("localhost:7400", "http://127.0.0.1:7400", false),
            ("other.example", "http://other.example", true),
            ("other.example", "https://other.example", false),
            ("crm.example.com", "https://crm.example.com", true),
            ("localhost:7400", "https://crm.example.com", true),
            ("crm.example.com", "http://crm.example.com", false),
            ("crm.example.com", "https://app.example.com", true),
            ("crm.example.com", "https://APP.example.com", true),
            ("crm.example.com", "https://app.example.com.evil.example", false),
            ("crm.example.com", "null", false),
            ("crm.example.com", "", false),
        ] {
            let expected = if may { Ok(()) } else { Err(Foreign::Origin) };
            assert_eq!(gate.check_origin(&headers(&[(ORIGIN, origin)]), host), expected, "{origin} at {host}");
        }
        assert_eq!(gate.check_origin(&HeaderMap::new(), "localhost"), Ok(()));
    }

    #[test]
    fn what_is_no_public_url_or_host_is_refused() {
        for (url, kept) in [
            ("https://crm.example.com", Some("https://crm.example.com")),
            ("http://CRM.example.com:8080/", Some("http://crm.example.com:8080")),
            ("https://[2001:db8::1]:7400", Some("https://[2001:db8::1]:7400")),
            ("crm.example.com", None),
            ("ws://crm.example.com", None),
            ("https://", None),
            ("https://crm.example.com/crm", None),
            ("https://crm.example.com/?a", None),
            ("https://crm.example.com#a", None),
            ("https://me@crm.example.com", None),
        ] {
            assert_eq!(public_url(url).ok().as_deref(), kept, "{url}");
        }
        for name in ["https://crm.example.com", "crm.example.com:80", "", "a b", "[::1]:80"] {
            assert!(allowed_host(name).is_err(), "{name}");
        }
    }
}
