//! Once a change about a user has been answered, everything that is open sees it: the very next call, and the very
//! next event. Each cause meets each place; the table at the end says what becomes of whom.

use crate::support::http::{Response, request, send};
use crate::support::{Client, HttpClient, PASSWORD, TestServer, email};
use serde_json::{Value, json};
use sessile::store::{Event, RecordKind, Value as Bound, Write};
use sessile::wire::Era;

const PING: &str = r#"{"jsonrpc":"2.0","id":"ping","method":"ping"}"#;
const UPDATED: &str = "notifications/resources/updated";

/// What happens to Bob, or to what he proves himself with.
#[derive(Clone, Copy)]
enum Cause {
    Refreshed,
    RefreshedTwice,
    SignedOut,
    KeyRevoked,
    SigningKeysRotated,
    TenantSuspended,
    AccountDisabled,
    Demoted,
    Removed,
    PasswordChanged,
}

/// With what a place was opened.
#[derive(Clone, Copy)]
enum With {
    /// By the tool, with the password.
    SignIn,
    AccessToken,
    ApiKey,
}

/// What is open, or outstanding.
#[derive(Clone, Copy)]
enum Place {
    WebSocket,
    /// A legacy session over HTTP, and the stream of what it says unasked.
    Session,
    /// A stream of `subscriptions/listen`.
    Subscription,
    /// The credential alone.
    Nothing,
}

/// What becomes of it.
#[derive(Clone, Copy)]
enum Effect {
    Stays,
    /// It stays, with less of a role.
    Lowered,
    /// A WebSocket closes with this code and reason; over HTTP, a request gets this status.
    Ends(u16, &'static str, u16),
}

use Effect::{Ends, Lowered, Stays};

/// Ann's tenant, and Bob, who is a member of it.
struct World {
    server: TestServer,
    ann: Client,
    /// Bob, signed in on a connection that is none of the places.
    bob: Client,
    bobs_id: Value,
    tenant: Value,
    tokens: Value,
    key: Value,
    company: Value,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start().await;
        let mut ann = server.sign_up("ann").await;
        let mut bob = server.join(&mut ann, "bob", "member").await;
        let whoami = bob.tool("auth_whoami", json!({})).await;
        let key = bob.tool("auth_create_api_key", json!({ "name": "a script", "role": "member" })).await;
        let company = ann.tool("crm_company_create", json!({ "name": "Pine" })).await["id"].clone();
        let tokens = server.tokens(&mut bob).await;
        let (bobs_id, tenant) = (whoami["user"]["id"].clone(), whoami["tenant"]["id"].clone());
        Self { server, ann, bob, bobs_id, tenant, tokens, key, company }
    }

    fn token(&self, with: With) -> String {
        let token = match with {
            With::AccessToken => &self.tokens["access_token"],
            With::ApiKey => &self.key["key"],
            With::SignIn => panic!("a sign-in by the tool is of a connection"),
        };
        token.as_str().expect("a token").to_owned()
    }

    fn uri(&self) -> Value {
        json!({ "uri": format!("crm://companies/{}", self.company.as_str().expect("an id")) })
    }

    fn http(&self, era: Era, with: With) -> HttpClient {
        let mut client = self.server.http(era);
        client.token = Some(self.token(with));
        client
    }

    /// It happens, and is answered.
    async fn happen(&mut self, cause: Cause) {
        let (server, bobs_id) = (&self.server, &self.bobs_id);
        match cause {
            Cause::Refreshed => assert_eq!(self.refresh().await.status, 200),
            Cause::RefreshedTwice => {
                assert_eq!([self.refresh().await.status, self.refresh().await.status], [200, 401]);
            }
            Cause::SignedOut => {
                let bearer = format!("Bearer {}", self.token(With::AccessToken));
                let line = "POST /auth/sign-out";
                assert_eq!(request(server.address(), line, &[("Authorization", &bearer)]).await.status, 204);
            }
            Cause::KeyRevoked => {
                self.ann.tool("auth_revoke_api_key", json!({ "key_id": self.key["id"] })).await;
            }
            Cause::SigningKeysRotated => drop(server.admin(&["keys", "rotate"]).await.done()),
            Cause::TenantSuspended => {
                let tenant = self.tenant.as_str().expect("an id");
                server.admin(&["tenants", "suspend", tenant]).await.done();
            }
            Cause::AccountDisabled => drop(server.admin(&["users", "disable", &email("bob")]).await.done()),
            Cause::Demoted => {
                self.ann.tool("tenant_set_role", json!({ "user_id": bobs_id, "role": "viewer" })).await;
            }
            Cause::Removed => drop(self.ann.tool("tenant_remove_member", json!({ "user_id": bobs_id })).await),
            Cause::PasswordChanged => {
                let change = json!({ "current_password": PASSWORD, "new_password": "another long one" });
                self.bob.tool("auth_change_password", change).await;
            }
        }
        // Whoever still may hears of this, and nobody else does. It is told whatever became of the tenant.
        let uuid = |id: &Value| id.as_str().expect("an id").parse().expect("a UUID");
        let (tenant, id) = (uuid(&self.tenant), uuid(&self.company));
        let touch = Write::new().run("UPDATE tenant SET name = name WHERE id = $1", vec![Bound::from(tenant)]);
        let event = Event::Record { tenant, kind: RecordKind::Company, id, list_changed: true };
        self.server.store().write(touch.tell(event)).await.expect("it is told");
    }

