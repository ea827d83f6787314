//! Tokens that tell an upstream who calls. They are signed with the keys of access tokens, and are none.

use super::token::TokenStrategy;
use crate::error::Result;
use crate::tenancy::{Role, TenantId, UserId};
use crate::time::now;
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The `typ` of such a token, by which this server refuses it as an access token.
const TYPE: &str = "JWT";
/// The longest that one is good. For as long, a key that signs no more goes on verifying.
pub(crate) const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// For whom an upstream is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) tenant: TenantId,
    pub(crate) tenant_name: String,
    /// Who it is, where the upstream is called for one user.
    pub(crate) user: Option<IdentifiedUser>,
}

/// A user in the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IdentifiedUser {
    pub(crate) id: UserId,
    pub(crate) email: String,
    pub(crate) role: Role,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    /// The user, or the tenant where it is called for all of its members.
    sub: String,
    tenant: TenantId,
    tenant_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    iat: i64,
    nbf: i64,
    exp: i64,
    jti: Uuid,
}

impl TokenStrategy {
    /// A token for one audience, and until when it is good, in milliseconds since 1970.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) when there is no key to sign with.
    pub(crate) async fn identify(
        &self,
        whom: &Identity,
        audience: &str,
        lifetime: Duration,
    ) -> Result<(Zeroizing<String>, i64)> {
        let (now, lives) = (now() / 1000, lifetime.clamp(Duration::from_secs(1), MAX_LIFETIME).as_secs());
        let exp = now.saturating_add_unsigned(lives);
        let claims = Claims {
            iss: &self.options().issuer,
            aud: audience,
            sub: whom.user.as_ref().map_or_else(|| whom.tenant.to_string(), |user| user.id.to_string()),
            tenant: whom.tenant,
            tenant_name: &whom.tenant_name,
            role: whom.user.as_ref().map(|user| user.role),
            email: whom.user.as_ref().map(|user| user.email.as_str()),
            iat: now,
            nbf: now,
            exp,
            jti: Uuid::now_v7(),
        };
        Ok((self.keys().sign(TYPE, &claims).await?.into(), exp * 1000))
    }
}
