//! The steps to a gateway, each on top of the one before.

use super::Findings;
use crate::auth::Token;
use crate::client::{CallError, DialError, Gateway, GatewayUrl};
use crate::upstream::{Destinations, Outbound};
use crate::wire::MODERN;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

/// How long one step on the network may take.
const STEP: Duration = Duration::from_secs(10);
/// How far clocks may be apart before tokens are judged wrongly, in seconds.
const SKEW: i64 = 60;

/// Goes as far as it gets.
pub(super) async fn run(findings: &mut Findings, url: &GatewayUrl, token: Option<&Token>, profile: Option<&str>) {
    if reach(findings, url).await.is_none() {
        return;
    }
    clock(findings, url).await;
    let Some(mut gateway) = upgrade(findings, url, token, profile).await else { return };
    if legacy(findings, &mut gateway).await.is_some() {
        sign_in(findings, &mut gateway, url, token, profile).await;
        tools(findings, &mut gateway).await;
    }
    gateway.caller.close().await;
    // An era is a connection's: the other one is spoken on another.
    if let Ok((mut gateway, _)) = Gateway::connect(url, token).await {
        modern(findings, &mut gateway).await;
        gateway.caller.close().await;
    }
}

/// Its name, its port, its certificate.
async fn reach(findings: &mut Findings, url: &GatewayUrl) -> Option<()> {
    let host = url.url().host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let port = url.url().port_or_known_default().unwrap_or(443);
    let start = Instant::now();
    let found = timeout(STEP, lookup_host((host.as_str(), port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(found)) => found.collect(),
        Ok(Err(error)) => {
            let advice = "look whether the name is spelt right, and whether this machine is online or in the VPN";
            findings.wrong("name", start.elapsed(), format!("{host:?} is not found: {error}"), advice);
            return None;
        }
        Err(_) => {
            findings.wrong(
                "name",
                start.elapsed(),
                "the name server does not answer",
                "look at the network's settings",
            );
            return None;
        }
    };
    let list: Vec<_> = addresses.iter().take(4).map(|address| address.ip().to_string()).collect();
    findings.ok("name", start.elapsed(), list.join(", "));
    let start = Instant::now();
    match timeout(STEP, TcpStream::connect(&*addresses)).await {
        Ok(Ok(socket)) => {
            let found = socket.peer_addr().map_or_else(|_| port.to_string(), |peer| peer.to_string());
            findings.ok("connect", start.elapsed(), found);
        }
        Ok(Err(error)) => {
            let advice = match error.kind() {
                std::io::ErrorKind::ConnectionRefused => {
                    "nothing listens there: is the gateway running, and on this port?"
                }
                _ => "look whether a firewall or a missing VPN is in the way",
            };
            findings.wrong("connect", start.elapsed(), format!("port {port}: {error}"), advice);
            return None;
        }
        Err(_) => {
            let found = format!("port {port} does not answer within {} s", STEP.as_secs());
            findings.wrong(
                "connect",
                start.elapsed(),
                found,
                "a firewall drops what is sent there, or the host is down",
            );
            return None;
        }
    }
    if url.url().scheme() != "wss" {
        return Some(());
    }
    let start = Instant::now();
    match Outbound::new(Destinations::Any).open(url.url()).await {
        Ok(_) => findings.ok("tls", start.elapsed(), "the certificate is good, with a connection of its own"),
        Err(error) => {
            let error = error.to_string();
            findings.wrong("tls", start.elapsed(), error.clone(), about_certificate(&error));
            return None;
        }
    }
    Some(())
}

fn about_certificate(error: &str) -> &'static str {
    let error = error.to_ascii_lowercase();
    let has = |word: &str| error.contains(word);
    if has("expired") || has("notvalidyet") || has("not valid yet") {
        "the certificate is renewed on the gateway's side; or this machine's clock is wrong"
    } else if has("unknownissuer") || has("unknown issuer") || has("self-signed") || has("selfsigned") {
        "its issuer is unknown here: put the issuer's certificate into this system's store, or name its file in SSL_CERT_FILE"
    } else if has("notvalidforname") || has("not valid for name") {
        "the certificate is another host's: use the name that it was made for"
    } else {
        "if no TLS is spoken on this port, use ws://"
    }
}

/// The clock of the other side, as any HTTP answer tells it.
async fn clock(findings: &mut Findings, url: &GatewayUrl) {
    let client =
        reqwest::Client::builder().timeout(STEP).no_proxy().redirect(reqwest::redirect::Policy::none()).build();
    let Ok(client) = client else { return };
    let Ok(answer) = client.get(url.http("/healthz")).send().await else { return };
    let date = answer.headers().get(http::header::DATE).and_then(|date| date.to_str().ok());
    let Some(theirs) = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) else { return };
    let apart = (crate::time::now() / 1000 - theirs.timestamp().as_second()).abs();
    if apart > SKEW {
        let found = format!("this machine's clock and the gateway's are {apart} s apart");
        findings.note("clock", found, "tokens are judged by the time: set the clock that is wrong");
    }
}

