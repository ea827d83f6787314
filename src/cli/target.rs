//! Which gateway a command is about, and as whom.

use super::failure::Failure;
use crate::auth::Token;
use crate::client::{Event, Gateway, GatewayUrl, credentials};
use clap::Args;
use tokio::sync::mpsc::Receiver;

/// Which gateway.
#[derive(Debug, Clone, Args)]
pub(super) struct Target {
    /// The gateway: a URL such as wss://gateway.example/mcp or 127.0.0.1:7400, or the name of a profile
    /// [default: the default profile]
    ///
    /// An API key or access token in the environment variable SESSILE_TOKEN is shown instead of a profile's.
    #[arg(value_name = "URL")]
    pub(super) url: Option<String>,
    #[command(flatten)]
    pub(super) who: Who,
}

/// As whom to go there, and how.
#[derive(Debug, Clone, Args)]
pub(super) struct Who {
    /// The profile whose key to show, where several are for one gateway
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Send keys and passwords where they can be read on the way: over ws:// to another machine
    #[arg(long)]
    pub(super) insecure: bool,
}

/// Where to go, and as whom.
pub(super) struct Destination {
    pub(super) url: GatewayUrl,
    pub(super) token: Option<Token>,
    insecure: bool,
}

impl Target {
    /// What is meant.
    ///
    /// # Errors
    /// What is wrong, and what to do about it, for people.
    pub(super) fn resolve(&self) -> Result<Destination, String> {
        self.who.at(self.url.as_deref())
    }
}

impl Who {
    /// Where to go, from what is typed.
    ///
    /// # Errors
    /// What is wrong, and what to do about it, for people.
    pub(super) fn at(&self, typed: Option<&str>) -> Result<Destination, String> {
        let (url, token) = credentials::token(typed, self.profile.as_deref(), self.insecure)?;
        Ok(Destination { url, token, insecure: self.insecure })
    }
}

impl Destination {
    /// Connects, and shakes hands.
    pub(super) async fn open(&self) -> Result<(Gateway, Receiver<Event>), Failure> {
        Gateway::open(&self.url, self.token.as_ref()).await.map_err(|error| Failure::open(&self.url, &error))
    }

    /// Whether a password may be sent there.
    pub(super) fn takes_secrets(&self) -> Result<(), Failure> {
        credentials::may_be_sent(&self.url, self.insecure).map_err(Failure::usage)
    }
}
