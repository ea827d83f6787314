//! Which gateway a command is about, and as whom.

use super::failure::{Failure, Kind};
use crate::auth::Token;
use crate::client::{Event, Gateway, GatewayUrl, credentials};
use clap::Args;
use tokio::sync::mpsc::Receiver;

/// Which gateway.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// The gateway: a URL such as wss://gateway.example/mcp or 127.0.0.1:7400, or the name of a profile
    ///
    /// An API key or access token in the environment variable SESSILE_TOKEN is shown instead of a profile's.
    #[arg(value_name = "URL")]
    url: String,
    /// The profile to sign in with, where several are for one gateway
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

/// Where to go, and as whom.
pub(super) struct Destination {
    pub(super) url: GatewayUrl,
    pub(super) token: Option<Token>,
}

impl Target {
    /// What is meant.
    pub(super) fn resolve(&self) -> Result<Destination, Failure> {
        let found = credentials::token(Some(&self.url), self.profile.as_deref());
        let (url, token) = found.map_err(|why| Failure::new(Kind::Usage, why))?;
        Ok(Destination { url, token })
    }
}

impl Destination {
    /// Connects, and shakes hands.
    pub(super) async fn open(&self) -> Result<(Gateway, Receiver<Event>), Failure> {
        if self.token.is_some() && self.url.is_exposed() {
            let why = format!("{} is not encrypted, and the token would be sent in the clear; use wss://", self.url);
            return Err(Failure::new(Kind::Usage, why));
        }
        Gateway::open(&self.url, self.token.as_ref()).await.map_err(|error| Failure::open(&self.url, &error))
    }
}
