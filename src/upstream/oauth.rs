//! The gateway as a client of OAuth: how a person lets it use an upstream for them, and the tokens that come of that.
//!
//! A person visits a URL, and comes back to a page of the gateway with a code. What is begun is bound to whom it was
//! begun for: who comes back can finish it, but not for anybody else. Where tokens are kept is for the caller to say.

mod challenge;
mod client;
mod discovery;
mod page;
mod pending;
mod request;
#[cfg(test)]
mod tests;
mod tokens;

pub(crate) use page::{CALLBACK, DOCUMENT};
pub(crate) use tokens::Tokens;

use super::definition::AuthorizationOptions;
use super::failure::Failure;
use super::outbound::Outbound;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use challenge::Challenge;
use client::Client;
use discovery::Discovered;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use pending::{AllPending, Pending, random};
use request::{Refusal, Requests};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};
use std::time::Instant;
use tokens::Source;
use tokio::sync::oneshot;
use url::Url;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// The most registrations that are remembered.
const MOST_CLIENTS: usize = 1000;

/// Where the tokens of one tenant, or one user of it, for one upstream are kept, sealed.
pub(crate) trait TokenStore: Send + Sync {
    /// What was saved.
    fn load(&self) -> BoxFuture<'_, Result<Option<Zeroizing<String>>, Failure>>;

    /// Saves it, in place of what was there.
    fn save<'a>(&'a self, tokens: &'a str) -> BoxFuture<'a, Result<(), Failure>>;

    /// Removes it.
    fn remove(&self) -> BoxFuture<'_, Result<(), Failure>>;
}

/// For whom, and where, the gateway is to be authorized.
#[derive(Clone)]
pub(crate) struct Applicant {
    /// Tenant, user (where each has a token of their own) and upstream, as one key.
    pub(crate) owner: String,
    /// The upstream's endpoint.
    pub(crate) upstream: Url,
    pub(crate) options: AuthorizationOptions,
    /// `options.client_secret`, filled in.
    pub(crate) client_secret: Option<Zeroizing<String>>,
    /// What connects where the upstream's owner may.
    pub(crate) outbound: Outbound,
    /// Where the tokens are kept.
    pub(crate) store: Arc<dyn TokenStore>,
}

/// An authorization that has begun.
pub(crate) struct Begun {
    /// What the person is to visit.
    pub(crate) url: Url,
    /// Becomes ready when they have, and an error when it came to nothing.
    pub(crate) done: oneshot::Receiver<()>,
}

/// What a person comes back with.
#[derive(Debug, Default)]
pub(crate) struct Callback {
    state: Zeroizing<String>,
    code: Option<Zeroizing<String>>,
    iss: Option<String>,
    error: Option<String>,
}

/// Why an authorization is not finished.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unfinished {
    /// Nothing has begun with this state, or it was finished before, or too long ago.
    Unknown,
    /// The person, or the server, did not want it.
    Declined,
    /// The answer is not from the server that was asked.
    Mismatch,
    /// Something went wrong.
    Failed(Failure),
}

/// All authorizations at upstreams.
#[derive(Debug)]
pub(crate) struct Authorizations {
    /// Where people come back to.
    redirect: String,
    /// Where servers can read what the gateway is.
    document: String,
    pending: AllPending,
    /// What the gateway is to those authorization servers that it made itself known to.
    clients: Mutex<HashMap<String, Client>>,
    /// What renews tokens, by whose they are.
    renewing: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
}

impl Authorizations {
    /// For a gateway that people find at this URL.
    pub(crate) fn new(public_url: &str) -> Self {
        let public_url = public_url.trim_end_matches('/');
        let (redirect, document) = (format!("{public_url}{CALLBACK}"), format!("{public_url}{DOCUMENT}"));
        let (pending, clients, renewing) = (AllPending::default(), Mutex::default(), Mutex::default());
        Self { redirect, document, pending, clients, renewing }
    }