    async fn refresh(&self) -> Response {
        let body = json!({ "refresh_token": self.tokens["refresh_token"] }).to_string();
        let headers = [("Content-Type", "application/json")];
        send(self.server.address(), "POST /auth/refresh", &headers, &body).await
    }

    /// Nothing is left of anybody once all have gone.
    async fn end(self) {
        drop((self.ann, self.bob));
        self.server.stop().await;
    }
}

/// What Bob calls to see what he may: a member may create companies.
fn creation() -> (&'static str, Value) {
    ("crm_company_create", json!({ "name": "Oak" }))
}

async fn check(cause: Cause, place: Place, with: With, effect: Effect) {
    let mut world = World::new().await;
    match place {
        Place::WebSocket => on_a_websocket(&mut world, cause, with, effect).await,
        Place::Session => in_a_session(&mut world, cause, with, effect).await,
        Place::Subscription => on_a_subscription(&mut world, cause, with, effect).await,
        Place::Nothing => with_the_credential(&mut world, cause, with, effect).await,
    }
    world.end().await;
}

async fn on_a_websocket(world: &mut World, cause: Cause, with: With, effect: Effect) {
    let mut client = match with {
        With::SignIn => world.server.sign_in("bob").await,
        _ => world.server.connect_by(&world.token(with)).await,
    };
    client.result("resources/subscribe", world.uri()).await;
    client.result("resources/list", json!({})).await;
    world.happen(cause).await;
    let (tool, arguments) = creation();
    match effect {
        Stays | Lowered => {
            client.notification(UPDATED).await;
            client.notification("notifications/resources/list_changed").await;
            if matches!(effect, Stays) {
                client.tool(tool, arguments).await;
            } else {
                assert_eq!(client.refused(tool, arguments).await.code, "not_allowed");
                client.tool("crm_company_list", json!({})).await;
                client.notification("notifications/tools/list_changed").await;
            }
        }
        Ends(code, reason, _) => {
            client.send_or_lost("tools/call", json!({ "name": "crm_company_list", "arguments": {} })).await;
            assert_eq!(client.closed().await, (code, reason.to_owned()));
            let heard = client.heard();
            let nothing = |message: &Value| message["result"]["isError"] == true && message.get("method").is_none();
            assert!(heard.iter().all(nothing), "it was told: {heard:?}");
        }
    }
}

async fn in_a_session(world: &mut World, cause: Cause, with: With, effect: Effect) {
    let mut client = world.http(Era::Legacy, with);
    client.initialize("2025-11-25").await;
    client.result("resources/subscribe", world.uri()).await;
    client.result("resources/list", json!({})).await;
    let stream = client.listen(None).await;
    client.exchange(&stream).next_event().await.expect("the beginning");
    world.happen(cause).await;
    match effect {
        Stays | Lowered => {
            client.notification(&stream, UPDATED).await;
            may(&mut client, effect).await;
        }
        Ends(.., status) => {
            assert_eq!(client.post(&[], PING).await.status, status);
            assert_eq!(client.next_of(&stream).await, None, "it was told");
            for last in [None, Some("0-0")] {
                let again = client.listen(last).await;
                assert_eq!(client.exchange(&again).status, status);
            }
        }
    }
}

async fn on_a_subscription(world: &mut World, cause: Cause, with: With, effect: Effect) {
    let mut client = world.http(Era::Modern, with);
    let filter = json!({ "resourceSubscriptions": [world.uri()["uri"]], "resourcesListChanged": true });
    let listening = client.send("subscriptions/listen", json!({ "notifications": filter })).await;
    client.notification(&listening, "notifications/subscriptions/acknowledged").await;
    world.happen(cause).await;
    match effect {
        Stays | Lowered => {
            client.notification(&listening, UPDATED).await;
            may(&mut client, effect).await;
        }
        Ends(.., status) => {
            assert_eq!(client.response(&listening).await["result"]["resultType"], "complete");
            assert_eq!(client.heard(), Vec::<Value>::new(), "it was told");
            assert_eq!(called(&mut client).await, status);
        }
    }
}

