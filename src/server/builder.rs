//! Puts a server together from what it is to serve.

use super::metrics::Listener;
use super::origin::Gate;
use super::tls::Tls;
use super::upstreams::UpstreamTables;
use super::{Server, ServerOptions};
use crate::auth::{Strategies, StrategyOptions, oidc_strategies};
use crate::error::Result;
use crate::mcp::{About, Dispatcher, Features, Registry};
use crate::session::SessionManager;
use crate::store::Store;
use crate::tenancy::{Authority, Vault};
use crate::tools::{Completions, Prompts, Resources, Tool};
use crate::upstream::{Catalogue, Upstreams};
use std::collections::HashSet;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A server in the making. What it says that it can do follows from what it is given.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    options: ServerOptions,
    tools: Vec<Tool>,
    resources: Vec<Arc<dyn Resources>>,
    prompts: Vec<Arc<dyn Prompts>>,
    completions: Vec<Arc<dyn Completions>>,
    about: About,
}

impl Builder {
    pub(super) fn new(options: ServerOptions) -> Self {
        let (tools, resources, prompts, completions) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { options, tools, resources, prompts, completions, about: About::default() }
    }

    /// Adds tools, which are listed in this order.
    pub fn tools(mut self, tools: impl IntoIterator<Item = Tool>) -> Self {
        self.tools.extend(tools);
        self
    }

    /// Adds resources. They are listed behind those that are there already.
    pub fn resources(mut self, provider: impl Resources + 'static) -> Self {
        self.resources.push(Arc::new(provider));
        self
    }

    /// Adds prompts. They are listed behind those that are there already.
    pub fn prompts(mut self, provider: impl Prompts + 'static) -> Self {
        self.prompts.push(Arc::new(provider));
        self
    }

    /// Adds who completes arguments.
    pub fn completions(mut self, provider: impl Completions + 'static) -> Self {
        self.completions.push(Arc::new(provider));
        self
    }

    /// Names it: for programs, for people, and its version.
    pub fn named(mut self, name: &str, title: &str, version: &str) -> Self {
        self.about = self.about.named(name, title, version);
        self
    }

    /// Tells models how to work with it.
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.about = self.about.instructed(instructions);
        self
    }

    /// Opens the database and puts the parts together.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) when an option can't be used or two tools share a name.
    pub fn build(self) -> Result<Server> {
        let Self { options, tools, resources, prompts, completions, about } = self;
        let gate = Gate::new(&options)?;
        let tls = options.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let registry = Registry::new(tools)?;
        let tables = UpstreamTables::new(options.upstreams.clone(), &registry)?;
        let metrics = options.metrics.map(Listener::bind).transpose()?;
        let store = Store::open_exclusively(&options.store)?;
        let vault = Vault::open_for(options.master_key.load()?, &store)?;
        let authority = Authority::new(store.clone(), options.quotas, vault);
        let tokens = options.token_options();
        // Without a public URL the issuer is where the server listens.
        let found_at = options.public_url.clone().unwrap_or_else(|| tokens.issuer.clone());
        let issuers = oidc_strategies(&authority, &options.oidc, &tokens.issuer)?;
        let strategies = StrategyOptions { password: options.password, throttle: options.throttle, tokens };
        let strategies = Strategies::new(authority.clone(), strategies, issuers)?;
        let manager = Arc::new(SessionManager::new(options.sessions.clone(), authority, strategies));
        let tasks = TaskTracker::new();
        let reserved: HashSet<_> = registry.iter().map(|tool| tool.name.clone().into_owned()).collect();
        let catalogue = Catalogue::new(options.own_upstreams, reserved.iter().cloned());
        let gateway = Upstreams::new(Arc::clone(&manager), catalogue, reserved, &found_at, tasks.clone());
        gateway.replace(&tables.get());
        let upstreams = Arc::clone(&gateway);
        let features = Features { registry, resources, prompts, completions, about, upstreams };
        let dispatcher = Dispatcher::new(manager, features)?;
        Ok(Server {
            options,
            dispatcher,
            store,
            tasks,
            gateway,
            tables,
            closing: CancellationToken::new(),
            tls,
            gate,
            metrics,
        })
    }
}
