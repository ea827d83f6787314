//! Signing in once: profiles, their keys, and where these are.

use super::home::Home;
use crate::support::{PASSWORD, TestServer, email};
use serde_json::json;

const PROFILES: &str = ".config/sessile/profiles.toml";
const KEYS: &str = ".config/sessile/credentials";

async fn login(home: &Home, server: &TestServer, name: &str) -> String {
    let (url, email) = (server.address().to_string(), email(name));
    let arguments = ["login", &url, "--name", name, "--email", &email, "--password-stdin"];
    home.run_with(&arguments, &format!("{PASSWORD}\n"), &[]).await.done()
}

/// The key that is kept.
fn key(home: &Home) -> String {
    let keys = home.read(KEYS);
    keys.lines().last().and_then(|line| line.split(' ').nth(1)).expect("there is a key").to_owned()
}

#[tokio::test]
async fn one_signs_in_on_a_terminal_and_stays_signed_in() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    let url = server.address().to_string();
    let asked = [("Email: ", email("ann")), ("Password of ", PASSWORD.to_owned())];
    let asked = asked.each_ref().map(|(ask, say)| (*ask, say.as_str()));
    let (status, seen) = home.on_a_terminal(&["login", &url], &asked).await;
    assert_eq!(status, 0, "{seen}");
    assert!(seen.contains("Signed in to ws://") && seen.contains("as owner"), "{seen}");
    let name = url.replace(':', "-");
    assert!(seen.contains(&format!("Profile {name:?}")), "{seen}");
    assert!(!seen.contains(PASSWORD), "the password is not echoed: {seen}");

    let who = home.run(&["whoami", "--json"]).await;
    assert_eq!(
        (who.json()["email"].as_str(), who.json()["proof"].as_str()),
        (Some(email("ann").as_str()), Some("api_key"))
    );
    // By its name, and by its URL.
    for typed in [name.as_str(), &url] {
        assert!(home.run(&["whoami", typed]).await.done().starts_with(&email("ann")));
    }
    assert_eq!([PROFILES, KEYS].map(|file| home.mode(file)), [0o600; 2]);
    assert_eq!(home.mode(".config/sessile"), 0o700);
    server.stop().await;
}

#[tokio::test]
async fn an_interrupt_at_the_password_changes_nothing() {
    let home = Home::new();
    let arguments = ["login", "127.0.0.1:1", "--email", "a@example.com"];
    let (status, seen) = home.on_a_terminal(&arguments, &[("Password of ", "half a pass\u{3}")]).await;
    assert!(status == 1 && seen.contains("nothing was typed") && !seen.contains("half"), "{seen}");
    assert!(home.files().is_empty());
}

#[tokio::test]
async fn no_secret_is_anywhere_but_in_its_file() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    let said = login(&home, &server, "ann").await;
    let key = key(&home);
    assert!(key.len() > 30, "this is a key: {key}");
    let mut all = said;
    for arguments in [
        vec!["whoami", "ann"],
        vec!["profiles", "--json"],
        vec!["profiles"],
        vec!["doctor", "ann"],
        vec!["doctor", "ann", "--json"],
        vec!["install", "gemini", "ann", "--yes"],
        vec!["install", "codex", "ann", "--yes"],
        vec!["install", "claude-code", "ann", "--yes"],
    ] {
        let ran = home.run_with(&arguments, "", &[("RUST_LOG", "trace")]).await;
        all.push_str(&ran.out);
        all.push_str(&ran.err);
    }
    assert!(!all.contains(&key) && !all.contains(PASSWORD), "{all}");
    let with_key: Vec<_> =
        home.files().into_iter().filter(|(_, text)| text.contains(&key)).map(|(path, _)| path).collect();
    assert_eq!(with_key, [home.path(KEYS)]);
    assert!(home.files().iter().all(|(_, text)| !text.contains(PASSWORD)));
    server.stop().await;
}

