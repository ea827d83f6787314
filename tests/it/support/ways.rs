//! The ways in: over which transport somebody comes, and with what they prove who they are.

use super::issuer::{Issuer, Signer};
use super::link::Link;
use super::{Client, PASSWORD, email};
use serde_json::{Value, json};
use sessile::auth::OidcOptions;
use sessile::tenancy::Role;
use sessile::wire::Era;
use std::net::SocketAddr;
use std::time::SystemTime;

/// What tokens of the other issuer are for.
const AUDIENCE: &str = "sessile-test";

/// How people come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By a tool call on a WebSocket.
    SignIn,
    /// With a bearer token.
    Bearer(Transport, Credential),
}

/// What carries messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    HttpLegacy,
    HttpModern,
}

/// What a bearer token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credential {
    /// An access token, for a password.
    AccessToken,
    /// An API key of the user's own role.
    ApiKey,
    /// A token of another issuer, which vouches for the role.
    External,
}

impl Way {
    /// The one era that the way is of, if it is of one.
    pub(crate) fn era(self) -> Option<Era> {
        match self {
            Self::Bearer(Transport::HttpLegacy, _) => Some(Era::Legacy),
            Self::Bearer(Transport::HttpModern, _) => Some(Era::Modern),
            _ => None,
        }
    }

    /// The eras in which one can come in this way.
    pub(crate) fn eras(self) -> Vec<Era> {
        self.era().map_or_else(|| vec![Era::Legacy, Era::Modern], |only| vec![only])
    }

    /// Whether who comes in this way stays in the tenant of their credential.
    pub(crate) fn is_bound(self) -> bool {
        matches!(self, Self::Bearer(_, Credential::ApiKey | Credential::External))
    }

    /// Whether an API key is what proves who comes in this way.
    pub(crate) fn is_api_key(self) -> bool {
        matches!(self, Self::Bearer(_, Credential::ApiKey))
    }

    /// Whether there are sessions that last longer than a request.
    pub(crate) fn has_sessions(self) -> bool {
        !matches!(self, Self::Bearer(Transport::HttpModern, _))
    }

    /// Opens it.
    pub(crate) async fn link(self, address: SocketAddr, era: Era, token: Option<&str>) -> Link {
        match self {
            Self::SignIn | Self::Bearer(Transport::WebSocket, _) => {
                let bearer = token.map(|token| format!("Bearer {token}"));
                let headers: Vec<_> = bearer.iter().map(|bearer| ("Authorization", bearer.as_str())).collect();
                Link::socket(address, &headers).await
            }
            Self::Bearer(..) => Link::http(address, era, token).await,
        }
    }

    /// A credential of who is signed in on a connection, called `name`, for the tenant that they are in.
    pub(crate) async fn credential(
        self,
        mut signed_in: Client,
        address: SocketAddr,
        name: &str,
        issuer: Option<&Voucher>,
    ) -> String {
        let Self::Bearer(_, credential) = self else { panic!("a sign-in needs no credential but the password") };
        let token = match credential {
            Credential::AccessToken => access_token(address, name).await,
            Credential::ApiKey => {
                let role = &signed_in.tool("auth_whoami", json!({})).await["role"];
                let key = signed_in.tool("auth_create_api_key", json!({ "name": "test", "role": role })).await;
                key["key"].as_str().expect("a key").to_owned()
            }
            Credential::External => {
                let whoami = signed_in.tool("auth_whoami", json!({})).await;
                issuer.expect("there is an issuer").vouch(name, &whoami)
            }
        };
        signed_in.close().await;
        token
    }
}

/// An issuer that may let anybody into any tenant of a server.
pub(crate) struct Voucher {
    issuer: Issuer,
    signer: Signer,
}

impl Voucher {
    pub(crate) async fn start() -> Self {
        let signer = Signer::ed25519("only");
        Self { issuer: Issuer::start(&[&signer]).await, signer }
    }

    /// What a server is told of it.
    pub(crate) fn options(&self) -> OidcOptions {
        OidcOptions {
            tenant_claim: Some("tenant".into()),
            role_claim: Some("role".into()),
            roles: Role::ALL.map(|role| (role.as_str().to_owned(), role)).into(),
            provision: true,
            ..OidcOptions::new("voucher", &self.issuer.url, AUDIENCE, "*")
        }
    }

    /// A token for somebody in the tenant and with the role that they have just been told are theirs.
    fn vouch(&self, name: &str, whoami: &Value) -> String {
        let now = SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_secs();
        self.signer.sign(&json!({
            "iss": self.issuer.url,
            "aud": AUDIENCE,
            "sub": name,
            "iat": now,
            "exp": now + 3600,
            "email": email(name),
            "tenant": whoami["tenant"]["id"],
            "role": whoami["role"],
        }))
    }
}

/// An access token for a password, in the tenant that was used last.
async fn access_token(address: SocketAddr, name: &str) -> String {
    let mut stranger = Box::pin(Client::connect_by(
        Way::Bearer(Transport::HttpModern, Credential::AccessToken),
        address,
        Era::Modern,
        None,
    ))
    .await;
    let arguments = json!({ "email": email(name), "password": PASSWORD });
    let identity: Value = stranger.tool("auth_sign_in", arguments).await;
    identity["tokens"]["access_token"].as_str().expect("an access token").to_owned()
}
