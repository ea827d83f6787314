//! What has to hold of a definition by itself.
//!
//! What is wrong is told with the key that it stands under in a configuration: `headers: …`.

use super::definition::{Definition, Isolation, Reach};
use super::template::Template;
use crate::observe::{ADDED, BUILT_IN};
use http::header::{HeaderName, HeaderValue};
use std::collections::BTreeMap;
use url::Url;

/// The longest prefix.
const LONGEST_PREFIX: usize = 64;
/// The longest pattern.
const LONGEST_PATTERN: usize = 256;
/// Headers that the gateway sets itself, in lower case; the first one not for each way.
const OWN_HEADERS: &[&str] = &[
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "keep-alive",
    "last-event-id",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// How names of headers begin that the gateway sets itself.
const OWN_BEGINNINGS: &[&str] = &["mcp-", "sec-websocket-", "proxy-"];

impl Definition {
    /// Looks whether it can be used.
    ///
    /// # Errors
    /// The key that is wrong, and what to write instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_name(&self.name)?;
        check_prefix(&self.prefix)?;
        for (key, patterns) in [("allow", &self.tools.allow), ("deny", &self.tools.deny)] {
            patterns.iter().try_for_each(|pattern| check_pattern(key, &pattern.pattern()))?;
        }
        self.check_reach()?;
        self.check_proofs()
    }

    /// Its texts with places for credentials, and the keys that they stand under.
    fn templates(&self) -> Vec<(&'static str, &Template)> {
        fn of<'a>(key: &'static str, texts: &'a BTreeMap<String, Template>) -> Vec<(&'static str, &'a Template)> {
            texts.values().map(|text| (key, text)).collect()
        }
        let mut all: Vec<_> = match &self.reach {
            Reach::Command { environment, .. } => of("env", environment),
            Reach::Http { url, headers } => [vec![("url", url)], of("headers", headers)].concat(),
            Reach::WebSocket { url, headers } => [vec![("ws", url)], of("headers", headers)].concat(),
            Reach::OpenApi { base_url, headers, query, .. } => {
                let base_url = base_url.iter().map(|url| ("base_url", url)).collect();
                [base_url, of("headers", headers), of("query", query)].concat()
            }
        };
        let secret = self.authorization.as_ref().and_then(|options| options.client_secret.as_ref());
        all.extend(secret.map(|secret| ("authorization.client_secret", secret)));
        all
    }

    fn check_reach(&self) -> Result<(), String> {
        match &self.reach {
            Reach::Command { command, environment, .. } => {
                check_command(command)?;
                environment.iter().try_for_each(|(name, value)| check_variable(name, value))
            }
            Reach::Http { url, headers } => {
                check_url("url", url, &["https", "http"])?;
                check_headers(headers, OWN_HEADERS)
            }
            Reach::WebSocket { url, headers } => {
                check_url("ws", url, &["wss", "ws"])?;
                check_headers(headers, OWN_HEADERS)
            }
            Reach::OpenApi { document, base_url, headers, .. } => {
                if document.contains("${") {
                    return Err("openapi: has no places for credentials; write the file's path or its plain URL".into());
                }
                if document.contains("://") {
                    let document = Template::parse(document).map_err(|wrong| format!("openapi: {wrong}"))?;
                    check_url("openapi", &document, &["https", "http"])?;
                }
                base_url.iter().try_for_each(|url| check_url("base_url", url, &["https", "http"]))?;
                // What it answers in is for whoever knows the API to say.
                check_headers(headers, &OWN_HEADERS[1..])
            }
        }
    }

    /// What it is shown to be somebody by: whose that is has to be the session's owner.
    fn check_proofs(&self) -> Result<(), String> {
        let shared = self.isolation == Isolation::Shared;
        let advice =
            "everybody shares a session where isolation is shared; write isolation = \"tenant\" or \"session\"";
        if let Some((key, name)) =
            self.templates().iter().find_map(|(key, text)| Some((key, text.credentials().next()?)))
            && shared
        {
            return Err(format!("{key}: cannot use ${{credential:{name}}}, which is a tenant's, because {advice}"));
        }
        for (key, given) in [("identity", self.identity.is_some()), ("authorization", self.authorization.is_some())] {
            if given && shared {
                return Err(format!("{key}: cannot be used, because {advice}"));
            }
            if given && matches!(self.reach, Reach::Command { .. }) {
                return Err(format!(
                    "{key}: goes with url, ws and openapi; a command is told who calls in its environment"
                ));
            }
        }
        if self.identity.is_some() && self.authorization.is_some() {
            return Err("authorization: cannot be used together with identity, since there is one Authorization header; remove one of them".into());
        }
        if self.authorization.as_ref().is_some_and(|options| !options.per_tenant)
            && self.isolation != Isolation::Session
        {
            return Err(
                "authorization.per: is \"user\", so isolation has to be \"session\"; or write per = \"tenant\"".into(),
            );
        }
        let own = if self.identity.is_some() {
            Some("identity")
        } else {
            self.authorization.as_ref().map(|_| "authorization")
        };
        if let (Some(own), Some(headers)) = (own, self.headers())
            && headers.keys().any(|name| name.eq_ignore_ascii_case("authorization"))
        {
            return Err(format!("headers: Authorization is set by {own}; remove one of them"));
        }
        Ok(())
    }

    fn headers(&self) -> Option<&BTreeMap<String, Template>> {
        match &self.reach {
            Reach::Command { .. } => None,
            Reach::Http { headers, .. } | Reach::WebSocket { headers, .. } | Reach::OpenApi { headers, .. } => {
                Some(headers)
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), String> {
    if [BUILT_IN, ADDED].contains(&name) {
        return Err(format!("name: {name:?} has a meaning of its own where calls are counted; write another one"));
    }
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let first = name.bytes().next().is_some_and(fits);
    if !first || name.len() > 32 || !name.bytes().all(|c| fits(c) || c == b'_' || c == b'-') {
        return Err(format!(
            "name: {name:?} cannot name an upstream; write 1 to 32 of a-z, 0-9, _ and -, beginning with a letter or a digit"
        ));
    }
    Ok(())
}

fn check_prefix(prefix: &str) -> Result<(), String> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"_-.".contains(&c);
    if prefix.len() > LONGEST_PREFIX || !prefix.bytes().all(fits) {
        return Err(format!(
            "prefix: {prefix:?} cannot begin a tool's name; write at most {LONGEST_PREFIX} of A-Z, a-z, 0-9, _, - and ."
        ));
    }
    Ok(())
}

fn check_pattern(key: &str, pattern: &str) -> Result<(), String> {
    let fits = |c: char| c.is_alphanumeric() || "_-./:*?".contains(c);
    if pattern.is_empty() || pattern.len() > LONGEST_PATTERN || !pattern.chars().all(fits) {
        return Err(format!(
            "{key}: {pattern:?} is no pattern; write names of tools, with * for any characters and ? for one"
        ));
    }
    Ok(())
}

fn check_command(command: &[String]) -> Result<(), String> {
    if command.first().is_none_or(String::is_empty) {
        return Err(
            "command: is empty; write the program and its arguments, such as [\"npx\", \"-y\", \"a-server\"]".into()
        );
    }
    if command.iter().any(|part| part.contains("${credential:")) {
        return Err("command: cannot use ${credential:…}, since others can read it in a list of processes; put it into env, or into a file that env names".into());
    }
    match command.iter().any(|part| part.contains('\0')) {
        true => Err("command: has a NUL character".into()),
        false => Ok(()),
    }
}

fn check_variable(name: &str, value: &Template) -> Result<(), String> {
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("env: {name:?} cannot name a variable"));
    }
    if name.starts_with("SESSILE_") {
        return Err(format!(
            "env: {name} is set by the gateway, which uses names that begin with SESSILE_; take another one"
        ));
    }
    match value.filled_with("").contains('\0') {
        true => Err(format!("env: the value of {name} has a NUL character")),
        false => Ok(()),
    }
}

