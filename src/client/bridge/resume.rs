//! The control messages of the WebSocket binding: what a client says and hears so that its session goes on.

use crate::auth::Token;
use crate::wire::{Object, Passing, notification};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What the methods of all control messages begin with.
pub(super) const CONTROL: &str = "dev.sessile/";

/// The JSON-RPC code for what went wrong at the gateway.
const INTERNAL: &str = "-32603";

/// What proves whose session is to go on. It is kept in memory alone.
pub(super) type Credential = Arc<Token>;

/// What became of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// None was asked for: this one is new.
    New,
    /// It goes on.
    Resumed,
    /// It is gone; this one is new, and the same user is signed in.
    SignedIn,
    /// It is gone, and nobody is signed in by it.
    Refused,
}

/// How a session begins or goes on.
#[derive(Debug)]
pub(super) struct Welcome {
    pub(super) outcome: Outcome,
    /// How many counted messages the gateway has got.
    pub(super) received: u64,
    pub(super) credential: Option<Credential>,
}

/// The request to resume, or for a session that can be.
pub(super) fn ask(credential: Option<&Token>, received: u64) -> Zeroizing<String> {
    let mut params = Zeroizing::new(String::from("{}"));
    if let Some(credential) = credential {
        // A token has nothing that JSON escapes but these, and then it is none of a gateway's.
        let text = credential.text().replace(['"', '\\'], "");
        *params = format!(r#"{{"credential":"{text}","received":{received}}}"#);
    }
    Zeroizing::new(format!(r#"{{"jsonrpc":"2.0","id":"resume","method":"dev.sessile/resume","params":{}}}"#, *params))
}

/// The answer to that; none inside when the gateway knows no sessions that can be resumed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn welcome(text: &str) -> Result<Option<Welcome>, String> {
    let passing = Passing::read(text)?;
    let response = passing.response.ok_or("it did not answer the request to resume first")?;
    if response.is_error {
        let error = Object::read(&text[response.payload]).unwrap_or_default();
        // Then nothing is decided, and the credential is as good as before.
        return if error.get("code") == Some(INTERNAL) {
            Err(error.text("message").unwrap_or_else(|| "it can't resume just now".into()))
        } else {
            Ok(None)
        };
    }
    let result = Object::read(&text[response.payload]).ok_or("its answer to the request to resume is no object")?;
    let outcome = match result.text("outcome").as_deref() {
        Some("new") => Outcome::New,
        Some("resumed") => Outcome::Resumed,
        Some("signed_in") => Outcome::SignedIn,
        // Whatever else there may be one day, the session does not go on.
        _ => Outcome::Refused,
    };
    let received = result.get("received").and_then(|count| count.parse().ok()).unwrap_or(0);
    Ok(Some(Welcome { outcome, received, credential: credential(&result) }))
}

/// The credential in the parameters of a control message.
pub(super) fn credential(params: &Object<'_>) -> Option<Credential> {
    let text = Zeroizing::new(params.text("credential")?);
    Token::new(&text).ok().map(Arc::new)
}

/// Acknowledges so many messages.
pub(super) fn received(count: u64) -> String {
    notification("dev.sessile/received", &format!(r#"{{"count":{count}}}"#))
}

#[cfg(test)]
mod tests {
    use super::{Outcome, ask, welcome};
    use crate::auth::Token;

    #[test]
    fn answers_are_read() {
        let answer = |result: &str| format!(r#"{{"jsonrpc":"2.0","id":"resume","result":{result}}}"#);
        for (result, outcome, received, signed_in) in [
            (r#"{"outcome":"new","session":"s","received":0,"waits_seconds":120}"#, Outcome::New, 0, false),
            (r#"{"outcome":"resumed","received":12,"credential":"ssr_a_b"}"#, Outcome::Resumed, 12, true),
            (r#"{"outcome":"signed_in","received":0,"credential":"ssr_a_b"}"#, Outcome::SignedIn, 0, true),
            (r#"{"outcome":"refused","received":0}"#, Outcome::Refused, 0, false),
        ] {
            let read = welcome(&answer(result)).expect("it can be read").expect("it is a welcome");
            assert_eq!((read.outcome, read.received), (outcome, received), "{result}");
            assert_eq!(read.credential.is_some(), signed_in, "{result}");
        }
        let error = r#"{"jsonrpc":"2.0","id":"resume","error":{"code":-32601,"message":"no"}}"#;
        assert!(welcome(error).expect("it can be read").is_none());
        let busy = r#"{"jsonrpc":"2.0","id":"resume","error":{"code":-32603,"message":"later"}}"#;
        assert_eq!(welcome(busy).expect_err("nothing is decided"), "later");
        assert!(welcome(r#"{"jsonrpc":"2.0","method":"notifications/x"}"#).is_err());
    }

    #[test]
    fn what_is_asked_is_json() {
        let token = Token::new("ssr_1_2").expect("it can be a token");
        assert!(ask(None, 0).ends_with(r#""params":{}}"#));
        assert!(ask(Some(&token), 7).ends_with(r#""params":{"credential":"ssr_1_2","received":7}}"#));
    }
}