    /// Begins one, by what the upstream said when it refused a request.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when the upstream, or its authorization server, is not set up for it; others when they
    /// can't be asked.
    pub(crate) async fn begin(&self, applicant: Applicant, www_authenticate: Option<&str>) -> Result<Begun, Failure> {
        let requests = applicant.requests();
        let challenge = Challenge::parse(www_authenticate.unwrap_or_default());
        let Discovered { server, resource, scopes } =
            discovery::discover(&requests, &applicant.upstream, &challenge).await?;
        let client = match applicant.options.client_id.clone() {
            Some(id) => Client::known(id, applicant.client_secret.clone(), &server),
            None => self.client(&requests, &server).await?,
        };
        // What was granted before is asked for again, so that nothing is lost by asking for more.
        let before = self.load(&applicant).await?;
        let configured = &applicant.options.scopes;
        let mut wanted = if configured.is_empty() { scopes } else { configured.clone() };
        let more = before.iter().flat_map(Tokens::scopes).map(str::to_owned);
        let lasting = server.scopes_supported.iter().filter(|scope| *scope == "offline_access").cloned();
        for scope in more.chain(lasting.filter(|_| configured.is_empty())) {
            if !wanted.contains(&scope) {
                wanted.push(scope);
            }
        }
        let verifier = random();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let (done, is_done) = oneshot::channel();
        let (token_endpoint, issuer) = (server.token_endpoint, server.issuer);
        let source = Source { issuer, token_endpoint, client, resource };
        let (mut url, resource, client) =
            (server.authorization_endpoint, source.resource.clone(), source.client.id.clone());
        let names_itself = server.authorization_response_iss_parameter_supported;
        let state =
            self.pending.note(Pending { applicant, source, names_itself, verifier, done, begun: Instant::now() })?;
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &client)
            .append_pair("redirect_uri", &self.redirect)
            .append_pair("state", &state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256")
            .append_pair("resource", &resource);
        if !wanted.is_empty() {
            query.append_pair("scope", &wanted.join(" "));
        }
        drop(query);
        Ok(Begun { url, done: is_done })
    }

    /// Finishes one: exchanges the code, and saves the tokens where they belong.
    ///
    /// # Errors
    /// Why it is not finished. It can't be finished again.
    pub(crate) async fn finish(&self, callback: Callback) -> Result<(), Unfinished> {
        let pending = self.pending.take(&callback.state).ok_or(Unfinished::Unknown)?;
        let Pending { applicant, source, names_itself, verifier, done, .. } = pending;
        // Another server may not get the code of this one, nor make its own code look like this one's.
        match &callback.iss {
            Some(iss) if *iss != source.issuer => return Err(Unfinished::Mismatch),
            None if names_itself => return Err(Unfinished::Mismatch),
            _ => {}
        }
        let code = match (callback.error.as_deref(), callback.code) {
            (None, Some(code)) => code,
            (Some("access_denied"), _) => return Err(Unfinished::Declined),
            _ => return Err(failed("its authorization server answered with an error")),
        };
        let requests = applicant.requests();
        let issuer = source.issuer.clone();
        let tokens = Tokens::exchange(&requests, source, &code, &verifier, &self.redirect).await;
        let tokens = tokens.map_err(Unfinished::Failed)?;
        let tokens = tokens.map_err(|why| {
            self.forget(&issuer, &why);
            failed(&format!("its authorization server refused the code ({why})"))
        })?;
        self.save(&applicant, &tokens).await.map_err(Unfinished::Failed)?;
        let _ = done.send(());
        Ok(())
    }

    /// The token to send, renewed if it is about to end; none if there is none any more.
    ///
    /// # Errors
    /// Why it could not be read or, when it has ended, renewed.
    pub(crate) async fn token(&self, applicant: &Applicant) -> Result<Option<Zeroizing<String>>, Failure> {
        match self.load(applicant).await? {
            Some(tokens) if tokens.is_due() => self.renew(applicant, &tokens.access_token).await,
            tokens => Ok(tokens.map(|tokens| tokens.access_token)),
        }
    }

