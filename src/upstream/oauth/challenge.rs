//! What a `WWW-Authenticate` says of a way to get a token (RFC 6750, RFC 9728).

/// The parameters of a `Bearer` challenge that matter here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Challenge {
    /// Where the resource describes itself.
    pub(super) resource_metadata: Option<String>,
    /// What the request would have needed.
    pub(super) scope: Option<String>,
}

impl Challenge {
    /// Reads a header that may hold several challenges. What can't be read is passed over.
    pub(super) fn parse(header: &str) -> Self {
        let mut challenge = Self::default();
        let mut bearer = false;
        let mut rest = header;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let (word, behind) = token(rest);
            if word.is_empty() {
                return challenge;
            }
            let Some(value) = behind.trim_start().strip_prefix('=').filter(|value| !value.starts_with('=')) else {
                // Not the name of a parameter, so the name of a scheme.
                bearer = word.eq_ignore_ascii_case("bearer");
                rest = behind.trim_start_matches('=');
                continue;
            };
            let (value, behind) = value_of(value.trim_start());
            rest = behind;
            if bearer && word.eq_ignore_ascii_case("resource_metadata") {
                challenge.resource_metadata = Some(value);
            } else if bearer && word.eq_ignore_ascii_case("scope") {
                challenge.scope = Some(value);
            }
        }
    }
}

fn token(text: &str) -> (&str, &str) {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c));
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

/// A token or a quoted string, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (word, rest) = token(text);
        return (word.to_owned(), rest);
    };
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &quoted[at + 1..]),
            '\\' => value.extend(chars.next().map(|(_, escaped)| escaped)),
            c => value.push(c),
        }
    }
    (value, "")
}

#[cfg(test)]
mod tests {
    use super::Challenge;

    #[test]
    fn a_bearer_challenge_is_found_among_others() {
        let url = "https://mcp.example/.well-known/oauth-protected-resource";
        for (header, metadata, scope) in [
            (
                format!(r#"Bearer resource_metadata="{url}", scope="files:read files:write""#),
                Some(url),
                Some("files:read files:write"),
            ),
            (format!(r#"bearer error="invalid_token",resource_metadata = "{url}""#), Some(url), None),
            (format!("Bearer resource_metadata={url}"), Some(url), None),
            (
                format!(r#"Basic realm="a, \"Bearer scope=x", Bearer scope=one, resource_metadata="{url}""#),
                Some(url),
                Some("one"),
            ),
            (r#"Basic scope="no", Digest resource_metadata="no""#.to_owned(), None, None),
            (r#"Negotiate abc==, Bearer scope="s""#.to_owned(), None, Some("s")),
            (r#"Bearer scope="open"#.to_owned(), None, Some("open")),
            ("Bearer".to_owned(), None, None),
            (String::new(), None, None),
            ("\u{e4},=\"".to_owned(), None, None),
        ] {
            let expected = Challenge { resource_metadata: metadata.map(Into::into), scope: scope.map(Into::into) };
            assert_eq!(Challenge::parse(&header), expected, "{header}");
        }
    }
}
