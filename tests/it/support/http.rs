//! HTTP as bytes: what a request line, headers and a body are answered with.

use super::soon;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// What comes with every request to open a WebSocket.
const UPGRADE: [(&str, &str); 4] = [
    ("Connection", "keep-alive, Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// A response, with the connection on which it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) stream: TcpStream,
}

impl Response {
    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// All of it, but for when it was made.
    pub(crate) fn shown(&self) -> String {
        let headers: Vec<_> = self.headers.iter().filter(|(name, _)| name != "date").collect();
        format!("{} {headers:?} {}", self.status, self.body)
    }

    /// The body, which has to be JSON.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Makes a request on a connection of its own.
pub(crate) async fn request(address: SocketAddr, line: &str, headers: &[(&str, &str)]) -> Response {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    request_on(stream, line, headers).await
}

/// Makes a request with a body on a connection of its own.
pub(crate) async fn send(address: SocketAddr, line: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let stream = TcpStream::connect(address).await.expect("the server listens");
    let length = body.len().to_string();
    let headers: Vec<_> = [("Content-Length", &*length)].into_iter().chain(headers.iter().copied()).collect();
    exchange(stream, line, &headers, body).await
}

/// Makes a request.
pub(crate) async fn request_on(stream: TcpStream, line: &str, headers: &[(&str, &str)]) -> Response {
    exchange(stream, line, headers, "").await
}

async fn exchange(mut stream: TcpStream, line: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let host = stream.peer_addr().expect("it is connected").to_string();
    let host = headers.iter().find(|(name, _)| *name == "Host").map_or(host.as_str(), |(_, value)| value);
    let mut text = format!("{line} HTTP/1.1\r\nHost: {host}\r\n");
    for (name, value) in headers.iter().filter(|(name, _)| *name != "Host") {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str("\r\n");
    text.push_str(body);
    stream.write_all(text.as_bytes()).await.expect("the connection is open");
    soon("a response", response(stream, line.starts_with("HEAD"))).await
}

/// Asks for an upgrade, with these headers besides the usual ones or in place of them; an empty value
/// leaves one out.
pub(crate) async fn upgrade(address: SocketAddr, headers: &[(&str, &str)]) -> Response {
    let usual = UPGRADE.into_iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name));
    let all: Vec<_> = usual.chain(headers.iter().copied()).filter(|(_, value)| !value.is_empty()).collect();
    request(address, "GET /mcp", &all).await
}

async fn response(stream: TcpStream, head_only: bool) -> Response {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).await.expect("the connection is open");
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let status = lines.first().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let status = status.unwrap_or_else(|| panic!("this is no response: {lines:?}"));
    let header = |line: &String| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: Vec<_> = lines.iter().skip(1).filter_map(header).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.filter(|_| !head_only).unwrap_or_default()];
    reader.read_exact(&mut body).await.expect("the body is as long as it says");
    let body = String::from_utf8(body).expect("the body is text");
    Response { status, headers, body, stream: reader.into_inner() }
}
