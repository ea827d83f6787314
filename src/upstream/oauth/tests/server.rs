//! An upstream and its authorization server in one, and where tokens are kept.

use crate::upstream::oauth::{Applicant, TokenStore};
use crate::upstream::outbound::{Destinations, Outbound, read};
use crate::upstream::test_server::{Body, TestServer, reply, status};
use crate::upstream::{AuthorizationOptions, Failure};
use futures_util::future::BoxFuture;
use http::Response;
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// What a request had in its form, its header, or its body.
type Form = HashMap<String, String>;

pub(super) struct Settings {
    pub(super) metadata: bool,
    pub(super) resource: &'static str,
    /// The path of the issuer.
    pub(super) issuer: &'static str,
    /// Whom it says it is, if it is not itself.
    pub(super) says: Option<&'static str>,
    pub(super) pkce: bool,
    pub(super) names_itself: bool,
    /// Whether clients can register; it reads documents about them otherwise.
    pub(super) registers: bool,
    pub(super) methods: Option<&'static str>,
    pub(super) token_endpoint: &'static str,
    pub(super) token_type: &'static str,
    pub(super) expires_in: u64,
    pub(super) refresh: bool,
    pub(super) refuse: bool,
    pub(super) broken: bool,
    given: usize,
}

pub(super) struct Fake {
    pub(super) settings: Arc<Mutex<Settings>>,
    pub(super) requests: Arc<Mutex<Vec<(String, Form)>>>,
    server: TestServer,
}

impl Fake {
    pub(super) async fn start(set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings {
            metadata: true,
            resource: "/mcp",
            issuer: "",
            says: None,
            pkce: true,
            names_itself: false,
            registers: true,
            methods: None,
            token_endpoint: "/token",
            token_type: "Bearer",
            expires_in: 3600,
            refresh: true,
            refuse: false,
            broken: false,
            given: 0,
        };
        set(&mut settings);
        let (settings, requests) = (Arc::new(Mutex::new(settings)), Arc::new(Mutex::new(Vec::new())));
        let (shared, noted) = (Arc::clone(&settings), Arc::clone(&requests));
        let server = TestServer::start(move |request| {
            let (settings, requests) = (Arc::clone(&shared), Arc::clone(&noted));
            async move {
                let (parts, body) = request.into_parts();
                let body = read(body, 10_000).await.expect("a body");
                let mut form: Form = form_urlencoded::parse(&body).into_owned().collect();
                form.insert("body".to_owned(), String::from_utf8_lossy(&body).into_owned());
                let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
                form.extend(header("authorization").map(|value| ("authorization".to_owned(), value)));
                requests.lock().push((parts.uri.path().to_owned(), form));
                settings.lock().answer(parts.uri.path(), &format!("http://{}", header("host").expect("a host")))
            }
        })
        .await;
        Self { settings, requests, server }
    }

    pub(super) fn url(&self, path: &str) -> Url {
        self.server.url(path)
    }

    /// The paths that were asked for and not taken.
    pub(super) fn paths(&self) -> Vec<String> {
        self.requests.lock().iter().map(|(path, _)| path.clone()).collect()
    }

    /// Takes the last request for a path.
    pub(super) fn taken(&self, path: &str) -> Form {
        let mut requests = self.requests.lock();
        let at = requests.iter().rposition(|(asked, _)| asked == path).expect(path);
        requests.remove(at).1
    }

    /// What a person comes back with who was sent there.
    pub(super) fn callback(&self, visited: &Url) -> String {
        let asked = query_of(visited);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("code", "the-code").append_pair("state", &asked["state"]);
        if self.settings.lock().names_itself {
            query.append_pair("iss", self.issuer().as_str());
        }
        query.finish()
    }

    pub(super) fn issuer(&self) -> String {
        format!("http://{}{}", self.server.address, self.settings.lock().issuer)
    }
}

impl Settings {
    fn answer(&mut self, path: &str, own: &str) -> Response<Body> {
        let json = |value: serde_json::Value| reply(200, &[("content-type", "application/json")], value.to_string());
        let issuer = format!("{own}{}", self.issuer);
        let about_server = match self.issuer {
            "" => "/.well-known/oauth-authorization-server".to_owned(),
            path => format!("{path}/.well-known/openid-configuration"),
        };
        match path {
            "/.well-known/oauth-protected-resource/mcp" | "/metadata" if self.metadata => {
                let resource =
                    if self.resource.starts_with('/') { own.to_owned() + self.resource } else { self.resource.into() };
                json(json!({ "resource": resource, "authorization_servers": [issuer], "scopes_supported": ["all"] }))
            }
            path if path == about_server => json(json!({
                "issuer": self.says.map_or(issuer, str::to_owned),
                "authorization_endpoint": format!("{own}/authorize"),
                "token_endpoint": if self.token_endpoint.starts_with('/') { format!("{own}{}", self.token_endpoint) } else { self.token_endpoint.into() },
                "registration_endpoint": self.registers.then(|| format!("{own}/register")),
                "client_id_metadata_document_supported": true,
                "scopes_supported": ["all", "offline_access"],
                "code_challenge_methods_supported": if self.pkce { vec!["plain", "S256"] } else { Vec::new() },
                "authorization_response_iss_parameter_supported": self.names_itself,
                "token_endpoint_auth_methods_supported": self.methods.map(|method| vec!["other", method]),
            })),
            "/register" => json(json!({ "client_id": "registered-1", "token_endpoint_auth_method": "none" })),
            "/token" if self.broken => status(503),
            "/token" if self.refuse => reply(
                400,
                &[("content-type", "application/json")],
                r#"{"error":"invalid_grant","error_description":"<secret>"}"#,
            ),
            "/token" => {
                self.given += 1;
                let mut given = json!({
                    "access_token": format!("access-{}", self.given),
                    "token_type": self.token_type,
                    "expires_in": self.expires_in,
                });
                if self.refresh {
                    given["refresh_token"] = format!("refresh-{}", self.given).into();
                }
                json(given)
            }
            _ => status(404),
        }
    }
}

/// Where tokens are kept.
#[derive(Default)]
pub(super) struct Kept(Mutex<Option<String>>);

impl Kept {
    pub(super) fn text(&self) -> Option<String> {
        self.0.lock().clone()
    }
}

impl TokenStore for Kept {
    fn load(&self) -> BoxFuture<'_, Result<Option<Zeroizing<String>>, Failure>> {
        Box::pin(async { Ok(self.text().map(Zeroizing::new)) })
    }

    fn save<'a>(&'a self, tokens: &'a str) -> BoxFuture<'a, Result<(), Failure>> {
        *self.0.lock() = Some(tokens.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn remove(&self) -> BoxFuture<'_, Result<(), Failure>> {
        *self.0.lock() = None;
        Box::pin(async { Ok(()) })
    }
}

pub(super) fn applicant(fake: &Fake, store: &Arc<Kept>) -> Applicant {
    Applicant {
        owner: "tenant/user/upstream".to_owned(),
        upstream: fake.url("/mcp"),
        options: settings(None, &[]),
        client_secret: None,
        outbound: Outbound::new(Destinations::Any),
        store: Arc::clone(store) as Arc<dyn TokenStore>,
    }
}

pub(super) fn settings(client_id: Option<&str>, scopes: &[&str]) -> AuthorizationOptions {
    AuthorizationOptions {
        per_tenant: false,
        client_id: client_id.map(str::to_owned),
        client_secret: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}

pub(super) fn query_of(url: &Url) -> Form {
    url.query_pairs().into_owned().collect()
}
