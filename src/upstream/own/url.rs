//! Which URLs a tenant may name. Here it is told from the text alone; whoever connects looks at addresses once more.

use super::{bare, is_secret};
use crate::upstream::outbound::is_public;
use crate::upstream::template::Template;
use url::{Host, Url};

/// The longest that one may be, in bytes.
const LONGEST: usize = 2048;

/// Refuses what is no URL of a public HTTP server; gives it with `x` for each credential.
pub(super) fn check(text: &str, allow_private: bool) -> Result<Url, String> {
    if text.len() > LONGEST || !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('\\') {
        return Err(format!("must be at most {LONGEST} visible ASCII characters"));
    }
    let lower = text.to_ascii_lowercase();
    let rest = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let rest =
        rest.ok_or("must begin with https:// or http://; commands and other servers are for whoever runs the gateway")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must have no user name or password; send a header with ${credential:NAME} instead".into());
    }
    if authority.contains('$') {
        return Err("must say its host in full, without a credential".into());
    }
    let template = Template::parse(text)?;
    let url =
        template.sample("x").ok().filter(Url::has_host).ok_or("must be a URL such as https://mcp.example.com/mcp")?;
    if url.fragment().is_some() {
        return Err("must have no fragment (#…)".into());
    }
    let bare_query = url.query_pairs().find(|(name, value)| is_secret(name) && value != "x");
    if let Some((name, _)) = bare_query {
        return Err(bare(&name));
    }
    if !allow_private {
        check_public(&url)?;
    }
    Ok(url)
}

/// Refuses an audience that is not of the upstream's own: a token that it is sent would be good elsewhere.
pub(super) fn check_audience(text: &str, url: &Url) -> Result<(), String> {
    let wrong = || {
        format!(
            "must be a URL of the upstream itself, such as {}: what it is sent must not be good elsewhere",
            url.origin().ascii_serialization()
        )
    };
    let audience = Url::parse(text).map_err(|_| wrong())?;
    let plain = text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic()) && audience.username().is_empty();
    if plain && audience.origin() == url.origin() { Ok(()) } else { Err(wrong()) }
}

fn check_public(url: &Url) -> Result<(), String> {
    let private = match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        // One that stands for an IPv4 address is to be written as that.
        Some(Host::Ipv6(address)) => address.segments()[0] & 0xe000 != 0x2000 || !is_public(address.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            !name.contains('.')
                || ["localhost", "local", "internal"].iter().any(|end| name.ends_with(&format!(".{end}")))
        }
        None => true,
    };
    if private { Err("must have a public host; this server lets tenants reach no private ones".into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_http_urls_are_taken_and_nothing_else() {
        for good in [
            "https://mcp.example.com/mcp",
            "http://mcp.example.com",
            "HTTPS://mcp.example.com:8443/${credential:path}/x?key=${credential:key}&v=1",
            "https://8.8.8.8/mcp",
            "https://[2606:4700::1111]/mcp",
        ] {
            check(good, false).expect(good);
        }
        for (bad, why) in [
            ("ftp://mcp.example.com", "must begin with https://"),
            ("npx server", "visible ASCII"),
            ("file:///etc/passwd", "must begin with https://"),
            ("https://", "must be a URL"),
            ("https://user:pw@mcp.example.com/", "no user name"),
            ("https://mcp.example.com@127.0.0.1/", "no user name"),
            ("https://${credential:host}/", "its host in full"),
            ("https://${credential:sub}.example.com/", "its host in full"),
            ("https://mcp.example.com:${credential:port}/", "its host in full"),
            ("https://mcp.example.com\\@127.0.0.1/", "visible ASCII"),
            ("https://mcp.example.com/#x", "fragment"),
            ("https://mcp.example.com/?api_key=abc", "looks like a secret"),
            ("https://mcp.example.com/${x}", "is not known"),
            ("https://localhost/", "public host"),
            ("https://localhost./", "public host"),
            ("https://intranet/", "public host"),
            ("https://db.internal/", "public host"),
            ("https://127.0.0.1/", "public host"),
            ("https://2130706433/", "public host"),
            ("https://0x7f.1/", "public host"),
            ("https://127.1/", "public host"),
            ("https://10.0.0.1/", "public host"),
            ("https://169.254.169.254/latest", "public host"),
            ("https://100.64.0.1/", "public host"),
            ("https://[::1]/", "public host"),
            ("https://[::]/", "public host"),
            ("https://[::ffff:10.0.0.1]/", "public host"),
            ("https://[64:ff9b::a00:1]/", "public host"),
            ("https://[2002:a00:1::]/", "public host"),
            ("https://[fe80::1]/", "public host"),
            ("https://[fd00::1]/", "public host"),
            ("https://[ff02::1]/", "public host"),
        ] {
            let error = check(bad, false).expect_err(bad);
            assert!(error.contains(why), "{bad}: {error}");
        }
        check("http://127.0.0.1:9/mcp", true).expect("it is allowed here");
    }

    #[test]
    fn an_audience_is_of_the_upstream_itself() {
        let url = check("https://mcp.example.com/mcp", false).expect("it is good");
        for good in ["https://mcp.example.com", "https://mcp.example.com/other"] {
            check_audience(good, &url).expect(good);
        }
        for bad in ["api", "https://example.com", "http://mcp.example.com", "https://mcp.example.com:444", ""] {
            check_audience(bad, &url).expect_err(bad);
        }
    }
}