#[tokio::test]
async fn logging_out_revokes_the_key() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let home = Home::new();
    login(&home, &server, "ann").await;
    let before = key(&home);
    // A sign-in under the same name replaces the key, and takes the old one back.
    login(&home, &server, "ann").await;
    let after = key(&home);
    assert_ne!(before, after);
    let keys = ann.tool("auth_api_keys", json!({})).await;
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1), "{keys}");
    assert!(keys["keys"][0]["name"].as_str().is_some_and(|name| name.starts_with("sessile login on ")), "{keys}");

    let said = home.run(&["logout", "ann"]).await.done();
    assert!(said.contains("its key is revoked"), "{said}");
    let keys = ann.tool("auth_api_keys", json!({})).await;
    assert_eq!(keys["keys"], json!([]));
    assert!(!home.read(KEYS).contains(&after));
    assert_eq!(home.run(&["profiles", "--json"]).await.json(), json!([]));
    assert!(home.run(&["whoami", "ann"]).await.status != 0);
    drop(ann);
    server.stop().await;
}

#[tokio::test]
async fn a_gateway_that_is_gone_keeps_its_profile_unless_told() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    login(&home, &server, "ann").await;
    server.stop().await;
    assert_eq!(home.run(&["whoami", "ann"]).await.status, 5);
    assert!(home.run(&["logout", "ann"]).await.refused().contains("logout ann --local"));
    assert!(home.run(&["logout", "ann", "--local"]).await.done().contains("stays good until"));
    assert_eq!(home.run(&["profiles", "--json"]).await.json(), json!([]));
}

#[tokio::test]
async fn several_sign_ins_go_by_name_and_one_is_the_default() {
    let server = TestServer::start().await;
    drop((server.sign_up("ann").await, server.sign_up("bob").await));
    let home = Home::new();
    login(&home, &server, "ann").await;
    login(&home, &server, "bob").await;
    let url = server.address().to_string();
    assert!(home.run(&["whoami", &url]).await.done().starts_with(&email("ann")), "the first of its URL");
    assert!(home.run(&["whoami", "bob"]).await.done().starts_with(&email("bob")));
    assert!(home.run(&["whoami", &url, "--profile", "bob"]).await.done().starts_with(&email("bob")));
    home.run(&["profiles", "--default", "bob"]).await.done();
    for arguments in [vec!["whoami"], vec!["whoami", &url]] {
        assert!(home.run(&arguments).await.done().starts_with(&email("bob")));
    }
    let elsewhere = home.run(&["whoami", "gateway.example", "--profile", "bob"]).await.refused();
    assert!(elsewhere.contains("its key goes nowhere else"), "{elsewhere}");
    let (email, input) = (email("bob"), format!("{PASSWORD}\n"));
    let arguments = ["login", &url, "--name", "ann", "--email", &email, "--password-stdin"];
    assert!(home.run_with(&arguments, &input, &[]).await.refused().contains("profile \"ann\" is "));
    server.stop().await;
}

#[tokio::test]
async fn each_command_takes_a_profiles_name_or_means_the_default() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    for (command, status) in [("whoami", 1), ("connect", 1), ("doctor", 1), ("tools", 2), ("shell", 2)] {
        let ran = home.run(&[command]).await;
        assert!(ran.status == status && ran.err.contains("say which gateway"), "{command}: {ran:?}");
    }
    login(&home, &server, "ann").await;
    for arguments in [&["whoami", "anne"][..], &["connect", "anne"], &["install", "gemini", "anne", "--yes"]] {
        let why = home.run(arguments).await.refused();
        assert!(why.contains("there is no profile \"anne\"; there is ann; a host of that name is wss://anne"), "{why}");
    }
    let (email, whoami) = (email("ann"), json!({ "name": "auth_whoami", "arguments": {} }));
    let message = format!("{}\n", json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": whoami }));
    for (command, input, said) in [
        ("whoami", "", email.as_str()),
        ("connect", &message, &email),
        ("doctor", "", &email),
        ("tools", "", "crm_contact_list"),
        ("shell", "whoami\n", &email),
    ] {
        for arguments in [&[command][..], &[command, "ann"], &[command, "--profile", "ann"]] {
            let said_it = home.run_with(arguments, input, &[]).await.done();
            assert!(said_it.contains(said), "{arguments:?}: {said_it}");
        }
    }
    let call = home.run(&["call", "ann", "auth_whoami"]).await.done();
    assert!(call.contains(&email), "{call}");
    let one = home.run(&["tools", "ann", "contact_list"]).await.json();
    assert_eq!(one["name"], "crm_contact_list");
    server.stop().await;
}

