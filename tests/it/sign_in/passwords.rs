//! Sign-up, sign-in and the password itself.

use crate::support::{PASSWORD, TestServer, email};
use serde_json::{Value, json};

fn sign_up(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password, "tenant_name": "Harbour & Pine" })
}

fn credentials(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}

#[tokio::test]
async fn who_signs_up_owns_a_tenant_and_is_signed_in() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    let identity = client.tool("auth_sign_up", sign_up("ann@example.com", PASSWORD)).await;
    assert_eq!(identity["user"]["email"], "ann@example.com");
    assert_eq!(identity["tenant"]["name"], "Harbour & Pine");
    assert_eq!(identity["role"], "owner");
    assert_eq!(identity["tenants"].as_array().map(Vec::len), Some(1));
    let whoami = client.tool("auth_whoami", json!({})).await;
    for same in ["session_id", "user", "tenant", "role"] {
        assert_eq!(whoami[same], identity[same]);
    }
    // On another connection she is who she was.
    let again = server.connect().await.tool("auth_sign_in", credentials("ann@example.com", PASSWORD)).await;
    assert_eq!(again["user"], identity["user"]);
    assert_ne!(again["session_id"], identity["session_id"]);
}

#[tokio::test]
async fn an_address_has_one_account_in_whatever_case() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect().await;
    let refusal = client.refused("auth_sign_up", sign_up("Ann@EXAMPLE.com", PASSWORD)).await;
    assert_eq!(refusal.code, "already_exists");
    let identity = client.tool("auth_sign_in", credentials("ANN@example.com", PASSWORD)).await;
    assert_eq!(identity["user"]["email"], email("ann"));
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_answer() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect().await;
    let wrong = client.refused("auth_sign_in", credentials(&email("ann"), "not the right one")).await;
    let unknown = client.refused("auth_sign_in", credentials(&email("nobody"), "not the right one")).await;
    assert_eq!(wrong.code, "invalid_credentials");
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn an_unknown_address_costs_a_hash_like_a_known_one() {
    // One hash at a time and one in the queue, each so slow that three sign-ins meet.
    let server = TestServer::with(|options| {
        options.password.workers = 1;
        options.password.queue = 1;
        options.password.memory_kib = 8192;
        options.password.iterations = 40;
        options.throttle.free_failures = 100;
    })
    .await;
    let mut codes = Vec::new();
    let mut clients = Vec::new();
    for name in ["x", "y", "z"] {
        let mut client = server.connect().await;
        let id = client.send_call("auth_sign_in", credentials(&email(name), PASSWORD)).await;
        clients.push((client, id));
    }
    for (client, id) in &mut clients {
        let result = &client.response(id).await["result"];
        codes.push(crate::support::Refusal::of(result).code);
    }
    codes.sort();
    assert_eq!(codes, ["busy", "invalid_credentials", "invalid_credentials"], "the third finds the pool full");
}

#[tokio::test]
async fn a_password_has_8_to_1024_characters() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    for (password, rule) in [
        (String::new(), Some("at least 8")),
        ("1234567".into(), Some("at least 8")),
        ("ÄÖÜäöüß".into(), Some("at least 8")),
        ("x".repeat(1025), Some("at most 1024")),
        ("x".repeat(100_000), Some("at most 1024")),
        ("12345678".into(), None),
        ("ÄÖÜäöüßẞ".into(), None),
        ("🔑".repeat(1024), None),
        (" with spaces ".into(), None),
    ] {
        let email = format!("{}-{}@example.com", password.chars().count(), password.len());
        let Some(rule) = rule else {
            client.tool("auth_sign_up", sign_up(&email, &password)).await;
            client.tool("auth_sign_in", credentials(&email, &password)).await;
            continue;
        };
        for (tool, arguments) in
            [("auth_sign_up", sign_up(&email, &password)), ("auth_sign_in", credentials(&email, &password))]
        {
            let refusal = client.refused(tool, arguments).await;
            assert_eq!(refusal.code, "invalid_arguments");
            assert!(refusal.text.contains(rule) && refusal.text.contains("password"), "{}", refusal.text);
        }
    }
    // Spaces are part of it.
    let refusal = client.refused("auth_sign_in", credentials("13-13@example.com", "with spaces")).await;
    assert_eq!(refusal.code, "invalid_credentials");
}

