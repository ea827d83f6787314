//! The tokens that an authorization server has given, and how it gives them.

use super::client::Client;
use super::request::{Refusal, Requests};
use crate::time::now;
use crate::upstream::Failure;
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;
use url::form_urlencoded::Serializer;
use zeroize::Zeroizing;

/// How long before its end a token is renewed, in milliseconds, or a fifth of its time where that is less.
const MARGIN: i64 = 60_000;

/// An access token, and all that it takes to renew it. Stored as JSON, sealed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Tokens {
    /// What is sent to the upstream.
    pub(crate) access_token: Zeroizing<String>,
    refresh_token: Option<Zeroizing<String>>,
    /// Since when it is there and until when it is good, in milliseconds since 1970.
    since: i64,
    until: Option<i64>,
    scope: Option<String>,
    pub(super) issuer: String,
    token_endpoint: Url,
    client: Client,
    resource: String,
}

/// Where tokens come from.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) issuer: String,
    pub(super) token_endpoint: Url,
    pub(super) client: Client,
    pub(super) resource: String,
}

#[derive(Deserialize)]
struct Given {
    access_token: Zeroizing<String>,
    token_type: String,
    refresh_token: Option<Zeroizing<String>>,
    expires_in: Option<f64>,
    scope: Option<String>,
}

impl Tokens {
    /// Exchanges a code.
    pub(super) async fn exchange(
        requests: &Requests,
        source: Source,
        code: &str,
        verifier: &str,
        redirect: &str,
    ) -> Result<Result<Self, Refusal>, Failure> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect),
        ];
        let given = source.ask(requests, &form).await?;
        Ok(given.map(|given| Self::new(source, given)))
    }

    /// Others in place of these; none if they can't be renewed.
    pub(super) async fn renewed(&self, requests: &Requests) -> Result<Option<Result<Self, Refusal>>, Failure> {
        let Some(refresh_token) = &self.refresh_token else { return Ok(None) };
        let source = Source {
            issuer: self.issuer.clone(),
            token_endpoint: self.token_endpoint.clone(),
            client: self.client.clone(),
            resource: self.resource.clone(),
        };
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let given = source.ask(requests, &form).await?;
        Ok(Some(given.map(|given| {
            let renewed = Self::new(source, given);
            // A server need not repeat what stays as it is.
            Self {
                refresh_token: renewed.refresh_token.clone().or_else(|| self.refresh_token.clone()),
                scope: renewed.scope.clone().or_else(|| self.scope.clone()),
                ..renewed
            }
        })))
    }

    fn new(source: Source, given: Given) -> Self {
        let since = now();
        let Source { issuer, token_endpoint, client, resource } = source;
        let Given { access_token, refresh_token, expires_in, scope, .. } = given;
        #[allow(clippy::cast_possible_truncation)] // it saturates
        let until = expires_in.map(|seconds| since.saturating_add((seconds * 1000.0) as i64));
        Self { access_token, refresh_token, since, until, scope, issuer, token_endpoint, client, resource }
    }

    /// Whether it is time to renew it.
    pub(super) fn is_due(&self) -> bool {
        self.until.is_some_and(|until| now() >= until - MARGIN.min((until - self.since) / 5))
    }

    /// Whether it is not good any more.
    pub(super) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| now() >= until)
    }

    /// What has been granted, where that was said.
    pub(super) fn scopes(&self) -> impl Iterator<Item = &str> {
        self.scope.iter().flat_map(|scope| scope.split_ascii_whitespace())
    }
}

impl Source {
    async fn ask(&self, requests: &Requests, form: &[(&str, &str)]) -> Result<Result<Given, Refusal>, Failure> {
        let (form, authorization) = {
            let mut all = Serializer::new(String::new());
            all.extend_pairs(form).append_pair("resource", &self.resource);
            self.client.sign(all)
        };
        let given = requests.form::<Given>(&self.token_endpoint, form, authorization).await?;
        if let Ok(Given { access_token, token_type, .. }) = &given {
            let plain = !access_token.is_empty() && access_token.bytes().all(|byte| byte.is_ascii_graphic());
            if !token_type.eq_ignore_ascii_case("bearer") || !plain {
                return Err(Failure::Unreadable(
                    "the token that its authorization server gave is no bearer token".into(),
                ));
            }
        }
        Ok(given)
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("issuer", &self.issuer).field("until", &self.until).finish_non_exhaustive()
    }
}
