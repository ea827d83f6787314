//! Credentials put in their places: in URLs, headers and plain texts.

use crate::auth::Identity;
use crate::upstream::failure::Failure;
use crate::upstream::template::Template;
use http::HeaderValue;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use url::Url;
use zeroize::Zeroizing;

/// Credentials by name, of one tenant.
#[derive(Default)]
pub(super) struct Values {
    by_name: BTreeMap<String, Zeroizing<String>>,
}

impl Values {
    pub(super) fn put(&mut self, name: &str, value: Zeroizing<String>) {
        self.by_name.insert(name.to_owned(), value);
    }

    /// A text with each credential in its place.
    pub(super) fn fill(&self, template: &Template) -> Result<Zeroizing<String>, Failure> {
        template.fill(|name| self.by_name.get(name).cloned().ok_or_else(|| not_set(name)))
    }
}

pub(super) fn not_set(name: &str) -> Failure {
    Failure::Incomplete(format!("the credential {name} is not set; an admin sets it with credential_set"))
}

/// A URL with each credential in its place, encoded, so that it stands for nothing but itself. None decides which
/// server it is.
pub(super) fn url(template: &Template, values: &Values) -> Result<Url, Failure> {
    let wrong = || Failure::Incomplete("its URL is none".into());
    let [one, other] = ["x", "y"].map(|text| template.sample(text).map_err(|_| wrong()));
    if one?.origin() != other?.origin() {
        return Err(Failure::Incomplete("its URL has a credential where it names the server".into()));
    }
    let filled = template.fill(|name| {
        let value = values.by_name.get(name).ok_or_else(|| not_set(name))?;
        // Encoded, these would still mean a step up.
        if value.bytes().all(|b| b == b'.') {
            return Err(Failure::Incomplete(format!("the credential {name} can't stand in a URL")));
        }
        Ok(encoded(value))
    })?;
    Url::parse(&filled).map_err(|_| wrong())
}

/// A value for a header, which is not to be shown.
pub(super) fn header(name: &str, value: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Failure::Incomplete(format!(
            "the value of its header {name} can't be sent: a credential in it has a line break or another control character"
        ))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// What tells a child for whom it runs.
pub(super) fn identity(whom: Identity) -> Vec<(&'static str, String)> {
    // Names have no control characters, but what can't be in an environment would keep the child from starting.
    let clean = |text: String| text.replace('\0', "");
    let mut all =
        vec![("SESSILE_TENANT_ID", whom.tenant.to_string()), ("SESSILE_TENANT_NAME", clean(whom.tenant_name))];
    if let Some(user) = whom.user {
        all.push(("SESSILE_USER_ID", user.id.to_string()));
        all.push(("SESSILE_USER_EMAIL", clean(user.email)));
        all.push(("SESSILE_ROLE", user.role.as_str().to_owned()));
    }
    all
}

fn encoded(value: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(value.len() * 3));
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
