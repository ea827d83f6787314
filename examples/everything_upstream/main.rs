//! An MCP server that has what the official conformance suite asks for, built on rmcp: somebody else's server, to be
//! put behind a gateway. It speaks on its standard input and output, or over Streamable HTTP, in both eras.
//!
//! ```sh
//! cargo run --example everything_upstream                                # stdio
//! cargo run --example everything_upstream -- --http 127.0.0.1:7411       # http://127.0.0.1:7411/mcp
//! cargo run --example everything_upstream -- --era legacy                # up to 2025-11-25 only
//! ```
//!
//! It needs no sign-in, and knows nothing of tenants.

// Sampling, roots and logging are on their way out of the protocol, and have to be served all the same.
#![allow(deprecated)]

mod asking;
#[path = "../conformance_server/forms.rs"]
mod forms;
mod prompts;
mod reporting;
mod resources;
mod server;
mod subscribers;
mod tasks;
mod tools;

use clap::{Parser, ValueEnum};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rmcp::ServiceExt;
use rmcp::transport::stdio_pipes;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use server::{Everything, Shared};
use std::convert::Infallible;
use std::io::Write as _;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

#[derive(Parser)]
struct Options {
    /// Where to serve Streamable HTTP; stdio unless given.
    #[arg(long, value_name = "ADDRESS")]
    http: Option<String>,
    /// Which revisions it speaks.
    #[arg(long, value_enum, default_value_t = Era::Both)]
    era: Era,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Era {
    /// Those with `initialize`, up to 2025-11-25.
    Legacy,
    /// 2026-07-28.
    Modern,
    Both,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let shared = Arc::new(Shared::new(options.era));
    match options.http {
        Some(address) => serve_http(&address, shared).await,
        None => {
            let running = Everything::new(shared).serve(stdio_pipes()).await?;
            running.waiting().await?;
            Ok(())
        }
    }
}

async fn serve_http(address: &str, shared: Arc<Shared>) -> Result<(), Box<dyn std::error::Error>> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    std::io::stdout().flush()?;
    let config =
        StreamableHttpServerConfig::default().with_allowed_origins(["http://localhost:*", "http://127.0.0.1:*"]);
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(Everything::new(shared.clone())), sessions, config);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let service = service.clone();
        tokio::spawn(async move {
            let answer = service_fn(|request| {
                let service = service.clone();
                async move { Ok::<_, Infallible>(service.handle(request).await) }
            });
            // A client that hangs up ends its own connection and nothing else.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}