    /// The token to send in place of one that is about to end, or that the upstream refused; none if there is none,
    /// and then that one is dropped.
    ///
    /// # Errors
    /// Why it could not be read or, when it has ended, renewed.
    pub(crate) async fn renew(&self, applicant: &Applicant, old: &str) -> Result<Option<Zeroizing<String>>, Failure> {
        let one_at_a_time = self.renewing(&applicant.owner);
        let _turn = one_at_a_time.lock().await;
        let Some(tokens) = self.load(applicant).await? else { return Ok(None) };
        if *tokens.access_token != *old {
            // Somebody else has done it.
            return Ok(Some(tokens.access_token));
        }
        match tokens.renewed(&applicant.requests()).await {
            Ok(Some(Ok(renewed))) => {
                // What was renewed may be good no more, so what came for it must not get lost.
                self.save(applicant, &renewed).await?;
                Ok(Some(renewed.access_token))
            }
            Ok(Some(Err(refusal))) => {
                self.forget(&tokens.issuer, &refusal);
                tracing::info!(owner = applicant.owner, %refusal, "an upstream's token is not renewed any more");
                applicant.store.remove().await?;
                Ok(None)
            }
            Ok(None) => {
                applicant.store.remove().await?;
                Ok(None)
            }
            // It is good for a little longer.
            Err(_) if tokens.is_due() && !tokens.is_over() => Ok(Some(tokens.access_token)),
            Err(failure) => Err(failure),
        }
    }

    async fn client(&self, requests: &Requests, server: &discovery::AuthorizationServer) -> Result<Client, Failure> {
        // To be registered needs nothing of the gateway; the document has to be readable from there. So that comes last.
        if server.registration_endpoint.is_none() && server.client_id_metadata_document_supported {
            return Ok(Client::described(&self.document));
        }
        if let Some(known) = self.clients.lock().get(&server.issuer) {
            return Ok(known.clone());
        }
        let client = Client::register(requests, server, &self.redirect).await?;
        let mut clients = self.clients.lock();
        if clients.len() >= MOST_CLIENTS {
            clients.clear();
        }
        Ok(clients.entry(server.issuer.clone()).or_insert(client).clone())
    }

    /// Forgets what the gateway is to a server that does not know it any more.
    fn forget(&self, issuer: &str, refusal: &Refusal) {
        if refusal.word == "invalid_client" {
            self.clients.lock().remove(issuer);
        }
    }

    async fn load(&self, applicant: &Applicant) -> Result<Option<Tokens>, Failure> {
        let Some(text) = applicant.store.load().await? else { return Ok(None) };
        // What can't be read is as good as nothing: the person is asked again.
        Ok(serde_json::from_str(&text).ok())
    }

    async fn save(&self, applicant: &Applicant, tokens: &Tokens) -> Result<(), Failure> {
        let text = serde_json::to_string(tokens).map(Zeroizing::new);
        let text = text.map_err(|error| Failure::Incomplete(format!("its tokens can't be written: {error}")))?;
        applicant.store.save(&text).await
    }

    fn renewing(&self, owner: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.renewing.lock();
        if let Some(turn) = all.get(owner).and_then(Weak::upgrade) {
            return turn;
        }
        all.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        all.insert(owner.to_owned(), Arc::downgrade(&turn));
        turn
    }
}

impl Applicant {
    fn requests(&self) -> Requests {
        Requests::new(&self.outbound, &self.upstream)
    }
}

impl Callback {
    /// Reads a query. One that says something twice says nothing.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let mut callback = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.into_owned();
            let before = match &*name {
                "state" => (!std::mem::replace(&mut *callback.state, value).is_empty()).then_some(()),
                "code" => callback.code.replace(value.into()).map(|_| ()),
                "iss" => callback.iss.replace(value).map(|_| ()),
                "error" => callback.error.replace(value).map(|_| ()),
                _ => None,
            };
            if before.is_some() {
                return None;
            }
        }
        (!callback.state.is_empty()).then_some(callback)
    }
}

fn failed(why: &str) -> Unfinished {
    Unfinished::Failed(Failure::Incomplete(why.to_owned()))
}

/// Its URL is for one person.
impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("at", &self.url.host_str()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Applicant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Applicant").field("owner", &self.owner).finish_non_exhaustive()
    }
}
