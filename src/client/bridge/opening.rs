//! From nothing to a connection with a session on it.

use super::resume::{self, Credential, Outcome, Welcome};
use crate::auth::Token;
use crate::client::{Closed, DialError, GatewayUrl, Socket, dial};
use futures_util::{SinkExt as _, StreamExt as _};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// How long the first answer on a connection may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection, and the session on it; none where the gateway knows no sessions that go on.
pub(super) struct Opened {
    pub(super) socket: Socket,
    pub(super) welcome: Option<Welcome>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum NotOpened {
    /// There is no connection.
    Dial(DialError),
    /// The gateway closed it before it answered.
    Closed(Closed),
    /// It broke, or what came is not what should have.
    Broken(String),
}

/// Connects, and asks for the session that the credential is for, or for one that can be resumed.
///
/// # Errors
/// Why there is no connection. A token that is refused is one only if the session does not go on without it: what a
/// session was opened with may have ended before the session.
pub(super) async fn open(
    url: Arc<GatewayUrl>,
    token: Option<Arc<Token>>,
    credential: Option<Credential>,
    received: u64,
) -> Result<Opened, NotOpened> {
    let refused = match dial(&url, token.as_deref()).await {
        Ok(socket) => return greet(socket, credential.as_deref(), received).await,
        Err(error) if error.is_about_the_token() && token.is_some() => error,
        Err(error) => return Err(NotOpened::Dial(error)),
    };
    if credential.is_none() {
        return Err(NotOpened::Dial(refused));
    }
    let socket = dial(&url, None).await.map_err(NotOpened::Dial)?;
    let opened = greet(socket, credential.as_deref(), received).await?;
    match opened.welcome {
        Some(Welcome { outcome: Outcome::Resumed | Outcome::SignedIn, .. }) => Ok(opened),
        _ => Err(NotOpened::Dial(refused)),
    }
}

async fn greet(mut socket: Socket, credential: Option<&Token>, received: u64) -> Result<Opened, NotOpened> {
    let broken = |why: &dyn std::fmt::Display| NotOpened::Broken(why.to_string());
    let exchange = async {
        let ask = resume::ask(credential, received);
        socket.send(Message::text(&**ask)).await.map_err(|error| broken(&error))?;
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => return resume::welcome(&text).map_err(NotOpened::Broken),
                Some(Ok(Message::Close(Some(frame)))) => {
                    let (code, reason) = (frame.code.into(), frame.reason.to_string());
                    return Err(NotOpened::Closed(Closed { code, reason }));
                }
                Some(Ok(Message::Close(None))) | None => return Err(broken(&"it closed the connection")),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(broken(&error)),
            }
        }
    };
    match timeout(PATIENCE, exchange).await {
        Ok(welcome) => welcome.map(|welcome| Opened { socket, welcome }),
        Err(_) => Err(broken(&format!("it did not answer within {} s", PATIENCE.as_secs()))),
    }
}
