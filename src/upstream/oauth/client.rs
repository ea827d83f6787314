//! What the gateway is to an authorization server: a client that was made known to it, or that makes itself known.

use super::discovery::AuthorizationServer;
use super::request::Requests;
use crate::upstream::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt;
use url::form_urlencoded::{Serializer, byte_serialize};
use zeroize::Zeroizing;

/// A client, as an authorization server knows it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: Option<Zeroizing<String>>,
    pub(super) method: Method,
}

/// How it shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Method {
    #[serde(rename = "none")]
    None,
    #[serde(rename = "client_secret_basic")]
    Basic,
    #[serde(rename = "client_secret_post")]
    Post,
}

impl Client {
    /// One that was made known beforehand.
    pub(super) fn known(id: String, secret: Option<Zeroizing<String>>, server: &AuthorizationServer) -> Self {
        let method = match &secret {
            None => Method::None,
            Some(_) => method(server, &[Method::Basic, Method::Post]),
        };
        Self { id, secret, method }
    }

    /// One whose id is the URL of a document about it.
    pub(super) fn described(document: &str) -> Self {
        Self { id: document.to_owned(), secret: None, method: Method::None }
    }

    /// Makes itself known (RFC 7591).
    pub(super) async fn register(
        requests: &Requests,
        server: &AuthorizationServer,
        redirect: &str,
    ) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Registered {
            client_id: String,
            client_secret: Option<Zeroizing<String>>,
            token_endpoint_auth_method: Option<Method>,
        }
        let refused = |why: &dyn fmt::Display| {
            let what = "it can't be authorized at: its authorization server does not let the gateway register itself";
            Failure::Incomplete(format!("{what} ({why}); give a client_id that it knows"))
        };
        let endpoint = server.registration_endpoint.as_ref().ok_or_else(|| refused(&"it has no registration"))?;
        let method = method(server, &[Method::None, Method::Basic, Method::Post]);
        let metadata = metadata(redirect, method);
        let answer = requests.post::<Registered>(endpoint, metadata.to_string()).await?;
        let Registered { client_id, client_secret, token_endpoint_auth_method } =
            answer.map_err(|why| refused(&why))?;
        let method = match &client_secret {
            None => Method::None,
            Some(_) => token_endpoint_auth_method.unwrap_or(method),
        };
        Ok(Self { id: client_id, secret: client_secret, method })
    }

    /// Finishes a form for the token endpoint: who sends it is in it, or in a header.
    pub(super) fn sign(&self, mut form: Serializer<'_, String>) -> (Zeroizing<String>, Option<HeaderValue>) {
        let secret = self.secret.as_deref().map(String::as_str).unwrap_or_default();
        match self.method {
            Method::Basic => {
                let coded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = Zeroizing::new(format!("{}:{}", coded(&self.id), coded(secret)));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                let mut value = HeaderValue::from_str(&value).expect("base64 is plain");
                value.set_sensitive(true);
                (form.finish().into(), Some(value))
            }
            Method::Post => {
                form.append_pair("client_id", &self.id).append_pair("client_secret", secret);
                (form.finish().into(), None)
            }
            Method::None => {
                form.append_pair("client_id", &self.id);
                (form.finish().into(), None)
            }
        }
    }
}

/// What the gateway says of itself.
pub(super) fn metadata(redirect: &str, method: Method) -> Value {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    json!({
        "client_name": "Sessile",
        "redirect_uris": [redirect],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method,
        "application_type": if local.iter().any(|local| redirect.starts_with(local)) { "native" } else { "web" },
    })
}

/// The first of these that a server takes. One that says nothing takes what the standard has as its default.
fn method(server: &AuthorizationServer, wanted: &[Method]) -> Method {
    let Some(taken) = &server.token_endpoint_auth_methods_supported else {
        return if wanted[0] == Method::None { Method::None } else { Method::Basic };
    };
    let name = |method: &Method| match method {
        Method::None => "none",
        Method::Basic => "client_secret_basic",
        Method::Post => "client_secret_post",
    };
    wanted.iter().find(|method| taken.iter().any(|taken| taken == name(method))).copied().unwrap_or(wanted[0])
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).field("method", &self.method).finish_non_exhaustive()
    }
}
