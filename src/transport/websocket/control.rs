//! Control messages: what client and server say about the connection itself, beside MCP.

use crate::auth::Issued;
use crate::error::Error;
use crate::time;
use crate::wire::{self, Answer, Era, ErrorCode, Incoming, RequestId, WireError, notification};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// What the methods of all of them begin with.
const PREFIX: &str = "dev.sessile/";
const RESUME: &str = "dev.sessile/resume";
const CREDENTIAL: &str = "dev.sessile/credential";
const RECEIVED: &str = "dev.sessile/received";

/// A control message of a client's.
pub(super) enum Control {
    /// It wants to resume a session, or that this one can be resumed.
    Resume(RequestId, Result<Wish, WireError>),
    /// It has got so many messages.
    Received(u64),
    /// A request that the server does not know.
    Unknown(RequestId, String),
    /// Anything else, which says nothing to the server.
    Nothing,
}

/// What a client asks for.
#[derive(Deserialize)]
pub(super) struct Wish {
    /// What resumes its session, if it has one.
    #[serde(default)]
    pub(super) credential: Option<Zeroizing<String>>,
    /// How many messages of that session it has got.
    #[serde(default)]
    pub(super) received: Option<u64>,
}

#[derive(Deserialize)]
struct Received {
    count: u64,
}

/// What became of a session.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It is a new one, as was asked for.
    New,
    /// It goes on.
    Resumed,
    /// It is gone; the new one is signed in as it was.
    SignedIn,
    /// What was sent resumes nothing.
    Refused,
}

/// The answer to a client that wants to resume.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    pub(super) outcome: Outcome,
    pub(super) session: uuid::Uuid,
    pub(super) received: u64,
    pub(super) waits_seconds: u64,
    #[serde(flatten)]
    pub(super) credential: Option<Credential<'a>>,
}

/// What resumes a session from now on.
#[derive(Serialize)]
pub(super) struct Credential<'a> {
    credential: &'a str,
    expires_at: String,
}

impl Control {
    /// Reads a message, if it is a control message.
    pub(super) fn read(text: &str) -> Option<Self> {
        // Only the slash may be written in two ways.
        if !text.contains("dev.sessile") {
            return None;
        }
        match wire::parse(text) {
            Ok(Incoming::Request(request)) if request.method.starts_with(PREFIX) => {
                if &*request.method != RESUME {
                    return Some(Self::Unknown(request.id, request.method.to_string()));
                }
                let params = request.params.map_or("{}", |raw| raw.get());
                Some(Self::Resume(request.id, Wish::read(params)))
            }
            Ok(Incoming::Notification { method, params }) if method.starts_with(PREFIX) => {
                let received = params.and_then(|raw| serde_json::from_str::<Received>(raw.get()).ok());
                let count = received.filter(|_| &*method == RECEIVED);
                Some(count.map_or(Self::Nothing, |received| Self::Received(received.count)))
            }
            _ => None,
        }
    }
}

impl Wish {
    fn read(params: &str) -> Result<Self, WireError> {
        let wish: Self = serde_json::from_str(params).map_err(|_| {
            // What is wrong is not repeated: it may hold the credential.
            WireError::invalid_params(r#"Invalid params: "credential" is a string and "received" a whole number"#)
        })?;
        if wish.credential.is_some() && wish.received.is_none() {
            return Err(WireError::invalid_params(
                r#"Invalid params: "received" is missing: how many messages of the session have come"#,
            ));
        }
        Ok(wish)
    }
}

impl<'a> Credential<'a> {
    pub(super) fn of(issued: &'a Issued) -> Self {
        Self { credential: issued.text(), expires_at: time::text(issued.expires_at()) }
    }
}

impl Told<'_> {
    /// The answer's text.
    pub(super) fn to(&self, id: &RequestId) -> String {
        let members = serde_json::to_string(self).unwrap_or_default();
        let members = members.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default();
        Answer::to(id, Era::Legacy).members(members).text
    }
}

/// Tells a client what resumes its session from now on, or that nothing does.
pub(super) fn credential(issued: Option<&Issued>) -> String {
    let params = match issued {
        Some(issued) => serde_json::to_string(&Credential::of(issued)).unwrap_or_default(),
        None => r#"{"credential":null}"#.to_owned(),
    };
    notification(CREDENTIAL, &params)
}

/// Tells a client how many of its messages have come.
pub(super) fn received(count: u64) -> String {
    notification(RECEIVED, &format!(r#"{{"count":{count}}}"#))
}

/// The answer to a request to resume that is not the first message.
pub(super) fn not_first(id: &RequestId) -> String {
    Answer::to(id, Era::Legacy).error(&WireError::new(ErrorCode::InvalidRequest, wire::RESUME_FIRST)).text
}

/// The answer to a control request that is none.
pub(super) fn unknown(id: &RequestId, method: &str) -> String {
    let error = WireError::new(ErrorCode::MethodNotFound, format!("Method not found: {method}"));
    Answer::to(id, Era::Legacy).error(&error).text
}

/// The answer to a request to resume that failed, and may be made again.
pub(super) fn failed(id: &RequestId, error: &Error) -> String {
    Answer::to(id, Era::Legacy).error(&WireError::failed(error)).text
}

/// The answer to a request to resume whose parameters do not fit.
pub(super) fn unfit(id: &RequestId, error: &WireError) -> String {
    Answer::to(id, Era::Legacy).error(error).text
}
