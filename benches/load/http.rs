//! The second part: `auth_whoami` over HTTP, in turns with an echo tool behind rmcp's own service.
//!
//! Keep-alive connections, one request at a time on each, in either era. Sessile's requests bring an access
//! token, which it has to look at each time; rmcp's bring none.

use super::client::Connection;
use super::contest::{self, Contest};
use super::generator::Generator;
use super::machine::Cores;
use super::options::Options;
use super::server::Server;
use super::template::Template;
use super::{Result, workload};
use serde_json::{Value, json};
use std::net::SocketAddr;

/// The least multiple of rmcp's calls a second that we promise.
const TARGET: f64 = 1.5;

pub(crate) const MODERN: &str = "2026-07-28";
const LEGACY: &str = "2025-11-25";

/// Measures each era, and prints a table.
pub(crate) fn measure(options: &Options, cores: &Cores) -> Result<()> {
    let (rmcp, sessile) = (Server::rmcp(cores)?, Server::sessile(cores)?);
    let token = sign_up(sessile.address())?;
    contest::print_head(&format!("Calls over HTTP, {} keep-alive connections", Options::CONNECTIONS), "rmcp", options);
    for era in [LEGACY, MODERN] {
        let mut contest = Contest {
            options,
            yardstick: Generator::http(&rmcp, Options::CONNECTIONS)?,
            sessile: Generator::http(&sessile, Options::CONNECTIONS)?,
        };
        let requests = [
            request(rmcp.address(), era, "echo", None)?,
            request(sessile.address(), era, "auth_whoami", Some(&token))?,
        ];
        let pair = contest.median_pair([&requests[0], &requests[1]], 1)?;
        contest::print_row("rmcp", &format!("echo, {era}"), 1, &pair.yardstick, "");
        contest::print_row("sessile", &format!("auth_whoami, {era}"), 1, &pair.sessile, &pair.against(Some(TARGET)));
    }
    println!();
    Ok(())
}

/// The request for a call in an era, with whatever that era has before it.
pub(crate) fn request(address: SocketAddr, era: &str, tool: &str, token: Option<&str>) -> Result<Template> {
    let mut params = json!({ "name": tool, "arguments": {} });
    let mut head = head(address, token);
    if era == MODERN {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": { "name": "load", "version": "1" },
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        head.push_str(&format!("Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n"));
    } else {
        let session = initialize(address, &head)?;
        head.push_str(&format!("Mcp-Session-Id: {session}\r\n"));
    }
    head.push_str(&format!("MCP-Protocol-Version: {era}\r\n"));
    Ok(Template::http(&head, &workload::message_text("tools/call", &params)))
}

fn initialize(address: SocketAddr, head: &str) -> Result<String> {
    let mut connection = Connection::http(address)?;
    let params = json!({
        "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": { "name": "load", "version": "1" },
    });
    let (session, _) = connection.exchange(head, &workload::message_text("initialize", &params))?;
    let session = session.ok_or("initialize was answered without a session id")?;
    let head = format!("{head}Mcp-Session-Id: {session}\r\nMCP-Protocol-Version: {LEGACY}\r\n");
    connection.exchange(&head, r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)?;
    Ok(session)
}

/// Signs the benchmark's user up, and gives an access token.
pub(crate) fn sign_up(address: SocketAddr) -> Result<String> {
    let mut person = workload::credentials();
    person["tenant_name"] = "Load".into();
    let text = workload::request("auth_sign_up", &person);
    let (_, answer) = Connection::http(address)?.exchange(&head(address, None), &text)?;
    let token = answer.pointer("/result/structuredContent/tokens/access_token").and_then(Value::as_str);
    Ok(token.ok_or_else(|| format!("auth_sign_up gave no token: {answer}"))?.to_owned())
}

fn head(address: SocketAddr, token: Option<&str>) -> String {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{authorization}"
    )
}
