//! An upstream that wants a token, and the authorization server that gives it, in one.

use crate::support::http::request;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use sessile::upstream::{AuthorizationOptions, Definition, Reach, Template, UpstreamLimits};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::{Url, form_urlencoded};

/// It runs until it is dropped.
pub(in crate::gateway) struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    _task: JoinSet<()>,
}

pub(in crate::gateway) struct State {
    /// Whether people agree.
    pub(in crate::gateway) agrees: bool,
    /// How long a token is good, in seconds.
    pub(in crate::gateway) expires_in: u64,
    /// The tokens that are good.
    pub(in crate::gateway) good: Vec<String>,
    /// The names of its tools.
    pub(in crate::gateway) tools: Vec<&'static str>,
    /// What tools were called with.
    pub(in crate::gateway) used: Vec<String>,
    /// How often tokens were given for a code, and for another token.
    pub(in crate::gateway) exchanged: usize,
    pub(in crate::gateway) refreshed: usize,
    /// The challenges of codes that have not been exchanged.
    codes: HashMap<String, String>,
    given: usize,
}

impl Provider {
    pub(in crate::gateway) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let state = Arc::new(Mutex::new(State {
            agrees: true,
            expires_in: 3600,
            good: Vec::new(),
            tools: vec!["read"],
            used: Vec::new(),
            exchanged: 0,
            refreshed: 0,
            codes: HashMap::new(),
            given: 0,
        }));
        let (shared, mut task) = (Arc::clone(&state), JoinSet::new());
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                let service = service_fn(move |request| {
                    let state = Arc::clone(&state);
                    async move { Ok::<_, Infallible>(answer(&state, address, request).await) }
                });
                connections
                    .spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { address, state, _task: task }
    }

    pub(in crate::gateway) fn state(&self) -> parking_lot::MutexGuard<'_, State> {
        self.state.lock()
    }

    /// What a gateway is configured with to reach it.
    pub(in crate::gateway) fn definition(&self, per_tenant: bool) -> Definition {
        let url = Template::parse(&format!("http://{}/mcp", self.address)).expect("it is a URL");
        let authorization =
            AuthorizationOptions { per_tenant, client_id: None, client_secret: None, scopes: Vec::new() };
        Definition {
            limits: UpstreamLimits { call: Duration::from_secs(20), ..UpstreamLimits::default() },
            authorization: Some(authorization),
            ..Definition::new("notes", Reach::Http { url, headers: BTreeMap::new() })
        }
    }

    /// Goes where a person is sent, and on to where they are sent from there, which is the gateway; gives the page's status.
    pub(in crate::gateway) async fn visit(&self, url: &str, gateway: SocketAddr) -> u16 {
        let url: Url = url.parse().expect("it is a URL");
        assert_eq!(url.socket_addrs(|| None).expect("it has an address"), [self.address]);
        let line = format!("GET {}?{}", url.path(), url.query().expect("it has a query"));
        let sent_on = request(self.address, &line, &[]).await;
        assert_eq!(sent_on.status, 302);
        let back: Url = sent_on.header("location").expect("a place").parse().expect("it is a URL");
        assert_eq!(back.path(), "/oauth/callback");
        let line = format!("GET {}?{}", back.path(), back.query().expect("it has a query"));
        request(gateway, &line, &[]).await.status
    }
}

type Pairs = HashMap<String, String>;

async fn answer(state: &Mutex<State>, own: SocketAddr, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.expect("a body").to_bytes();
    let pairs: Pairs = match parts.uri.query() {
        Some(query) => form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        None => form_urlencoded::parse(&body).into_owned().collect(),
    };
    let url = format!("http://{own}");
    let mut state = state.lock();
    match parts.uri.path() {
        "/mcp" => state.mcp(&url, parts.method.as_str(), &parts.headers, &body),
        "/about" => reply(200, &json!({ "resource": format!("{url}/mcp"), "authorization_servers": [url] })),
        "/.well-known/oauth-authorization-server" => reply(
            200,
            &json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "registration_endpoint": format!("{url}/register"),
                "code_challenge_methods_supported": ["S256"],
            }),
        ),
        "/register" => reply(201, &json!({ "client_id": "gateway", "token_endpoint_auth_method": "none" })),
        "/authorize" => state.authorize(&pairs),
        "/token" => state.token(&pairs),
        _ => reply(404, &Value::Null),
    }
}

impl State {
    fn mcp(&mut self, url: &str, method: &str, headers: &HeaderMap, body: &[u8]) -> Response<Full<Bytes>> {
        let token = headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let Some(token) = token.filter(|token| self.good.iter().any(|good| good == token)) else {
            let mut response = reply(401, &Value::Null);
            let challenge = format!("Bearer resource_metadata=\"{url}/about\"");
            response.headers_mut().insert("www-authenticate", challenge.parse().expect("a value"));
            return response;
        };
        if method != "POST" {
            return reply(405, &Value::Null);
        }
        let message: Value = serde_json::from_slice(body).expect("it is JSON");
        let result = match message["method"].as_str().expect("a method") {
            "initialize" => json!({
                "protocolVersion": "2025-11-25",
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "notes", "version": "1" },
            }),
            "tools/list" => {
                let tool = |name: &&str| json!({ "name": name, "inputSchema": { "type": "object" } });
                json!({ "tools": self.tools.iter().map(tool).collect::<Vec<_>>() })
            }
            "tools/call" => {
                self.used.push(token.to_owned());
                json!({ "content": [{ "type": "text", "text": format!("read with {token}") }] })
            }
            _ if message.get("id").is_none() => return reply(202, &Value::Null),
            _ => {
                let error = json!({ "code": -32601, "message": "Method not found" });
                return reply(200, &json!({ "jsonrpc": "2.0", "id": message["id"], "error": error }));
            }
        };
        reply(200, &json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }))
    }

    /// Sends a person back.
    fn authorize(&mut self, asked: &Pairs) -> Response<Full<Bytes>> {
        assert_eq!((&*asked["client_id"], &*asked["code_challenge_method"]), ("gateway", "S256"));
        let mut back: Url = asked["redirect_uri"].parse().expect("it is a URL");
        back.query_pairs_mut().append_pair("state", &asked["state"]);
        if self.agrees {
            let code = format!("code-{}", self.codes.len());
            back.query_pairs_mut().append_pair("code", &code);
            self.codes.insert(code, asked["code_challenge"].clone());
        } else {
            back.query_pairs_mut().append_pair("error", "access_denied");
        }
        let mut response = reply(302, &Value::Null);
        response.headers_mut().insert("location", back.as_str().parse().expect("a value"));
        response
    }

    fn token(&mut self, asked: &Pairs) -> Response<Full<Bytes>> {
        if asked["grant_type"] == "authorization_code" {
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&asked["code_verifier"]));
            assert_eq!(self.codes.remove(&asked["code"]), Some(challenge));
            self.exchanged += 1;
        } else {
            assert!(asked["refresh_token"].starts_with("refresh-"));
            self.refreshed += 1;
        }
        self.given += 1;
        let number = self.given;
        self.good.push(format!("access-{number}"));
        reply(
            200,
            &json!({
                "access_token": format!("access-{number}"),
                "refresh_token": format!("refresh-{number}"),
                "token_type": "Bearer",
                "expires_in": self.expires_in,
            }),
        )
    }
}

fn reply(status: u16, body: &Value) -> Response<Full<Bytes>> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status.try_into().expect("a status");
    response.headers_mut().insert("content-type", "application/json".parse().expect("a value"));
    response
}
