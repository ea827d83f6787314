//! The `auth` family: who is signed in.

mod keys;
mod reset;

use super::input::{Email, Key, Text};
use super::{Access, Effect, Reply, SessionCaller, Tool};
use crate::auth::{Secret, Strategies, Tokens};
use crate::error::{Error, Result};
use crate::session::{EndReason, SessionManager, SessionView};
use crate::tenancy::{Membership, Named, Principal, Role, SessionId, TenantScope};
use crate::time::{self, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// The family's tools.
pub(super) fn tools() -> Vec<Tool> {
    let signed_in = Access::Role(Role::Viewer);
    vec![
        Tool::about_sessions("auth_whoami", Access::Anyone, Effect::Reads, whoami).described(
            "Who am I?",
            "Tells who is signed in, in which tenant and with which role, or that nobody is.",
        ),
        Tool::about_sessions("auth_sign_in", Access::Anyone, Effect::Changes, sign_in).exclusive().described(
            "Sign in",
            "Signs in with email and password, to the tenant used last. Over WebSocket, every later call on the connection works on that tenant's data. Over HTTP, the result has tokens: the access token goes with each later request, as Authorization: Bearer.",
        ),
        Tool::about_sessions("auth_sign_up", Access::Anyone, Effect::Adds, sign_up).exclusive().described(
            "Sign up",
            "Creates an account and a new tenant that it owns, and signs in as auth_sign_in does.",
        ),
        Tool::about_sessions("auth_sign_out", signed_in, Effect::Changes, sign_out)
            .exclusive()
            .described("Sign out", "Signs out. A WebSocket stays open, and somebody can sign in on it again. Over HTTP, the tokens of this sign-in work no more."),
        Tool::about_sessions("auth_change_password", signed_in, Effect::Changes, change_password).exclusive().described(
            "Change the password",
            "Replaces one's own password. Every other session of the same user ends; this one stays signed in, over HTTP by the new tokens in the result.",
        ),
        reset::tool(),
        Tool::about_sessions("auth_sessions", signed_in, Effect::Reads, sessions)
            .described("List my sessions", "Lists the open sessions in which one is signed in, in all tenants."),
        Tool::about_sessions("auth_end_session", signed_in, Effect::Changes, end_session)
            .described("End one of my sessions", "Ends another session of one's own, at once. auth_sessions lists them."),
        Tool::new("auth_create_api_key", Role::Viewer, Effect::Adds, keys::create).described(
            "Create an API key",
            "Makes a secret with which scripts act as oneself in this tenant, without the password. It is shown once and is stored hashed. It never may do more than its owner, and ends with their membership.",
        ),
        Tool::new("auth_api_keys", Role::Viewer, Effect::Reads, keys::list)
            .described("List API keys", "Lists one's own API keys in this tenant, or as an admin those of all members, newest first."),
        // Exclusive, so that a key that revokes itself gets the answer before it takes effect.
        Tool::new("auth_revoke_api_key", Role::Viewer, Effect::Changes, keys::revoke).exclusive().described(
            "Revoke an API key",
            "Takes back an API key of one's own, or as an admin one of any member. Connections that were opened with it close at once.",
        ),
    ]
}

/// What is said with tokens. They themselves are in the data alone: what is for people is quoted and kept.
const HOW_TO_USE_TOKENS: &str = " This holds for requests that carry the access token: send tokens.access_token of the structured result with each, as the header Authorization: Bearer, and before it expires, give tokens.refresh_token to POST /auth/refresh for the next pair.";

/// No arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    /// The account's email address.
    email: Email,
    /// The account's password.
    password: Secret,
    /// The code of an invitation to another tenant, to become a member of it and sign in there.
    invitation: Option<Text<200>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SignUp {
    /// The new account's email address.
    email: Email,
    /// Its password, of 8 to 1,024 characters.
    password: Secret,
    /// What the new tenant is called, such as a company's name.
    tenant_name: Text<200>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    /// The password as it is now.
    current_password: Secret,
    /// The password as it is to be, of 8 to 1,024 characters.
    new_password: Secret,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OneSession {
    /// The session's id.
    pub(super) session_id: Key,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct User {
    id: Uuid,
    email: Arc<str>,
}

/// A tenant that one is a member of.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TenantChoice {
    id: Uuid,
    name: String,
    role: Role,
}

/// Who is signed in after a sign-in or a switch.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Identity {
    session_id: Uuid,
    user: User,
    tenant: Named,
    role: Role,
    /// The tenants that tenant_switch can switch to.
    tenants: Vec<TenantChoice>,
    /// What to authenticate the requests that follow with, where each request needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct WhoAmI {
    session_id: Uuid,
    signed_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<Named>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_in_at: Option<Time>,
    /// How they proved who they are: password, access_token, api_key or external.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<&'static str>,
    /// When that ends by itself, if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Time>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SignedOut {
    signed_out: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PasswordChanged {
    /// How many other sessions of the user end by this.
    sessions_ended: usize,
    /// New tokens in place of those that the change has ended, where each request needs one.
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens: Option<Tokens>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Sessions {
    pub(super) sessions: Vec<SessionView>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Ended {
    pub(super) ended: bool,
}

async fn whoami(caller: SessionCaller, _: Nothing) -> Result<Reply<WhoAmI>> {
    let session_id = caller.session.id().uuid();
    let Ok(principal) = caller.scope().map(TenantScope::principal) else {
        let nobody = WhoAmI {
            session_id,
            signed_in: false,
            user: None,
            tenant: None,
            role: None,
            signed_in_at: None,
            proof: None,
            until: None,
        };
        let text = if caller.session.is_per_request() {
            "Nobody is signed in: this request brought no token. auth_sign_in gives one."
        } else {
            "Nobody is signed in on this connection. Sign in with auth_sign_in."
        };
        return Ok(Reply::new(nobody, text));
    };
    let text = signed_in_as(principal);
    let somebody = WhoAmI {
        session_id,
        signed_in: true,
        user: Some(User::of(principal)),
        tenant: Some(principal.named_tenant()),
        role: Some(principal.role()),
        signed_in_at: Some(Time::stored(principal.since())),
        proof: Some(principal.proof().as_str()),
        until: principal.until().map(Time::stored),
    };
    Ok(Reply::new(somebody, text))
}

async fn sign_in(caller: SessionCaller, call: Credentials) -> Result<Reply<Identity>> {
    let (passwords, from) = (caller.manager.passwords(), caller.session.peer());
    let principal = passwords.sign_in(&call.email, call.password, call.invitation.as_deref(), from).await?;
    enter(&caller, principal, "auth.sign_in").await
}

async fn sign_up(caller: SessionCaller, SignUp { email, password, tenant_name }: SignUp) -> Result<Reply<Identity>> {
    let passwords = caller.manager.passwords();
    let principal = passwords.sign_up(&email, password, &tenant_name, caller.session.peer()).await?;
    enter(&caller, principal, "auth.sign_in").await
}

async fn sign_out(caller: SessionCaller, _: Nothing) -> Result<Reply<SignedOut>> {
    let principal = caller.scope()?.principal();
    if caller.session.is_per_request() {
        end_family(caller.manager.strategies(), principal).await?;
        return Ok(Reply::new(SignedOut { signed_out: true }, "Signed out. The tokens of this sign-in work no more."));
    }
    caller.manager.authority().directory().note_sign_out(principal, caller.session.id(), time::now()).await?;
    tracing::info!(session = %caller.session.id(), user = principal.email(), "signed out");
    caller.manager.sign_out(&caller.session);
    Ok(Reply::new(
        SignedOut { signed_out: true },
        "Signed out. The connection stays open; sign in again with auth_sign_in.",
    ))
}

/// Ends the sign-in that an access token follows from.
///
/// # Errors
/// [`Error::NotAllowed`] for a request that was made with another token.
pub(crate) async fn end_family(strategies: &Strategies, principal: &Principal) -> Result<()> {
    if !strategies.tokens.sign_out(principal).await? {
        return Err(Error::NotAllowed(
            "There is nothing to sign out of: this request was made with an API key or with another issuer's token. auth_revoke_api_key revokes a key.".into(),
        ));
    }
    tracing::info!(user = principal.email(), "signed out");
    Ok(())
}

async fn change_password(caller: SessionCaller, change: ChangePassword) -> Result<Reply<PasswordChanged>> {
    let principal = caller.scope()?.principal();
    let others = caller.manager.of_user(principal.user(), caller.session.id());
    let sessions_ended = others.iter().filter(|session| !session.current).count();
    let passwords = caller.manager.passwords();
    let renewed =
        passwords.change(principal, change.current_password, change.new_password, caller.session.peer()).await?;
    let tokens = tokens(&caller, &renewed).await?;
    tracing::info!(session = %caller.session.id(), user = principal.email(), sessions_ended, "password changed");
    let mut text = format!("The password is changed. Other sessions ended: {sessions_ended}.");
    if tokens.is_some() {
        text.push_str(HOW_TO_USE_TOKENS);
    } else {
        caller.manager.renew(&caller.session, renewed);
    }
    Ok(Reply::new(PasswordChanged { sessions_ended, tokens }, text))
}

async fn sessions(caller: SessionCaller, _: Nothing) -> Result<Reply<Sessions>> {
    let sessions = caller.manager.of_user(caller.scope()?.principal().user(), caller.session.id());
    Ok(Reply::new(Sessions { sessions: sessions.clone() }, describe(&sessions)))
}

async fn end_session(caller: SessionCaller, OneSession { session_id }: OneSession) -> Result<Reply<Ended>> {
    let user = caller.scope()?.principal().user();
    end(&caller, &session_id, |principal| principal.user() == user, "auth.end_session").await
}

/// Ends the session with this id, if it is one of those that `may` be ended by the caller.
pub(super) async fn end(
    caller: &SessionCaller,
    id: &str,
    may: impl Fn(&Principal) -> bool,
    action: &'static str,
) -> Result<Reply<Ended>> {
    let found =
        SessionId::parse(id).and_then(|id| caller.manager.signed_in(id)).filter(|(_, principal)| may(principal));
    let Some((session, principal)) = found else {
        return Err(Error::NotFound(format!("There is no session {id:?} that you could end.")));
    };
    let detail = format!("session {} of {}", session.id(), principal.email());
    let write = caller.scope()?.write().end_resumable(principal.user(), session.id());
    write.audit(action, &detail, time::now()).commit().await?;
    session.end(EndReason::Ended);
    Ok(Reply::new(Ended { ended: true }, format!("Ended {detail}.")))
}

/// Signs the caller's session in as a principal, notes that, and describes it.
pub(super) async fn enter(
    caller: &SessionCaller,
    principal: Principal,
    action: &'static str,
) -> Result<Reply<Identity>> {
    let directory = caller.manager.authority().directory();
    let memberships = directory.memberships(principal.user()).await?;
    if !caller.session.is_per_request() {
        caller.manager.sign_in(&caller.session, principal.clone())?;
    }
    // Only now: there may have been no room for one more session.
    directory.note_entry(&principal, action, time::now()).await?;
    let tokens = tokens(caller, &principal).await?;
    SessionManager::log_entry(&caller.session, &principal, "signed in");
    let tenants: Vec<_> = memberships.into_iter().map(TenantChoice::of).collect();
    let mut text = signed_in_as(&principal);
    if tenants.len() > 1 {
        let names: Vec<_> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
        text.push_str(&format!(" Your tenants: {}; tenant_switch changes between them.", names.join(", ")));
    }
    if tokens.is_some() {
        text.push_str(HOW_TO_USE_TOKENS);
    }
    let identity = Identity {
        session_id: caller.session.id().uuid(),
        user: User::of(&principal),
        tenant: principal.named_tenant(),
        role: principal.role(),
        tenants,
        tokens,
    };
    Ok(Reply::new(identity, text))
}

/// Tokens for who has just signed in, if that is to hold for more than this request.
async fn tokens(caller: &SessionCaller, principal: &Principal) -> Result<Option<Tokens>> {
    if !caller.session.is_per_request() {
        return Ok(None);
    }
    caller.manager.strategies().tokens.issue(principal).await.map(Some)
}

pub(super) fn describe(sessions: &[SessionView]) -> String {
    let line = |session: &SessionView| {
        let client = session.client.as_deref().unwrap_or("an unnamed client");
        let current = if session.current { " (this one)" } else { "" };
        let SessionView { id, email, tenant, role, address, signed_in_at, .. } = session;
        format!(
            "\n- {id}{current}: {email} as {role} in {}, {client} from {address}, since {signed_in_at}",
            tenant.name
        )
    };
    let lines: String = sessions.iter().map(line).collect();
    format!("Signed-in sessions: {}.{lines}", sessions.len())
}

impl User {
    pub(crate) fn of(principal: &Principal) -> Self {
        Self { id: principal.user().uuid(), email: principal.shared_email() }
    }
}

impl TenantChoice {
    pub(crate) fn of(membership: Membership) -> Self {
        Self { id: membership.tenant.uuid(), name: membership.tenant_name, role: membership.role }
    }
}

fn signed_in_as(principal: &Principal) -> String {
    ["Signed in as ", principal.email(), ", ", principal.role().with_article(), " of ", principal.tenant_name(), "."]
        .concat()
}
