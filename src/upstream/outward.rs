//! What one upstream session is opened and called with: for one user, one tenant or everybody.
//!
//! Who asks gets it filled in. It is kept until a credential in it changes or a token in it nears its end, so that a
//! call costs a comparison of counters. Nothing here knows how it is sent.

mod fill;
#[cfg(test)]
mod tests;
mod tokens;

use super::definition::{Definition, Isolation, Reach};
use super::failure::Failure;
use super::template::Template;
use crate::auth::{IdentifiedUser, Identity, TokenStrategy};
use crate::tenancy::{Secrets, TenantScope, Watch, What};
use crate::time::now;
use fill::Values;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use url::Url;
use zeroize::Zeroizing;

/// What one upstream session is called with. Clones share it, and what it keeps.
#[derive(Clone)]
pub(crate) struct Outward {
    inner: Arc<Inner>,
}

struct Inner {
    definition: Arc<Definition>,
    unit: Box<str>,
    source: Source,
    url: Mutex<Option<Kept<Url>>>,
    headers: Mutex<Option<Kept<HeaderMap>>>,
}

/// Where what is filled in comes from.
enum Source {
    /// A tenant, and a user in it if the session is theirs alone.
    Party(Box<Party>),
    /// Nowhere: it is the same for everybody.
    Nobody,
    #[cfg(test)]
    Fixed { headers: HeaderMap, environment: Vec<(String, Zeroizing<String>)> },
}

struct Party {
    secrets: Secrets,
    /// One for each credential and token that is filled in.
    watches: Vec<Watch>,
    whom: RwLock<Identity>,
    /// How often that was another one.
    changes: AtomicU64,
    minter: Arc<TokenStrategy>,
}

/// Something filled in, as long as it is good.
struct Kept<T> {
    version: u64,
    until: i64,
    value: T,
}

impl Outward {
    /// For the tenant of whoever is signed in, and for that user as well unless the tenant shares its session, which
    /// `session` names in logs.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when it is not theirs to use.
    pub(crate) fn open(
        definition: Arc<Definition>,
        scope: &TenantScope,
        session: &str,
        minter: Arc<TokenStrategy>,
    ) -> Result<Self, Failure> {
        if !definition.is_open_to(scope.principal()) {
            return Err(Failure::Incomplete("it is not open to who is signed in".into()));
        }
        let tenant = scope.principal().tenant();
        let unit = match definition.isolation {
            Isolation::Shared => return Ok(Self::shared(definition)),
            Isolation::Tenant => format!("tenant {tenant}"),
            Isolation::Session => session.to_owned(),
        };
        let (secrets, whom) = (scope.secrets(), whom(&definition, scope));
        let mut watches: Vec<_> = names(&definition).iter().map(|name| secrets.watch(What::Credential(name))).collect();
        if let Some(options) = &definition.authorization {
            let user = tokens::owner(options, &whom);
            watches.push(secrets.watch(What::Token { upstream: &definition.name, user }));
        }
        let (whom, changes) = (RwLock::new(whom), AtomicU64::new(0));
        let source = Source::Party(Box::new(Party { secrets, watches, whom, changes, minter }));
        Ok(Self::new(definition, unit, source))
    }

    /// For everybody: with nobody's credentials, and without saying who calls.
    pub(crate) fn shared(definition: Arc<Definition>) -> Self {
        Self::new(definition, "shared".into(), Source::Nobody)
    }

    /// What is filled in already, for tests of what sends it.
    #[cfg(test)]
    pub(crate) fn fixed(
        definition: Definition,
        headers: HeaderMap,
        environment: Vec<(String, Zeroizing<String>)>,
    ) -> Self {
        Self::new(Arc::new(definition), "test".into(), Source::Fixed { headers, environment })
    }

    fn new(definition: Arc<Definition>, unit: String, source: Source) -> Self {
        let (url, headers) = (Mutex::default(), Mutex::default());
        Self { inner: Arc::new(Inner { definition, unit: unit.into(), source, url, headers }) }
    }

