//! The plain JSON side, for web apps and scripts that sign in without MCP: `/auth/…`, and what others need to
//! check our tokens and to know our endpoints.
//!
//! It reads requests, asks `auth` as the tools do, and writes answers. Who may sign in, and how often one may
//! fail, it does not know.

mod body;
mod reply;
mod types;

pub(super) use types::{ErrorBody, Me, Refresh, SignIn, SignUp, SignedIn};

use super::{credential, openapi};
use crate::error::{Error, Result};
use crate::session::SessionManager;
use crate::tenancy::{Principal, Role};
use crate::time::{self, Time};
use crate::tools::{TenantChoice, User, end_family};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// An endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    SignUp,
    SignIn,
    Refresh,
    SignOut,
    Me,
    Keys,
    Document,
}

/// What answers at the endpoints.
pub(super) struct AuthApi {
    manager: Arc<SessionManager>,
    /// The OpenAPI document.
    document: Bytes,
    /// How long a body may take to arrive.
    patience: Duration,
}

impl Route {
    /// All of them, in the order in which they are documented.
    pub(super) const ALL: [Self; 7] =
        [Self::SignUp, Self::SignIn, Self::Refresh, Self::SignOut, Self::Me, Self::Keys, Self::Document];

    /// The endpoint at a path.
    pub(super) fn find(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|route| route.path() == path)
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::SignUp => "/auth/sign-up",
            Self::SignIn => "/auth/sign-in",
            Self::Refresh => "/auth/refresh",
            Self::SignOut => "/auth/sign-out",
            Self::Me => "/auth/me",
            Self::Keys => "/.well-known/jwks.json",
            Self::Document => "/openapi.json",
        }
    }

    /// What it is asked with; where that is GET, HEAD does as well.
    pub(super) fn method(self) -> Method {
        match self {
            Self::SignUp | Self::SignIn | Self::Refresh | Self::SignOut => Method::POST,
            Self::Me | Self::Keys | Self::Document => Method::GET,
        }
    }

    /// Whether it is a document that is the same for everybody, and kept in between.
    fn is_public(self) -> bool {
        matches!(self, Self::Keys | Self::Document)
    }

    fn serves(self, method: &Method) -> bool {
        *method == self.method() || *method == Method::HEAD && self.method() == Method::GET
    }
}

impl AuthApi {
    pub(super) fn new(manager: Arc<SessionManager>, patience: Duration) -> Self {
        Self { manager, document: openapi::document().into(), patience }
    }

    /// Answers a request.
    pub(super) async fn serve(&self, route: Route, request: Request<Incoming>, from: IpAddr) -> Response<Bytes> {
        if !route.serves(request.method()) {
            return reply::method_not_allowed(&route.method());
        }
        if !route.is_public()
            && let Err(too_soon) = self.manager.check_rates(from, None)
        {
            return reply::error(route, &too_soon);
        }
        let (parts, body) = request.into_parts();
        let incoming = body::Arriving { route, headers: &parts.headers, body, patience: self.patience };
        let answered = match route {
            Route::SignUp => match incoming.read().await {
                Ok(sign_up) => self.sign_up(sign_up, from).await.map(|new| reply::json(StatusCode::CREATED, &new)),
                Err(unread) => return reply::unread(route, &unread),
            },
            Route::SignIn => match incoming.read().await {
                Ok(sign_in) => self.sign_in(sign_in, from).await.map(|known| reply::json(StatusCode::OK, &known)),
                Err(unread) => return reply::unread(route, &unread),
            },
            Route::Refresh => match incoming.read::<Refresh>().await {
                Ok(Refresh { refresh_token }) => {
                    let renewed = self.manager.strategies().tokens.refresh(refresh_token.token(), from).await;
                    renewed.map(|tokens| reply::json(StatusCode::OK, &tokens))
                }
                Err(unread) => return reply::unread(route, &unread),
            },
            Route::SignOut => self.sign_out(&parts.headers, from).await.map(|()| reply::nothing()),
            Route::Me => self.me(&parts.headers, from).await.map(|me| reply::json(StatusCode::OK, &me)),
            Route::Keys => self.manager.strategies().tokens.keys().jwks().await.map(reply::public),
            Route::Document => Ok(reply::public(self.document.clone())),
        };
        answered.unwrap_or_else(|error| reply::error(route, &error))
    }

    async fn sign_up(&self, SignUp { email, password, tenant_name }: SignUp, from: IpAddr) -> Result<SignedIn> {
        let principal = self.manager.passwords().sign_up(&email, password, &tenant_name, from).await?;
        self.note(&principal, "auth.sign_in").await?;
        self.enter(principal, from).await
    }

    async fn sign_in(&self, sign_in: SignIn, from: IpAddr) -> Result<SignedIn> {
        let SignIn { email, password, invitation, tenant } = sign_in;
        let principal = self.manager.passwords().sign_in(&email, password, invitation.as_deref(), from).await?;
        self.note(&principal, "auth.sign_in").await?;
        let Some(tenant) = tenant else { return self.enter(principal, from).await };
        let there = self.manager.authority().switch(&principal, &tenant, time::now()).await?;
        self.note(&there, "tenant.switch").await?;
        self.enter(there, from).await
    }

    async fn note(&self, principal: &Principal, action: &'static str) -> Result<()> {
        self.manager.authority().directory().note_entry(principal, action, time::now()).await
    }

    async fn sign_out(&self, headers: &HeaderMap, from: IpAddr) -> Result<()> {
        let principal = self.bearer(headers, from).await?;
        end_family(self.manager.strategies(), &principal).await
    }

    async fn me(&self, headers: &HeaderMap, from: IpAddr) -> Result<Me> {
        let principal = self.bearer(headers, from).await?;
        let tenants = if principal.is_bound_to_tenant() { None } else { Some(self.tenants(&principal).await?) };
        Ok(Me {
            user: User::of(&principal),
            tenant: principal.named_tenant(),
            role: principal.role(),
            proof: principal.proof().as_str(),
            until: principal.until().map(Time::stored),
            tenants,
        })
    }

    /// Gives tokens to who has just signed in.
    async fn enter(&self, principal: Principal, from: IpAddr) -> Result<SignedIn> {
        let tenants = self.tenants(&principal).await?;
        let tokens = self.manager.strategies().tokens.issue(&principal).await?;
        let role: Role = principal.role();
        tracing::info!(%from, user = principal.email(), tenant = principal.tenant_name(), %role, "signed in");
        Ok(SignedIn { user: User::of(&principal), tenant: principal.named_tenant(), role, tenants, tokens })
    }

    async fn tenants(&self, principal: &Principal) -> Result<Vec<TenantChoice>> {
        let memberships = self.manager.authority().directory().memberships(principal.user()).await?;
        Ok(memberships.into_iter().map(TenantChoice::of).collect())
    }

    /// Whoever a request's token admits.
    async fn bearer(&self, headers: &HeaderMap, from: IpAddr) -> Result<Principal> {
        if !headers.contains_key(AUTHORIZATION) {
            return Err(Error::NotSignedIn(
                "This needs an access token or an API key, as the header Authorization: Bearer …. POST /auth/sign-in gives a token.".into(),
            ));
        }
        self.manager.strategies().bearers.admit(&credential::of_header(headers)?, from).await
    }
}
