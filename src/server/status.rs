//! The one place that says with which HTTP status an error is answered, and which headers go with it.

use crate::error::Error;
use http::header::{HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};
use std::time::Duration;

/// When to come back after [`Error::Busy`]: what is full then empties within seconds.
const WHEN_BUSY: Duration = Duration::from_secs(5);
/// When to come back after [`Error::Limit`]: whatever takes the room is somebody's, and may stay.
const AT_A_LIMIT: Duration = Duration::from_secs(30);

/// The status of an error.
pub(super) fn of(error: &Error) -> StatusCode {
    match error {
        Error::InvalidArguments(_) | Error::MissingClientCapability { .. } | Error::Unanswered(_) => {
            StatusCode::BAD_REQUEST
        }
        Error::NotSignedIn(_) | Error::InvalidCredentials(_) | Error::InvalidToken(_) => StatusCode::UNAUTHORIZED,
        Error::NotAllowed(_) => StatusCode::FORBIDDEN,
        Error::NotFound(_) => StatusCode::NOT_FOUND,
        Error::Conflict(_) | Error::AlreadyExists(_) => StatusCode::CONFLICT,
        Error::TooManyAttempts { .. } | Error::RateLimited { .. } | Error::Limit(_) => StatusCode::TOO_MANY_REQUESTS,
        Error::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Upstream(_) => StatusCode::BAD_GATEWAY,
        Error::Unmet(_) | Error::Config(_) | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// After how many seconds it is worth to try again, for errors that pass.
pub(super) fn retry_after(error: &Error) -> Option<u64> {
    let wait = match error {
        Error::TooManyAttempts { retry_after, .. } | Error::RateLimited { retry_after, .. } => *retry_after,
        Error::Limit(_) => AT_A_LIMIT,
        Error::Busy(_) => WHEN_BUSY,
        _ => return None,
    };
    Some((wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1))
}

/// What a client is asked for where a sign-in is missing (RFC 6750): with a reason only where it presented a
/// token.
pub(super) fn challenge(error: &Error) -> Option<HeaderValue> {
    if of(error) != StatusCode::UNAUTHORIZED {
        return None;
    }
    let text = match error {
        Error::InvalidToken(why) => {
            format!(r#"Bearer error="invalid_token", error_description="{}""#, quotable(why))
        }
        // The scheme has to be followed by something.
        _ => r#"Bearer realm="sessile""#.to_owned(),
    };
    HeaderValue::try_from(text).ok()
}

/// Adds what goes with an error's status.
pub(super) fn add_headers(error: &Error, headers: &mut HeaderMap) {
    if let Some(challenge) = challenge(error) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = retry_after(error) {
        headers.insert(RETRY_AFTER, seconds.into());
    }
}

/// What may stand in a quoted string of a header as it is.
fn quotable(text: &str) -> String {
    text.chars().filter(|c| (c.is_ascii_graphic() || *c == ' ') && !matches!(c, '"' | '\\')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_status_and_what_goes_with_it() {
        let wait = Duration::from_millis(1500);
        let text = String::new;
        let table = [
            (Error::InvalidArguments(text()), 400, None, false),
            (Error::NotSignedIn(text()), 401, None, true),
            (Error::InvalidCredentials(text()), 401, None, true),
            (Error::InvalidToken(text()), 401, None, true),
            (Error::NotAllowed(text()), 403, None, false),
            (Error::NotFound(text()), 404, None, false),
            (Error::Conflict(text()), 409, None, false),
            (Error::AlreadyExists(text()), 409, None, false),
            (Error::TooManyAttempts { message: text(), retry_after: wait }, 429, Some(2), false),
            (Error::Limit(text()), 429, Some(30), false),
            (Error::Busy(text()), 503, Some(5), false),
            (Error::Unmet("a step"), 500, None, false),
            (Error::Config(text()), 500, None, false),
            (Error::Internal(text()), 500, None, false),
        ];
        for (error, status, wait, challenged) in table {
            assert_eq!(of(&error).as_u16(), status, "{error:?}");
            assert_eq!(retry_after(&error), wait, "{error:?}");
            assert_eq!(challenge(&error).is_some(), challenged, "{error:?}");
        }
    }

    #[test]
    fn a_challenge_names_an_invalid_token_only_where_one_was_presented() {
        let header = |error: Error| challenge(&error).and_then(|value| value.to_str().ok().map(str::to_owned));
        let bare = r#"Bearer realm="sessile""#;
        assert_eq!(header(Error::NotSignedIn("…".into())).as_deref(), Some(bare));
        assert_eq!(header(Error::InvalidCredentials("…".into())).as_deref(), Some(bare));
        let told = header(Error::InvalidToken("It is \"too\\ old\"…\r\nX: y".into()));
        let expected = r#"Bearer error="invalid_token", error_description="It is too oldX: y""#;
        assert_eq!(told.as_deref(), Some(expected));
    }
}