async fn upgrade(
    findings: &mut Findings,
    url: &GatewayUrl,
    token: Option<&Token>,
    profile: Option<&str>,
) -> Option<Gateway> {
    let start = Instant::now();
    let error = match Gateway::connect(url, token).await {
        Ok((gateway, _)) => {
            findings.ok("upgrade", start.elapsed(), "a WebSocket");
            return Some(gateway);
        }
        Err(error) => error,
    };
    let advice = match &error {
        DialError::Refused { status: 401 | 403, .. } if token.is_some() => sign_in_again(url, profile),
        DialError::Refused { status: 401 | 403, .. } => format!("sign in with `sessile login {url}`"),
        DialError::Refused { status: 429, .. } => "too much comes from here: wait a while".to_owned(),
        DialError::Refused { .. } => "the gateway, or what stands before it, is in trouble: look at its log".to_owned(),
        DialError::NotAGateway(_) => {
            "it speaks HTTP and no WebSocket: look at the path (/mcp), and whether a proxy before it passes upgrades on"
                .to_owned()
        }
        DialError::Unreachable(_) => {
            "it ended before it answered: look at its log, and at what stands before it".to_owned()
        }
    };
    findings.wrong("upgrade", start.elapsed(), error.to_string(), advice);
    None
}

fn sign_in_again(url: &GatewayUrl, profile: Option<&str>) -> String {
    let which = profile.map_or_else(|| url.to_string(), str::to_owned);
    format!("the key is good no more, or SESSILE_TOKEN is wrong; sign in again with `sessile login {which}`")
}

async fn legacy(findings: &mut Findings, gateway: &mut Gateway) -> Option<()> {
    let start = Instant::now();
    let answer = gateway.shake_hands().await;
    note(findings, "legacy", "initialize", start, answer, |result| {
        let server = &result["serverInfo"];
        let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
        format!("{} with {} {}", text(&result["protocolVersion"]), text(&server["name"]), text(&server["version"]))
    })
}

async fn modern(findings: &mut Findings, gateway: &mut Gateway) {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "sessile", "version": env!("CARGO_PKG_VERSION") },
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "_meta": meta }).to_string();
    let start = Instant::now();
    let answer = gateway.request("server/discover", &params).await;
    note(findings, "modern", "server/discover", start, answer, |_| MODERN.to_owned());
}

async fn sign_in(
    findings: &mut Findings,
    gateway: &mut Gateway,
    url: &GatewayUrl,
    token: Option<&Token>,
    profile: Option<&str>,
) {
    let start = Instant::now();
    let answer = gateway.call_tool("auth_whoami", "{}").await;
    let answer = answer.map_err(|error| error.to_string());
    match answer.and_then(|result| if result.failed { Err(result.text) } else { Ok(result.value()) }) {
        Ok(who) if who["signed_in"] == true => {
            let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
            let found = format!(
                "{} in {}, as {}",
                text(&who["user"]["email"]),
                text(&who["tenant"]["name"]),
                text(&who["role"])
            );
            findings.ok("sign-in", start.elapsed(), found);
        }
        Ok(_) if token.is_some() => {
            findings.wrong("sign-in", start.elapsed(), "the key signs nobody in", sign_in_again(url, profile));
        }
        Ok(_) => findings.note(
            "sign-in",
            "no key is shown, so nobody is signed in",
            format!("`sessile login {url}` signs in"),
        ),
        Err(error) => findings.note(
            "sign-in",
            format!("who is signed in can't be told: {error}"),
            "a gateway without the tool auth_whoami is fine",
        ),
    }
}

async fn tools(findings: &mut Findings, gateway: &mut Gateway) {
    let start = Instant::now();
    let answer = gateway.request("tools/list", "{}").await;
    note(findings, "tools", "tools/list", start, answer, |result| {
        let count = result["tools"].as_array().map_or(0, Vec::len);
        format!("{count}{}", if result["nextCursor"].is_string() { " and more" } else { "" })
    });
}

/// Notes what a request came to, in its own words where it has a result.
fn note(
    findings: &mut Findings,
    step: &'static str,
    method: &str,
    start: Instant,
    answer: Result<String, CallError>,
    tell: impl Fn(&Value) -> String,
) -> Option<()> {
    match answer {
        Ok(result) => {
            let result: Value = serde_json::from_str(&result).unwrap_or_default();
            findings.ok(step, start.elapsed(), tell(&result));
            Some(())
        }
        Err(error) => {
            let advice = "what answers there speaks a WebSocket, and MCP not as Sessile does: is it the right gateway?";
            findings.wrong(step, start.elapsed(), format!("{method}: {error}"), advice);
            None
        }
    }
}