#[tokio::test]
async fn a_token_in_the_environment_wins() {
    let server = TestServer::start().await;
    let mut bob = server.sign_up("bob").await;
    let made = bob.tool("auth_create_api_key", json!({ "name": "CI", "role": "viewer" })).await;
    let token = made["key"].as_str().expect("a key");
    drop(server.sign_up("ann").await);
    let home = Home::new();
    login(&home, &server, "ann").await;
    let who = home.run_with(&["whoami", "ann", "--json"], "", &[("SESSILE_TOKEN", token)]).await.json();
    assert_eq!((who["email"].as_str(), who["role"].as_str()), (Some(email("bob").as_str()), Some("viewer")));
    let wrong = home.run_with(&["whoami", "ann"], "", &[("SESSILE_TOKEN", "sessile_key_wrong")]).await;
    assert_eq!(wrong.status, 3, "{wrong:?}");
    // A key that was made elsewhere is kept, and not taken back.
    let url = server.address().to_string();
    let given = home.run_with(&["login", &url, "--name", "ci", "--api-key-stdin"], token, &[]).await.done();
    assert!(given.contains("as viewer"), "{given}");
    assert!(home.run(&["logout", "ci"]).await.done().contains("stays good"));
    assert_eq!(bob.tool("auth_api_keys", json!({})).await["keys"].as_array().map(Vec::len), Some(1));
    drop(bob);
    server.stop().await;
}

#[tokio::test]
async fn a_key_may_be_told_to_do_less() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    let (url, email) = (server.address().to_string(), email("ann"));
    let arguments = ["login", &url, "--email", &email, "--role", "viewer", "--days", "7", "--password-stdin"];
    home.run_with(&arguments, PASSWORD, &[]).await.done();
    assert_eq!(home.run(&["whoami", "--json"]).await.json()["role"], "viewer");
    // And stays with that, until told otherwise.
    let again = home.run_with(&["login", &url, "--password-stdin"], PASSWORD, &[]).await.done();
    assert!(again.contains("as viewer"), "{again}");
    let more = ["login", &url, "--role", "owner", "--password-stdin"];
    assert!(home.run_with(&more, PASSWORD, &[]).await.done().contains("as owner"));
    server.stop().await;
}

#[tokio::test]
async fn what_would_give_a_secret_away_is_refused() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    let exposed = ["login", "ws://gateway.example/mcp", "--email", "a@example.com", "--password-stdin"];
    assert!(home.run_with(&exposed, PASSWORD, &[]).await.refused().contains("can be read on the way"));
    let url = server.address().to_string();
    let nobody = home.run(&["login", &url, "--email", "a@example.com"]).await.refused();
    assert!(nobody.contains("--password-stdin"), "{nobody}");
    login(&home, &server, "ann").await;
    for (path, mode) in [(KEYS, 0o640), (KEYS, 0o604), (".config/sessile", 0o770)] {
        let (before, at) = (home.mode(path), home.path(path));
        let set = |mode| std::fs::set_permissions(&at, std::os::unix::fs::PermissionsExt::from_mode(mode));
        set(mode).expect("it can be set");
        let why = home.run(&["whoami", "ann"]).await.refused();
        assert!(why.contains("chmod"), "{why}");
        set(before).expect("it can be set");
    }
    home.run(&["whoami", "ann"]).await.done();
    let wrong = ["login", &url, "--name", "x", "--email", &email("ann"), "--password-stdin"];
    let why = home.run_with(&wrong, "not the password", &[]).await.refused();
    assert!(!why.contains("not the password"), "{why}");
    assert!(!home.read(PROFILES).contains("[profiles.x]"));
    server.stop().await;
}