#[tokio::test]
async fn a_password_is_the_same_on_every_keyboard() {
    let server = TestServer::start().await;
    let composed = "pass-w\u{f6}rd-\u{e9}";
    let decomposed = "pass-wo\u{308}rd-e\u{301}";
    let mut client = server.connect().await;
    for (chosen, typed) in [(composed, decomposed), (decomposed, composed)] {
        let email = format!("{}@example.com", chosen.len());
        client.tool("auth_sign_up", sign_up(&email, chosen)).await;
        client.tool("auth_sign_in", credentials(&email, typed)).await;
        let refusal = client.refused("auth_sign_in", credentials(&email, "pass-word-e")).await;
        assert_eq!(refusal.code, "invalid_credentials");
    }
    // It is counted as it is kept: seven letters, however many marks they are typed with.
    let seven = "o\u{308}".repeat(7);
    assert_eq!(client.refused("auth_sign_up", sign_up("seven@example.com", &seven)).await.code, "invalid_arguments");
}

#[tokio::test]
async fn an_email_address_looks_like_one() {
    let server = TestServer::start().await;
    let mut client = server.connect().await;
    for email in ["", "ann", "@example.com", "ann@", "ann@localhost", "ann@ex..com", "a n@example.com", "a@b@c.de"] {
        let refusal = client.refused("auth_sign_up", sign_up(email, PASSWORD)).await;
        assert_eq!(refusal.code, "invalid_arguments", "{email}");
        assert!(refusal.text.contains("email"), "{}", refusal.text);
    }
}

#[tokio::test]
async fn a_changed_password_ends_the_other_sessions_and_keeps_this_one() {
    let server = TestServer::start().await;
    let mut here = server.sign_up("ann").await;
    let mut others = [server.sign_in("ann").await, server.sign_in("ann").await];
    let mut eve = server.sign_up("eve").await;
    let new = "an even longer one";

    let change = json!({ "current_password": PASSWORD, "new_password": new });
    assert_eq!(here.tool("auth_change_password", change.clone()).await["sessions_ended"], 2);
    for other in &mut others {
        assert_eq!(other.closed().await, (4005, "password-changed".to_owned()));
    }
    assert_eq!(here.tool("auth_whoami", json!({})).await["signed_in"], true);
    here.tool("tenant_members", json!({})).await;
    eve.expect_silence().await;

    let mut later = server.connect().await;
    assert_eq!(later.refused("auth_sign_in", credentials(&email("ann"), PASSWORD)).await.code, "invalid_credentials");
    later.tool("auth_sign_in", credentials(&email("ann"), new)).await;
    let refusal = here.refused("auth_change_password", change).await;
    assert_eq!(refusal.code, "invalid_credentials", "{}", refusal.text);
    assert_eq!(later.tool("auth_whoami", json!({})).await["signed_in"], true, "a failed change ends nothing");
    let short = json!({ "current_password": new, "new_password": "short" });
    assert_eq!(here.refused("auth_change_password", short).await.code, "invalid_arguments");
}

#[tokio::test]
async fn a_call_that_comes_with_a_password_change_is_not_served_for_the_old_password() {
    let server = TestServer::start().await;
    let mut here = server.sign_up("ann").await;
    let mut other = server.sign_in("ann").await;
    let change = json!({ "current_password": PASSWORD, "new_password": "an even longer one" });
    here.tool("auth_change_password", change).await;
    // The change was acknowledged, so whatever the other sends from here on comes too late.
    other.send_or_lost("tools/call", json!({ "name": "tenant_members", "arguments": {} })).await;
    assert_eq!(other.closed().await.0, 4005);
    let answers: Vec<_> = other.heard().into_iter().filter(|message| message.get("result").is_some()).collect();
    assert!(answers.iter().all(|answer| answer["result"]["isError"] == true), "{answers:?}");
}
