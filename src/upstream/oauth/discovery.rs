//! From an upstream to the authorization server that gives tokens for it (RFC 9728, RFC 8414, OpenID Connect Discovery).

use super::challenge::Challenge;
use super::request::Requests;
use crate::upstream::Failure;
use serde::Deserialize;
use url::Url;

/// Who gives tokens for an upstream, and for what.
#[derive(Debug)]
pub(super) struct Discovered {
    pub(super) server: AuthorizationServer,
    /// What tokens are asked for (RFC 8707).
    pub(super) resource: String,
    /// What has to be asked for, where the upstream says so.
    pub(super) scopes: Vec<String>,
}

/// What an authorization server says of itself.
#[derive(Debug, Deserialize)]
pub(super) struct AuthorizationServer {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) registration_endpoint: Option<Url>,
    #[serde(default)]
    pub(super) scopes_supported: Vec<String>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(default)]
    pub(super) authorization_response_iss_parameter_supported: bool,
    #[serde(default)]
    pub(super) client_id_metadata_document_supported: bool,
}

/// What a resource says of itself.
#[derive(Debug, Deserialize)]
struct Resource {
    resource: String,
    #[serde(default)]
    authorization_servers: Vec<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
}

/// Finds who gives tokens for an upstream, by what it said when it refused a request.
pub(super) async fn discover(
    requests: &Requests,
    upstream: &Url,
    challenge: &Challenge,
) -> Result<Discovered, Failure> {
    let found = resource(requests, upstream, challenge).await?;
    let asked: Vec<_> =
        challenge.scope.iter().flat_map(|scope| scope.split_ascii_whitespace()).map(str::to_owned).collect();
    let (issuer, resource, scopes) = match found {
        Some(Resource { resource, authorization_servers, scopes_supported }) => {
            let issuer = authorization_servers.into_iter().next();
            let issuer = issuer.ok_or_else(|| incomplete("its metadata names no authorization server"))?;
            (issuer, resource, if asked.is_empty() { scopes_supported } else { asked })
        }
        // Before 2025-06-18 a server was its own authorization server.
        None => (upstream.origin().ascii_serialization(), canonical(upstream), asked),
    };
    Ok(Discovered { server: server(requests, &issuer).await?, resource, scopes })
}

/// The upstream's description of itself, if it has one.
async fn resource(requests: &Requests, upstream: &Url, challenge: &Challenge) -> Result<Option<Resource>, Failure> {
    let path = upstream.path().trim_end_matches('/');
    let well_known = |path: &str| at(upstream, &format!("/.well-known/oauth-protected-resource{path}"));
    let mut places = Vec::new();
    match &challenge.resource_metadata {
        Some(place) => places.push(place.parse().map_err(|_| incomplete("the URL of its metadata can't be read"))?),
        None if path.is_empty() => places.push(well_known("")),
        None => places.extend([well_known(path), well_known("")]),
    }
    for place in places {
        if let Some(found) = requests.get::<Resource>(&place).await? {
            // A document about something else would have tokens for that sent here.
            return if covers(&found.resource, upstream) {
                Ok(Some(found))
            } else {
                Err(incomplete("its metadata is about another resource"))
            };
        }
    }
    match challenge.resource_metadata {
        Some(_) => Err(incomplete("its metadata is not where it says")),
        None => Ok(None),
    }
}

/// An authorization server's description of itself.
async fn server(requests: &Requests, issuer: &str) -> Result<AuthorizationServer, Failure> {
    let url: Url = issuer.parse().map_err(|_| incomplete("the URL of its authorization server can't be read"))?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err(incomplete("the URL of its authorization server has a query or a fragment"));
    }
    let path = url.path().trim_end_matches('/');
    let mut places = vec![
        at(&url, &format!("/.well-known/oauth-authorization-server{path}")),
        at(&url, &format!("/.well-known/openid-configuration{path}")),
    ];
    if !path.is_empty() {
        places.push(at(&url, &format!("{path}/.well-known/openid-configuration")));
    }
    for place in places {
        let Some(found) = requests.get::<AuthorizationServer>(&place).await? else { continue };
        // Some write a slash behind a bare origin, and some don't.
        if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(incomplete("the metadata of its authorization server is about another one"));
        }
        let endpoints =
            [Some(&found.authorization_endpoint), Some(&found.token_endpoint), found.registration_endpoint.as_ref()];
        endpoints.into_iter().flatten().try_for_each(|endpoint| requests.check(endpoint))?;
        if !found.code_challenge_methods_supported.iter().any(|method| method == "S256") {
            return Err(incomplete("its authorization server does not say that it supports PKCE with S256"));
        }
        return Ok(found);
    }
    Err(incomplete("its authorization server does not describe itself"))
}

/// Whether a resource is the upstream or what that is part of.
fn covers(resource: &str, upstream: &Url) -> bool {
    let Ok(resource) = resource.parse::<Url>() else { return false };
    let whole = resource.path().trim_end_matches('/');
    let rest = upstream.path().strip_prefix(whole);
    resource.origin() == upstream.origin()
        && resource.query().is_none_or(|query| Some(query) == upstream.query())
        && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What an upstream is called that does not say it itself. A query may hold a credential.
fn canonical(upstream: &Url) -> String {
    let path = upstream.path().trim_end_matches('/');
    format!("{}{path}", upstream.origin().ascii_serialization())
}

fn at(url: &Url, path: &str) -> Url {
    let mut url = url.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

fn incomplete(what: &str) -> Failure {
    Failure::Incomplete(format!("it can't be authorized at: {what}"))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_resource_covers_what_is_below_it_on_its_own_origin() {
        for (resource, upstream, expected) in [
            ("https://a.example/mcp", "https://a.example/mcp", true),
            ("https://a.example/mcp/", "https://a.example/mcp", true),
            ("https://A.example", "https://a.example/mcp", true),
            ("https://a.example/", "https://a.example/mcp/x?key=1", true),
            ("https://a.example/mcp?x=1", "https://a.example/mcp", false),
            ("https://a.example/m", "https://a.example/mcp", false),
            ("https://a.example/other", "https://a.example/mcp", false),
            ("https://b.example/mcp", "https://a.example/mcp", false),
            ("http://a.example/mcp", "https://a.example/mcp", false),
            ("https://a.example:444/mcp", "https://a.example/mcp", false),
            ("mcp", "https://a.example/mcp", false),
        ] {
            assert_eq!(covers(resource, &upstream.parse().expect(upstream)), expected, "{resource} {upstream}");
        }
    }
}
