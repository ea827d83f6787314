//! What to show a gateway: the one way from what a person types to where to go and as whom.

use super::GatewayUrl;
use super::place::Place;
use super::profiles::{Profile, Profiles, check_name};
use crate::auth::Token;

/// The API key or access token that wins over any profile.
pub(crate) const TOKEN: &str = "SESSILE_TOKEN";

/// Where to go, and the token to show there, if there is one.
///
/// `typed` is a profile's name, or a URL or a host with a dot or a port, of which the URL's own profile is meant;
/// `profile`, a profile's name, says which one. With neither, the default profile is meant. A token in `SESSILE_TOKEN`
/// is shown instead of a profile's, and no profile is needed then. A profile's token goes to its own URL alone, and none
/// goes where it can be read on the way, unless that is `insecure` and meant to be.
///
/// # Errors
/// What is wrong, and what to do about it, for people.
pub(crate) fn token(
    typed: Option<&str>,
    profile: Option<&str>,
    insecure: bool,
) -> Result<(GatewayUrl, Option<Token>), String> {
    let place = Place::here();
    let profiles = place.as_ref().map_or_else(|_| Ok(Profiles::default()), Profiles::load)?;
    let (url, found) = find(&profiles, typed, profile)?;
    let given = given()?;
    if given.is_some() || found.is_some() {
        may_be_sent(&url, insecure)?;
    }
    if given.is_some() {
        return Ok((url, given));
    }
    let Some((name, found)) = found else { return Ok((url, None)) };
    match found.secret.get(&place?, found.id)? {
        Some(token) => Ok((url, Some(token))),
        None => {
            Err(format!("the key of profile {name:?} is gone; `sessile login {} --name {name}` makes one", found.url))
        }
    }
}

/// Whether a password, a key or a token may go to a gateway: where nobody on the way can read it, or where a person
/// has said that this is all right.
///
/// # Errors
/// It may not; says what to do, for people.
pub(crate) fn may_be_sent(url: &GatewayUrl, insecure: bool) -> Result<(), String> {
    if insecure || !url.is_exposed() {
        return Ok(());
    }
    Err(format!(
        "what is sent to {url} can be read on the way, so no password and no key is; use wss://, or say --insecure if \
         that is all right there"
    ))
}

/// A profile and its name.
pub(crate) type Named<'a> = (String, &'a Profile);

/// Where to go, and the profile that is meant.
///
/// # Errors
/// What is wrong, and what to do about it, for people.
pub(crate) fn find<'a>(
    profiles: &'a Profiles,
    typed: Option<&str>,
    profile: Option<&str>,
) -> Result<(GatewayUrl, Option<Named<'a>>), String> {
    let named = |name: &str| {
        let found = profiles.named(name)?;
        Ok::<_, String>((GatewayUrl::parse(&found.url)?, Some((name.to_owned(), found))))
    };
    match (typed, profile) {
        (Some(typed), None) if profiles.profiles.contains_key(typed) => named(typed),
        (Some(typed), None) if is_word(typed) => {
            named(typed).map_err(|why| format!("{why}; a host of that name is wss://{typed}"))
        }
        (Some(typed), None) => {
            let url = GatewayUrl::parse(typed)?;
            let found = profiles.of_url(url.url().as_str());
            Ok((url, found.map(|(name, found)| (name.to_owned(), found))))
        }
        (None, Some(profile)) => named(profile),
        (Some(typed), Some(profile)) => {
            let (url, found) = named(profile)?;
            if typed == profile || GatewayUrl::parse(typed)? == url {
                return Ok((url, found));
            }
            Err(format!("profile {profile:?} is one of {url}, and its key goes nowhere else; leave one of the two out"))
        }
        (None, None) => match profiles.default.as_deref() {
            Some(name) => named(name),
            None => {
                Err("say which gateway: a URL such as wss://gateway.example/mcp, or a profile that `sessile login` \
                         has made"
                    .into())
            }
        },
    }
}

/// Whether something typed is rather meant as a profile's name than as a host: it has neither a dot nor a port.
fn is_word(typed: &str) -> bool {
    check_name(typed).is_ok() && !typed.contains('.') && typed != "localhost"
}

/// The token from the environment.
fn given() -> Result<Option<Token>, String> {
    let Some(text) = std::env::var(TOKEN).ok().map(zeroize::Zeroizing::new) else { return Ok(None) };
    if text.trim().is_empty() {
        return Ok(None);
    }
    Token::new(text.trim()).map(Some).map_err(|error| format!("{TOKEN}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{GatewayUrl, may_be_sent};

    #[test]
    fn a_secret_goes_where_nobody_reads_it_or_where_somebody_says_so() {
        for (url, may) in [
            ("wss://gateway.example", true),
            ("ws://127.0.0.1:7400", true),
            ("ws://localhost", true),
            ("ws://[::1]", true),
            ("ws://gateway.example", false),
            ("http://10.0.0.7:7400", false),
            ("ws://0.0.0.0:7400", false),
            ("ws://localhost.example", false),
        ] {
            let parsed = GatewayUrl::parse(url).expect("it is a URL");
            assert_eq!(may_be_sent(&parsed, false).is_ok(), may, "{url}");
            assert_eq!(may_be_sent(&parsed, true), Ok(()), "{url}");
        }
    }
}