fn check_headers(headers: &BTreeMap<String, Template>, reserved: &[&str]) -> Result<(), String> {
    for (name, value) in headers {
        let parsed =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("headers: {name:?} cannot name a header"))?;
        let own = reserved.contains(&parsed.as_str());
        if own || OWN_BEGINNINGS.iter().any(|beginning| parsed.as_str().starts_with(beginning)) {
            return Err(format!("headers: {name} is set by the gateway itself; remove it"));
        }
        let twice = headers.keys().any(|other| other != name && other.eq_ignore_ascii_case(name));
        if twice {
            return Err(format!(
                "headers: {name} is there twice, since capitals make no difference; remove one of them"
            ));
        }
        if HeaderValue::from_str(&value.filled_with("x")).is_err() {
            return Err(format!(
                "headers: the value of {name} has characters that a header cannot have, such as a line break"
            ));
        }
    }
    Ok(())
}

fn check_url(key: &str, text: &Template, schemes: &[&str]) -> Result<(), String> {
    let example = format!("{}://mcp.example.com/mcp", schemes[0]);
    let parse = |place: &str| Url::parse(&text.filled_with(place)).ok();
    let (Some(url), Some(other)) = (parse("a"), parse("b")) else {
        return Err(format!("{key}: must be a URL such as {example}"));
    };
    if !schemes.contains(&url.scheme()) || url.host_str().is_none_or(str::is_empty) {
        return Err(format!(
            "{key}: must be a URL such as {example}, with {} in front",
            schemes.join(":// or ") + "://"
        ));
    }
    if !url.username().is_empty() || url.password().is_some() || other.password().is_some() {
        return Err(format!("{key}: has a user or a password in it; put them into headers, as Authorization"));
    }
    if url.fragment().is_some() {
        return Err(format!("{key}: has a # in it; remove what follows it"));
    }
    // Who writes a credential is not to say where it goes.
    let place = |url: &Url| (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port());
    if place(&url) != place(&other) {
        return Err(format!("{key}: a credential cannot be in the host; it can be in the path or the query"));
    }
    Ok(())
}
