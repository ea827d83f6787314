//! What a token says. It does not know what of that is believed.

use serde::Deserialize;
use serde_json::{Map, Value};

/// A token's claims.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// Who it is about, at its issuer.
    pub(super) fn subject(&self) -> Option<&str> {
        self.text("sub").filter(|subject| is_short(subject, 255))
    }

    /// The email address to show, unless the issuer itself says that it did not check it.
    pub(super) fn email(&self, claim: &str) -> Option<&str> {
        let unchecked = self.0.get("email_verified") == Some(&Value::Bool(false));
        self.text(claim).filter(|email| !unchecked && is_short(email, 254))
    }

    /// A claim that is text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.get(claim)?.as_str()
    }

    /// A claim that is a text, several words in one, or a list of texts.
    pub(super) fn words(&self, claim: &str) -> Vec<&str> {
        match self.get(claim) {
            Some(Value::String(text)) => std::iter::once(text.as_str()).chain(text.split_whitespace()).collect(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// When it ends, in milliseconds since 1970, as far as clocks may be apart.
    pub(super) fn expires_at(&self, leeway: u64) -> i64 {
        let end = self.seconds("exp").unwrap_or_default();
        end.saturating_add_unsigned(leeway).saturating_mul(1000)
    }

    /// Whether it was issued before now and before its end, if it says when.
    pub(super) fn check_times(&self, now: i64, leeway: u64) -> Result<(), &'static str> {
        if !self.0.contains_key("iat") {
            return Ok(());
        }
        match (self.seconds("iat"), self.seconds("exp")) {
            (Some(issued), _) if issued > now.saturating_add_unsigned(leeway) => Err("it was issued in the future"),
            (Some(issued), Some(end)) if issued < end => Ok(()),
            _ => Err("its times make no sense"),
        }
    }

    /// A time, of which some issuers write fractions.
    fn seconds(&self, claim: &str) -> Option<i64> {
        let value = self.0.get(claim)?;
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64)).filter(|seconds| *seconds >= 0)
    }

    /// A claim by its name, or by a path with dots where no claim has that name.
    fn get(&self, claim: &str) -> Option<&Value> {
        self.0.get(claim).or_else(|| {
            let (first, rest) = claim.split_once('.')?;
            rest.split('.').try_fold(self.0.get(first)?, |value, name| value.get(name))
        })
    }
}

fn is_short(text: &str, most: usize) -> bool {
    !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).expect("it is an object")
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_its_path() {
        let claims = claims(json!({
            "https://crm.example.com/tenant": "t",
            "realm_access": { "roles": ["crm-admin", 1, "other"] },
            "scope": "crm-member openid",
            "odd": 7,
        }));
        assert_eq!(claims.text("https://crm.example.com/tenant"), Some("t"));
        assert_eq!(claims.words("realm_access.roles"), ["crm-admin", "other"]);
        assert!(claims.words("scope").contains(&"crm-member"));
        for missing in ["odd", "realm_access", "realm_access.roles.x", "a.b"] {
            assert_eq!(claims.text(missing), None, "{missing}");
        }
        assert!(claims.words("odd").is_empty());
    }

    #[test]
    fn times_have_to_make_sense() {
        let now = 1_000_000;
        for (value, good) in [
            (json!({ "exp": now + 60 }), true),
            (json!({ "exp": now + 60, "iat": now - 1 }), true),
            (json!({ "exp": now + 60, "iat": now as f64 - 0.5 }), true),
            (json!({ "exp": now + 60, "iat": now + 30 }), true),
            (json!({ "exp": now + 60, "iat": now + 31 }), false),
            (json!({ "exp": now, "iat": now }), false),
            (json!({ "exp": now, "iat": "yesterday" }), false),
            (json!({ "exp": now, "iat": -5 }), false),
        ] {
            assert_eq!(claims(value.clone()).check_times(now, 30).is_ok(), good, "{value}");
        }
        assert_eq!(claims(json!({ "exp": 1e300 })).expires_at(30), i64::MAX);
    }

    #[test]
    fn an_address_that_the_issuer_did_not_check_is_not_shown() {
        assert_eq!(claims(json!({ "email": "a@b.example" })).email("email"), Some("a@b.example"));
        assert_eq!(claims(json!({ "email": "a@b.example", "email_verified": false })).email("email"), None);
        assert_eq!(claims(json!({ "email": "a\nb" })).email("email"), None);
    }
}
