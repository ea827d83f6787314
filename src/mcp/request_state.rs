//! What a modern client carries from one round of a request to the next.
//!
//! The client can read it and must not change it: a keyed digest covers it, together with whose request it is of and
//! what that asked for. So nobody can answer for another, or have an answer count for another request. It is good for a
//! while, and for this process.

use crate::error::{Error, Result};
use crate::tenancy::Principal;
use crate::tools::Answers;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How long a client may take over one round, in milliseconds.
const ROUND: i64 = 10 * 60 * 1000;

/// Makes request states, and knows its own again.
pub(super) struct Sealer {
    key: Hmac<Sha256>,
}

/// Which request a state belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Belonging([u8; 32]);

/// What a state holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// What the client was asked in earlier rounds and has answered.
    pub(super) answers: Answers,
    /// What the call keeps for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    until: i64,
    #[serde(flatten)]
    state: State,
}

impl Sealer {
    /// A sealer with a key of its own.
    pub(super) fn new() -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::internal("making a key", error))?;
        let key = Hmac::new_from_slice(&key).map_err(|error| Error::internal("making a key", error))?;
        Ok(Self { key })
    }

    /// A state that goes to the client.
    pub(super) fn seal(&self, state: State, of: &Belonging, now: i64) -> Result<String> {
        let sealed = Sealed { until: now + ROUND, state };
        let payload = serde_json::to_vec(&sealed).map_err(|error| Error::internal("writing a request state", error))?;
        let tag = self.digest(&payload, of).finalize().into_bytes();
        Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(payload), URL_SAFE_NO_PAD.encode(tag)))
    }

    /// What a state from a client holds; none when it is not one of this sealer's for this request, or too old.
    pub(super) fn open(&self, text: &str, of: &Belonging, now: i64) -> Option<State> {
        let (payload, tag) = text.split_once('.')?;
        let (payload, tag) = (URL_SAFE_NO_PAD.decode(payload).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
        self.digest(&payload, of).verify_slice(&tag).ok()?;
        let Sealed { until, state } = serde_json::from_slice(&payload).ok()?;
        (now < until).then_some(state)
    }

    fn digest(&self, payload: &[u8], of: &Belonging) -> Hmac<Sha256> {
        self.key.clone().chain_update(of.0).chain_update(payload)
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").finish_non_exhaustive()
    }
}

impl Belonging {
    /// The request of somebody, or nobody, for this with these arguments, which are JSON.
    pub(super) fn new(who: Option<&Principal>, method: &str, what: &str, arguments: &str) -> Self {
        let mut digest = Sha256::new();
        // Written anew, so that only what they say counts.
        let arguments: serde_json::Value = serde_json::from_str(arguments).unwrap_or_default();
        let who = who.map(|who| format!("{}/{}", who.user(), who.tenant())).unwrap_or_default();
        for part in [who.as_str(), method, what, &arguments.to_string()] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn state() -> State {
        State { answers: Answers::from([("name".into(), json!({ "action": "accept" }))]), kept: Some("k".into()) }
    }

    #[test]
    fn a_state_comes_back_as_it_was() {
        let (sealer, of) = (Sealer::new().expect("a key"), Belonging::new(None, "tools/call", "t", "{}"));
        let text = sealer.seal(state(), &of, 0).expect("it can be written");
        assert_eq!(sealer.open(&text, &of, ROUND - 1), Some(state()));
        assert_eq!(sealer.open(&text, &of, ROUND), None, "it is too old");
    }

    #[test]
    fn no_other_request_and_no_other_sealer_takes_it() {
        let (sealer, other) = (Sealer::new().expect("a key"), Sealer::new().expect("a key"));
        let of = Belonging::new(None, "tools/call", "t", r#"{"a":1,"b":2}"#);
        let text = sealer.seal(state(), &of, 0).expect("it can be written");
        assert_eq!(Belonging::new(None, "tools/call", "t", r#"{ "b": 2, "a": 1 }"#), of, "they say the same");
        for (method, what, arguments) in [
            ("tools/call", "t", r#"{"a":1,"b":3}"#),
            ("tools/call", "u", r#"{"a":1,"b":2}"#),
            ("prompts/get", "t", r#"{"a":1,"b":2}"#),
            ("tools/callt", "", r#"{"a":1,"b":2}"#),
        ] {
            let another = Belonging::new(None, method, what, arguments);
            assert_eq!(sealer.open(&text, &another, 0), None, "{method} {what} {arguments}");
        }
        assert_eq!(other.open(&text, &of, 0), None);
    }

    #[test]
    fn a_changed_state_is_none() {
        let (sealer, of) = (Sealer::new().expect("a key"), Belonging::new(None, "tools/call", "t", "{}"));
        let text = sealer.seal(state(), &of, 0).expect("it can be written");
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("it is text");
            assert_eq!(sealer.open(&changed, &of, 0), None, "{changed}");
        }
        for wrong in ["", ".", "a.b", &text[..text.len() - 1], &format!("{text}-TAMPERED"), &text.replace('.', "")] {
            assert_eq!(sealer.open(wrong, &of, 0), None, "{wrong}");
        }
    }
}
