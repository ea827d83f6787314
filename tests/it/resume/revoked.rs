//! What takes back that somebody is signed in wins over whatever would resume the session.

use super::counting::Counting;
use super::{cut_for_good, cut_off, outcome, run, stored};
use crate::support::{Client, PASSWORD, TestServer, email};
use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Cause {
    SignedOut,
    Ended,
    EndedByAdmin,
    PasswordChanged,
    Removed,
    KeyRevoked,
    KeyExpired,
    Disabled,
    Suspended,
}

/// Causes, and the code with which an open connection closes.
const CAUSES: [(Cause, u16); 9] = [
    (Cause::SignedOut, 0),
    (Cause::Ended, 4004),
    (Cause::EndedByAdmin, 4004),
    (Cause::PasswordChanged, 4005),
    (Cause::Removed, 4006),
    (Cause::KeyRevoked, 4007),
    (Cause::KeyExpired, 4008),
    (Cause::Disabled, 4009),
    (Cause::Suspended, 4010),
];

/// When the cause comes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    Attached,
    Waiting,
    /// The session is over, and the credential alone is left.
    Over,
}

/// Ann, who owns the tenant, and Bob, of whom the session is that is resumed.
struct Scene {
    server: TestServer,
    ann: Client,
    bob_elsewhere: Client,
    bob: Counting,
    ids: [Value; 2],
    key: Value,
}

impl Scene {
    async fn set(cause: Cause, when: When) -> Self {
        let server = TestServer::with(|options| {
            if when == When::Over {
                options.sessions.resume.max_waiting = 0;
            }
        })
        .await;
        let mut ann = server.sign_up("ann").await;
        let mut bob_elsewhere = server.join(&mut ann, "bob", "member").await;
        let who = bob_elsewhere.tool("auth_whoami", json!({})).await;
        let key = bob_elsewhere.tool("auth_create_api_key", json!({ "name": "key", "role": "member" })).await;
        let bob = if matches!(cause, Cause::KeyRevoked | Cause::KeyExpired) {
            let mut bob = Counting::silent(server.address(), key["key"].as_str()).await;
            bob.session = bob.ask(json!({})).await["session"].clone();
            bob.without_token()
        } else {
            Counting::sign_in(&server, "bob").await
        };
        let ids = [who["user"]["id"].clone(), who["tenant"]["id"].clone()];
        Self { server, ann, bob_elsewhere, bob, ids, key }
    }

    async fn happen(&mut self, cause: Cause, when: When) {
        let [user, tenant] = &self.ids;
        match cause {
            Cause::SignedOut => drop(self.bob.tool("auth_sign_out", json!({})).await),
            Cause::Ended => {
                let session = json!({ "session_id": self.bob.session });
                if when == When::Over {
                    assert_eq!(self.bob_elsewhere.refused("auth_end_session", session).await.code, "not_found");
                } else {
                    self.bob_elsewhere.tool("auth_end_session", session).await;
                }
            }
            Cause::EndedByAdmin => {
                drop(self.server.admin(&["sessions", "end", "--user", &email("bob")]).await.done());
            }
            Cause::PasswordChanged => {
                let change = json!({ "current_password": PASSWORD, "new_password": "another one" });
                self.bob_elsewhere.tool("auth_change_password", change).await;
            }
            Cause::Removed => drop(self.ann.tool("tenant_remove_member", json!({ "user_id": user })).await),
            Cause::KeyRevoked => {
                self.bob_elsewhere.tool("auth_revoke_api_key", json!({ "key_id": self.key["id"] })).await;
            }
            Cause::KeyExpired => {
                self.server.administer("UPDATE api_key SET expires_at = 1 WHERE id = $1", &self.key["id"], user).await;
            }
            Cause::Disabled => drop(self.server.admin(&["users", "disable", &email("bob")]).await.done()),
            Cause::Suspended => {
                drop(self.server.admin(&["tenants", "suspend", tenant.as_str().expect("an id")]).await.done());
            }
        }
    }

