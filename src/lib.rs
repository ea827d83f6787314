//! Sessile: a multi-tenant MCP server whose sessions stay attached to their connection.
//!
//! A client opens one WebSocket and signs in once, by calling a tool. From then on every call on
//! that connection knows its tenant, its user and its role. Clients that speak HTTP use the same
//! endpoint and send an access token or an API key with each request. No tool takes a token or a
//! tenant as an argument, so a model can neither forget one nor make one up. The built-in tools are
//! a small CRM.
//!
//! Most people run the `sessile` binary; its README says how. As a library, the crate starts the
//! same server within another program:
//!
//! ```
//! use futures_util::{SinkExt, StreamExt};
//! use sessile::{config::Config, server::Server};
//! use tokio_tungstenite::{connect_async, tungstenite::Message};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #     tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve())
//! # }
//! # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let mut options = Config::default().server;
//! options.store.url = format!("sqlite:{}", directory.path().join("sessile.db").display());
//!
//! // Whoever starts a server binds its socket and decides when it stops.
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let address = listener.local_addr()?;
//! let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
//! let shutdown = async { stopped.await.unwrap_or_default() };
//! let running = tokio::spawn(Server::new(options)?.run(listener, shutdown));
//!
//! // No handshake is needed: a call may be the first thing that is sent.
//! let (mut socket, _) = connect_async(format!("ws://{address}/mcp")).await?;
//! let call = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"auth_whoami"}}"#;
//! socket.send(Message::text(call)).await?;
//! let answer = socket.next().await.ok_or("the server closed")??;
//! assert!(answer.to_text()?.contains("Nobody is signed in on this connection."));
//!
//! // Calls in flight are finished, sockets are closed with 1001, and `run` returns.
//! let _ = stop.send(());
//! running.await??;
//! # Ok(())
//! # }
//! ```
//!
//! [`server::Server::with_tools`] serves other [`tools::Tool`]s, or more of them. [`server::Server::builder`] makes a
//! server that is no CRM at all: of tools, resources, prompts and completions of one's own.
//!
//! ```
//! use serde_json::json;
//! use sessile::server::Server;
//! use sessile::tools::{Access, Output, Question, Tool};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let directory = tempfile::tempdir()?;
//! # let mut options = sessile::config::Config::default().server;
//! # options.store.url = format!("sqlite:{}", directory.path().join("sessile.db").display());
//! let greet = Tool::raw("greet", Access::Anyone, json!({ "type": "object" }), |context, _| async move {
//!     // A legacy client is asked while the call runs; a modern one makes its call again with the answer.
//!     let form = json!({ "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] });
//!     let answer = context.ask("name", Question::form("What is your name?", &form)).await?;
//!     Ok(Output::text(format!("Hello, {}!", answer["content"]["name"].as_str().unwrap_or("stranger"))))
//! });
//! let server = Server::builder(options)
//!     .named("greeter", "The greeter", "1.0.0")
//!     .tools([greet.described("Greet", "Asks for a name and greets.")])
//!     .build()?;
//! # drop(server);
//! # Ok(())
//! # }
//! ```
//!
//! `examples/conformance_server` has one of everything. What else is public:
//!
//! * [`config`] reads a file, the environment and flags into a [`config::Config`], whose `server` is what a server
//!   takes; [`server::ServerOptions`] can be written down as well.
//! * [`tools`] has what can be served: [`tools::Tool`], the providers [`tools::Resources`], [`tools::Prompts`] and
//!   [`tools::Completions`], and what a call is given: [`tools::Context`], which asks clients and tells them of changes.
//! * [`tenancy`] has who is signed in and what they may touch, [`error::Error`] what can go wrong.
//! * [`auth`], [`session`], [`mcp`], [`store`] and [`wire`] are the parts below; a program that starts a server rarely
//!   needs them. [`cli`] is the whole `sessile` command.
//!
//! What belongs where, and which promises hold everywhere, is told in `ARCHITECTURE.md`; what travels on the wire, in
//! `docs/websocket-binding.md` and `docs/http.md`.

mod address;
mod admin;
mod amount;
pub mod auth;
pub mod cli;
mod client;
pub mod config;
mod demo;
pub mod error;
pub mod mcp;
pub mod observe;
mod repository;
pub mod server;
pub mod session;
pub mod store;
pub mod tenancy;
mod time;
pub mod tools;
mod transport;
pub mod upstream;
pub mod wire;