    /// The upstream.
    pub(crate) fn definition(&self) -> &Arc<Definition> {
        &self.inner.definition
    }

    /// Whose session it is, for logs: the client's session, `tenant …` or `shared`.
    pub(crate) fn unit(&self) -> &str {
        &self.inner.unit
    }

    /// A number that is higher after each change of what is filled in: by it, whoever started a child with some of
    /// it learns that there is another. Tokens that are only renewed do not count.
    pub(crate) fn version(&self) -> u64 {
        let Source::Party(party) = &self.inner.source else { return 0 };
        party.watches.iter().map(Watch::count).sum::<u64>() + party.changes.load(Ordering::Acquire)
    }

    /// Notes how the one for whom it was opened is seen now: another role is told from the next request on. Anybody
    /// else is ignored.
    pub(crate) fn renew(&self, scope: &TenantScope) {
        let Source::Party(party) = &self.inner.source else { return };
        let now = whom(&self.inner.definition, scope);
        let known = party.whom.read();
        let id = |whom: &Identity| whom.user.as_ref().map(|user| user.id);
        if *known == now || known.tenant != now.tenant || id(&known) != id(&now) {
            return;
        }
        drop(known);
        *party.whom.write() = now;
        party.changes.fetch_add(1, Ordering::AcqRel);
    }

    /// The endpoint. Never to be logged.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when a credential is missing or can't stand there.
    pub(crate) async fn url(&self) -> Result<Url, Failure> {
        let template = match &self.inner.definition.reach {
            Reach::Http { url, .. } | Reach::WebSocket { url, .. } => url,
            Reach::OpenApi { base_url: Some(url), .. } => url,
            Reach::OpenApi { .. } | Reach::Command { .. } => {
                return Err(Failure::Incomplete("it has no URL of its own".into()));
            }
        };
        let version = self.version();
        if let Some(kept) = self.inner.url.lock().as_ref().filter(|kept| kept.version == version) {
            return Ok(kept.value.clone());
        }
        let value = fill::url(template, &self.values([template]).await?)?;
        *self.inner.url.lock() = Some(Kept { version, until: i64::MAX, value: value.clone() });
        Ok(value)
    }

    /// What is sent with each request: the configured headers, and as `Authorization` a token that says who calls,
    /// or the one that the upstream gave, where there is one.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when a credential is missing or can't stand there.
    pub(crate) async fn headers(&self) -> Result<HeaderMap, Failure> {
        // Before it is read: a change in between then shows.
        let version = self.version();
        let good = |kept: &&Kept<HeaderMap>| kept.version == version && now() < kept.until;
        if let Some(kept) = self.inner.headers.lock().as_ref().filter(good) {
            return Ok(kept.value.clone());
        }
        let mut headers = self.configured_headers().await?;
        let mut until = i64::MAX;
        if let Some(token) = self.bearer(&mut until).await? {
            headers.insert(AUTHORIZATION, fill::header("Authorization", &format!("Bearer {}", *token))?);
        }
        *self.inner.headers.lock() = Some(Kept { version, until, value: headers.clone() });
        Ok(headers)
    }