async fn with_the_credential(world: &mut World, cause: Cause, with: With, effect: Effect) {
    let mut clients = [world.http(Era::Modern, with), world.http(Era::Legacy, with)];
    for client in &mut clients {
        // It is known by now, and remembered.
        may(client, Stays).await;
    }
    let bearer = format!("Bearer {}", world.token(with));
    let headers = [("Authorization", bearer.as_str())];
    world.happen(cause).await;
    let me = request(world.server.address(), "GET /auth/me", &headers).await;
    match effect {
        Ends(.., status) => {
            assert_eq!(me.status, status, "{}", me.body);
            for client in &mut clients {
                assert_eq!(called(client).await, status);
            }
        }
        Stays | Lowered => {
            let role = if matches!(effect, Stays) { "member" } else { "viewer" };
            assert_eq!((me.status, &me.json()["role"]), (200, &json!(role)));
            for client in &mut clients {
                may(client, effect).await;
            }
        }
    }
}

/// Checks that somebody is as they were, or may write no more.
async fn may(client: &mut HttpClient, effect: Effect) {
    let (tool, arguments) = creation();
    if matches!(effect, Stays) {
        client.tool(tool, arguments).await;
    } else {
        assert_eq!(client.refused(tool, arguments).await.code, "not_allowed");
        client.tool("crm_company_list", json!({})).await;
    }
}

/// The status of a call's answer.
async fn called(client: &mut HttpClient) -> u16 {
    let (tool, arguments) = creation();
    let id = client.start_call(tool, arguments).await;
    let status = client.head(&id).await;
    client.hang_up(&id);
    status
}

const REVOKED: Effect = Ends(4007, "credential-revoked", 401);
const SUSPENDED: Effect = Ends(4010, "tenant-suspended", 403);
const DISABLED: Effect = Ends(4009, "account-disabled", 403);
const NO_MEMBER: Effect = Ends(4006, "membership-ended", 401);
const NEW_PASSWORD: Effect = Ends(4005, "password-changed", 401);

macro_rules! in_force {
    ($($name:ident: $cause:ident => $sign_in:expr, $token:expr, $key:expr;)*) => {$(
        mod $name {
            use super::*;

            in_force!(@ $cause, $sign_in, on_a_websocket_that_signed_in: WebSocket, SignIn);
            in_force!(@ $cause, $token, on_a_websocket_of_an_access_token: WebSocket, AccessToken);
            in_force!(@ $cause, $key, on_a_websocket_of_an_api_key: WebSocket, ApiKey);
            in_force!(@ $cause, $token, in_a_session_of_an_access_token: Session, AccessToken);
            in_force!(@ $cause, $key, in_a_session_of_an_api_key: Session, ApiKey);
            in_force!(@ $cause, $token, on_a_subscription_of_an_access_token: Subscription, AccessToken);
            in_force!(@ $cause, $key, on_a_subscription_of_an_api_key: Subscription, ApiKey);
            in_force!(@ $cause, $token, with_an_access_token: Nothing, AccessToken);
            in_force!(@ $cause, $key, with_an_api_key: Nothing, ApiKey);
        }
    )*};
    (@ $cause:ident, $effect:expr, $name:ident: $place:ident, $with:ident) => {
        #[tokio::test]
        async fn $name() {
            check(Cause::$cause, Place::$place, With::$with, $effect).await;
        }
    };
}

// What becomes of who signed in by the tool, who holds an access token, and who holds an API key.
in_force! {
    a_refresh: Refreshed => Stays, Stays, Stays;
    a_second_use_of_a_refresh_token: RefreshedTwice => Stays, REVOKED, Stays;
    a_sign_out: SignedOut => Stays, REVOKED, Stays;
    a_revocation_of_the_key: KeyRevoked => Stays, Stays, REVOKED;
    a_rotation_of_signing_keys: SigningKeysRotated => Stays, Stays, Stays;
    a_suspension: TenantSuspended => SUSPENDED, SUSPENDED, SUSPENDED;
    a_disabled_account: AccountDisabled => DISABLED, DISABLED, DISABLED;
    a_lower_role: Demoted => Lowered, Lowered, Lowered;
    a_removal: Removed => NO_MEMBER, NO_MEMBER, NO_MEMBER;
    a_new_password: PasswordChanged => NEW_PASSWORD, NEW_PASSWORD, Stays;
}
