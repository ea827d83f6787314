//! The upstream of the part on proxied calls: an MCP server that does as little as one can, in both eras, over
//! standard input and output or over HTTP.
//!
//! It reads no JSON: it looks for the id and for the word that names the tool, and its results are prepared.

use std::convert::Infallible;
use std::io::{BufRead as _, BufReader, Write as _};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use memchr::memmem::find;

use super::Result;
use super::echo::{end_with_input, listen};

/// How large a prepared result is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    Small,
    Large,
}

impl Size {
    /// Both.
    pub(crate) const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The tool that answers with such a result.
    pub(crate) fn tool(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// In the report.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Small => "200 B",
            Self::Large => "20 KB",
        }
    }

    /// The most processor time that Sessile may add to a call, in microseconds.
    pub(crate) fn target_micros(self) -> f64 {
        match self {
            Self::Small => 30.0,
            Self::Large => 60.0,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Self::Small => 200,
            Self::Large => 20_000,
        }
    }
}

/// Answers lines on standard input until that ends; what came together is answered together.
pub(crate) fn run_stdio() -> Result<()> {
    let results = Results::prepare();
    let mut input = BufReader::with_capacity(64 << 10, std::io::stdin());
    let mut output = std::io::stdout().lock();
    let (mut line, mut answers) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if results.answer(&line, &mut answers) {
            answers.push(b'\n');
        }
        if input.buffer().is_empty() {
            output.write_all(&answers)?;
            output.flush()?;
            answers.clear();
        }
    }
}

/// Answers over HTTP until standard input ends.
pub(crate) fn run_http() -> Result<()> {
    end_with_input();
    let results: &Results = Box::leak(Box::new(Results::prepare()));
    let serve = listen("upstream", move |stream| async move {
        let service = service_fn(|request| respond(results, request));
        let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve)
}

async fn respond(
    results: &Results,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, Infallible> {
    let mut answer = Vec::new();
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let is_answered = results.answer(&body, &mut answer);
    let mut response = Response::new(Full::new(answer.into()));
    if is_answered {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    } else {
        *response.status_mut() = StatusCode::ACCEPTED;
    }
    Ok(response)
}

/// What is answered, but for the id.
struct Results {
    small: String,
    large: String,
}

impl Results {
    fn prepare() -> Self {
        let of = |size: Size| {
            let head = r#"{"resultType":"complete","content":[{"type":"text","text":""#;
            let tail = r#""}]}"#;
            let words = "The quick brown fox jumps over the lazy dog, \\\"again\\\". ";
            let mut text = words.repeat(size.bytes() / words.len() + 1);
            // An escape is not cut in two: what is left of the last words are stops.
            let room = size.bytes() - head.len() - tail.len();
            text.truncate(room / words.len() * words.len());
            text.push_str(&".".repeat(room - text.len()));
            format!("{head}{text}{tail}")
        };
        Self { small: of(Size::Small), large: of(Size::Large) }
    }

    /// Appends the answer to a message; false when it wants none.
    fn answer(&self, message: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(id) = find(message, br#""id":"#).map(|at| at + 5) else { return false };
        let id = &message[id..];
        let id = &id[..id.iter().take_while(|byte| byte.is_ascii_digit()).count()];
        let has = |word: &[u8]| find(message, word).is_some();
        let result = match () {
            () if has(br#""name":"small""#) => &self.small,
            () if has(br#""name":"large""#) => &self.large,
            () if has(b"\"initialize\"") => INITIALIZED,
            () if has(b"\"server/discover\"") => DISCOVERED,
            () if has(b"\"tools/list\"") => TOOLS,
            () => r#"{"resultType":"complete"}"#,
        };
        for part in [br#"{"jsonrpc":"2.0","id":"#, id, br#","result":"#, result.as_bytes(), b"}"] {
            out.extend_from_slice(part);
        }
        true
    }
}

const INITIALIZED: &str =
    r#"{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"upstream","version":"1"}}"#;
const DISCOVERED: &str = r#"{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{}},"ttlMs":3600000,"cacheScope":"public"}"#;
const TOOLS: &str = r#"{"resultType":"complete","ttlMs":3600000,"cacheScope":"public","tools":[{"name":"small","inputSchema":{"type":"object"}},{"name":"large","inputSchema":{"type":"object"}}]}"#;