    /// Takes it back, as far as that can be.
    async fn make_up(&self, cause: Cause) {
        let tenant = self.ids[1].as_str().expect("an id");
        match cause {
            Cause::Disabled => drop(self.server.admin(&["users", "enable", &email("bob")]).await.done()),
            Cause::Suspended => drop(self.server.admin(&["tenants", "resume", tenant]).await.done()),
            _ => {}
        }
    }
}

async fn meet(cause: Cause, code: u16, when: When) {
    let mut scene = Scene::set(cause, when).await;
    let signs_out = cause == Cause::SignedOut;
    if !signs_out {
        match when {
            When::Attached => {}
            When::Waiting => cut_off(&scene.server, &mut scene.bob).await,
            When::Over => cut_for_good(&scene.server, &mut scene.bob).await,
        }
    }
    let credential = scene.bob.credential.clone();
    scene.happen(cause, when).await;
    if signs_out {
        assert_eq!(scene.bob.credential().await, None, "there is none any more");
        cut_for_good_if_there(&scene.server, &mut scene.bob).await;
    } else if when == When::Attached {
        assert_eq!(scene.bob.closed().await.0, code, "{cause:?}");
    }
    scene.bob.credential = credential;
    let expected = if (cause, when) == (Cause::Ended, When::Over) { "signed_in" } else { "refused" };
    assert_eq!(outcome(&scene.bob.come_back().await), expected, "{cause:?} {when:?}");
    if expected == "refused" {
        scene.make_up(cause).await;
        assert_eq!(outcome(&scene.bob.come_back().await), "refused", "{cause:?} {when:?}, made up for");
        let whoami = scene.bob.tool("auth_whoami", json!({})).await;
        assert_eq!(whoami["signed_in"], false);
        if !matches!(cause, Cause::PasswordChanged | Cause::KeyExpired) || when != When::Over {
            assert_eq!(stored(&scene.server).await, 0, "{cause:?} {when:?}");
        }
    }
    run(&scene.server, "DELETE FROM resume").await;
    scene.server.stop().await;
}

async fn cut_for_good_if_there(server: &TestServer, client: &mut Counting) {
    client.cut().await;
    crate::support::until("nothing is left to resume", || server.manager().resumable() == (0, 0)).await;
}

#[tokio::test]
async fn while_the_connection_is_there() {
    for (cause, code) in CAUSES {
        meet(cause, code, When::Attached).await;
    }
}

#[tokio::test]
async fn while_the_session_waits() {
    for (cause, code) in CAUSES {
        meet(cause, code, When::Waiting).await;
    }
}

#[tokio::test]
async fn when_the_credential_alone_is_left() {
    for (cause, code) in CAUSES {
        meet(cause, code, When::Over).await;
    }
}

#[tokio::test]
async fn a_role_that_changed_meanwhile_is_in_force() {
    for max_waiting in [10, 0] {
        let server = TestServer::with(|options| options.sessions.resume.max_waiting = max_waiting).await;
        let mut ann = server.sign_up("ann").await;
        let invited = ann.tool("tenant_invite", json!({ "role": "member" })).await;
        let mut bob = Counting::sign_up(&server, "bob").await;
        let who = bob.tool("auth_whoami", json!({})).await;
        bob.tool("tenant_join", json!({ "code": invited["code"] })).await;
        bob.credential().await;
        let (before, _) = server.manager().resumable();
        assert_eq!(before, 1);
        bob.cut().await;
        crate::support::until("the connection is gone", || {
            server.manager().resumable() == if max_waiting == 0 { (0, 0) } else { (1, 1) }
        })
        .await;
        ann.tool("tenant_set_role", json!({ "user_id": who["user"]["id"], "role": "viewer" })).await;
        let expected = if max_waiting == 0 { "signed_in" } else { "resumed" };
        assert_eq!(outcome(&bob.come_back().await), expected);
        assert_eq!(bob.tool("auth_whoami", json!({})).await["role"], "viewer");
        server.stop().await;
    }
}
