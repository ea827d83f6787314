//! Where a gateway is, as a person types it.

use url::{Host, Url};

/// The URL of a gateway's endpoint, with `ws` or `wss`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayUrl(Url);

impl GatewayUrl {
    /// Reads `ws://`, `wss://`, `http://` and `https://` URLs and bare hosts with or without a port. A bare loopback
    /// host is meant without TLS, any other with it. A URL without a path is that of `/mcp`.
    ///
    /// # Errors
    /// What is wrong with it and what to write instead.
    pub(crate) fn parse(typed: &str) -> Result<Self, String> {
        let typed = typed.trim();
        let wrong =
            |why: &str| format!("{why}; write a URL such as wss://gateway.example/mcp or ws://127.0.0.1:7777/mcp");
        if typed.is_empty() {
            return Err(wrong("there is no URL"));
        }
        let mut url = if typed.contains("://") {
            Url::parse(typed).map_err(|error| wrong(&format!("{typed:?} is no URL ({error})")))?
        } else {
            let bare = Url::parse(&format!("wss://{typed}"));
            let mut url = bare.map_err(|error| wrong(&format!("{typed:?} is no URL ({error})")))?;
            if is_loopback(&url) {
                // With its port as typed: 443 is not the default of `ws`.
                url = Url::parse(&format!("ws://{typed}")).map_err(|error| wrong(&error.to_string()))?;
            }
            url
        };
        let scheme = match url.scheme() {
            "ws" | "http" => "ws",
            "wss" | "https" => "wss",
            other => return Err(wrong(&format!("the URL begins with {other}:, which is no way to a gateway"))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(
                "the URL holds a user name or a password, which others on this machine can see; take them out \
                        and sign in with `sessile login`"
                    .into(),
            );
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("the URL has no host"));
        }
        if url.set_scheme(scheme).is_err() {
            return Err(wrong("the URL has no usable scheme"));
        }
        url.set_fragment(None);
        if url.path() == "/" || url.path().is_empty() {
            url.set_path("/mcp");
        }
        Ok(Self(url))
    }

    /// The URL itself.
    pub(crate) fn url(&self) -> &Url {
        &self.0
    }

    /// Whether what is sent there can be read on the way.
    pub(crate) fn is_exposed(&self) -> bool {
        self.0.scheme() == "ws" && !is_loopback(&self.0)
    }

    /// The same gateway's address for plain HTTP, with this path.
    pub(crate) fn http(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        // Both are special schemes, so this can't fail.
        let _ = url.set_scheme(if self.0.scheme() == "wss" { "https" } else { "http" });
        url.set_path(path);
        url.set_query(None);
        url
    }
}

fn is_loopback(url: &Url) -> bool {
    // A scheme that `url` knows gives hosts that are told apart.
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl std::fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::GatewayUrl;

    #[test]
    fn what_people_type_becomes_a_url() {
        for (typed, url) in [
            ("127.0.0.1:7777", "ws://127.0.0.1:7777/mcp"),
            ("localhost", "ws://localhost/mcp"),
            ("[::1]:80", "ws://[::1]/mcp"),
            ("localhost:443", "ws://localhost:443/mcp"),
            ("gateway.example", "wss://gateway.example/mcp"),
            ("https://gateway.example", "wss://gateway.example/mcp"),
            ("http://gateway.example/", "ws://gateway.example/mcp"),
            (" ws://gateway.example:81/other?x=1#y ", "ws://gateway.example:81/other?x=1"),
        ] {
            assert_eq!(GatewayUrl::parse(typed).map(|url| url.to_string()), Ok(url.to_owned()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_advice() {
        for typed in ["", "ftp://gateway.example", "wss://", "https://user:secret@gateway.example", "not a host"] {
            let why = GatewayUrl::parse(typed).expect_err(typed);
            assert!(why.contains("write") || why.contains("sign in"), "{why}");
            assert!(!why.contains("user:secret"), "{why}");
        }
    }
}
