//! A server with tools, resources, prompts and completion of its own: those that the official conformance suite of MCP
//! asks for. Nobody needs to sign in. It shows all that the library's API for such servers has.
//!
//! ```sh
//! cargo run --example conformance_server -- 127.0.0.1:7410
//! ```

mod asking;
mod forms;
mod prompts;
mod resources;
mod tools;

use sessile::config::Config;
use sessile::server::Server;
use std::time::Duration;

/// A red pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\x03\x01\x01\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7410".into());
    let directory = tempfile::tempdir()?;
    let mut options = Config::default().server;
    options.store.url = format!("sqlite:{}", directory.path().join("conformance.db").display());
    // Strangers are all there are.
    options.sessions.unauthenticated = Duration::from_secs(365 * 86_400);

    let server = Server::builder(options)
        .named("sessile-conformance", "Sessile's conformance server", env!("CARGO_PKG_VERSION"))
        .instructions("Each tool, resource and prompt is here for one scenario of the conformance suite.")
        .tools(tools::all())
        .tools(asking::all())
        .resources(resources::Shelf)
        .prompts(prompts::Scripts)
        .completions(prompts::Scripts)
        .build()?;
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("listening on http://{}/mcp", listener.local_addr()?);
    let interrupted = async {
        // Without signals it runs until it is killed.
        let _ = tokio::signal::ctrl_c().await;
    };
    server.run(listener, interrupted).await?;
    Ok(())
}
