//! The credential that comes with a request.
//!
//! This knows where a token is found; what a token is worth, `auth` says.

use crate::auth::Token;
use crate::error::{Error, Result};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The token of an `Authorization` header.
pub(super) fn of_header(headers: &HeaderMap) -> Result<Token> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().filter(|_| values.next().is_none()).and_then(|value| value.to_str().ok());
    let (scheme, token) = value.and_then(|value| value.split_once(' ')).unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Error::InvalidToken(
            "The Authorization header has to be: Bearer, a space, and an access token or an API key.".into(),
        ));
    }
    Token::new(token.trim())
}