    /// What is added to a request's query.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when a credential is missing.
    pub(crate) async fn query(&self) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
        let Reach::OpenApi { query, .. } = &self.inner.definition.reach else { return Ok(Vec::new()) };
        let values = self.values(query.values()).await?;
        query.iter().map(|(name, template)| Ok((name.clone(), values.fill(template)?))).collect()
    }

    /// The environment of a child: what is configured, and who it is for.
    ///
    /// # Errors
    /// [`Failure::Incomplete`] when a credential is missing or can't stand there.
    pub(crate) async fn environment(&self) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
        #[cfg(test)]
        if let Source::Fixed { environment, .. } = &self.inner.source {
            return Ok(environment.clone());
        }
        let Reach::Command { environment, .. } = &self.inner.definition.reach else { return Ok(Vec::new()) };
        let values = self.values(environment.values()).await?;
        let mut all = Vec::with_capacity(environment.len() + 5);
        let ours = self.identity().map(fill::identity).unwrap_or_default();
        for (name, template) in environment.iter().filter(|(name, _)| ours.iter().all(|(own, _)| own != *name)) {
            let value = values.fill(template)?;
            if value.contains('\0') {
                return Err(Failure::Incomplete(format!("the value of its variable {name} holds a zero byte")));
            }
            all.push((name.clone(), value));
        }
        all.extend(ours.into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        Ok(all)
    }

    async fn configured_headers(&self) -> Result<HeaderMap, Failure> {
        #[cfg(test)]
        if let Source::Fixed { headers, .. } = &self.inner.source {
            return Ok(headers.clone());
        }
        let (Reach::Http { headers, .. } | Reach::WebSocket { headers, .. } | Reach::OpenApi { headers, .. }) =
            &self.inner.definition.reach
        else {
            return Ok(HeaderMap::new());
        };
        let values = self.values(headers.values()).await?;
        let filled = headers.iter().map(|(name, template)| {
            let wrong = |_| Failure::Incomplete(format!("{name:?} is no name of a header"));
            let header: HeaderName = name.parse().map_err(wrong)?;
            Ok::<(HeaderName, HeaderValue), Failure>((header, fill::header(name, &values.fill(template)?)?))
        });
        filled.collect()
    }

    fn identity(&self) -> Option<Identity> {
        match &self.inner.source {
            Source::Party(party) => Some(party.whom.read().clone()),
            _ => None,
        }
    }

    /// The credentials that these need.
    async fn values<'t>(&self, templates: impl IntoIterator<Item = &'t Template>) -> Result<Values, Failure> {
        let names: BTreeSet<&str> = templates.into_iter().flat_map(Template::credentials).collect();
        let mut values = Values::default();
        for name in names {
            let Source::Party(party) = &self.inner.source else {
                return Err(Failure::Incomplete("an upstream that all share can use no credentials".into()));
            };
            let value = party.secrets.credential(name).await.map_err(|error| self.unusable(&error))?;
            values.put(name, value.ok_or_else(|| fill::not_set(name))?);
        }
        Ok(values)
    }

    /// What callers are told of a fault, of which the log says more.
    fn unusable(&self, error: &crate::error::Error) -> Failure {
        let Inner { definition, unit, .. } = &*self.inner;
        tracing::error!(upstream = definition.name, %unit, %error, "could not put together what an upstream is called with");
        Failure::Incomplete(if error.is_internal() {
            "its credentials can't be read; whoever runs the server finds more in the log".into()
        } else {
            error.to_string()
        })
    }
}

impl fmt::Debug for Outward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { definition, unit, .. } = &*self.inner;
        f.debug_struct("Outward").field("upstream", &definition.name).field("unit", unit).finish_non_exhaustive()
    }
}

/// For whom an upstream is called by who is signed in.
fn whom(definition: &Definition, scope: &TenantScope) -> Identity {
    let principal = scope.principal();
    let user = (definition.isolation == Isolation::Session).then(|| IdentifiedUser {
        id: principal.user(),
        email: principal.email().to_owned(),
        role: principal.role(),
    });
    Identity { tenant: principal.tenant(), tenant_name: principal.tenant_name().to_owned(), user }
}

/// All credentials that an upstream needs.
pub(crate) fn names(definition: &Definition) -> BTreeSet<&str> {
    let (one, many, more): (Option<&Template>, Vec<&Template>, Vec<&Template>) = match &definition.reach {
        Reach::Command { environment, .. } => (None, environment.values().collect(), Vec::new()),
        Reach::Http { url, headers } | Reach::WebSocket { url, headers } => {
            (Some(url), headers.values().collect(), Vec::new())
        }
        Reach::OpenApi { base_url, headers, query, .. } => {
            (base_url.as_ref(), headers.values().collect(), query.values().collect())
        }
    };
    let secret = definition.authorization.as_ref().and_then(|options| options.client_secret.as_ref());
    one.into_iter().chain(secret).chain(many).chain(more).flat_map(Template::credentials).collect()
}
