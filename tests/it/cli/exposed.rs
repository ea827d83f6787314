//! A gateway on another machine without TLS: what is secret goes there only where somebody says so.

use super::home::Home;
use crate::support::{PASSWORD, TestServer, email};

/// A server at an address that is no loopback address, and leads to this machine.
async fn far() -> (TestServer, String) {
    let server = TestServer::with(|options| options.allowed_hosts = vec!["0.0.0.0".into()]).await;
    let url = format!("ws://0.0.0.0:{}/mcp", server.address().port());
    (server, url)
}

#[tokio::test]
async fn a_key_is_sent_only_where_somebody_says_so() {
    let (server, url) = far().await;
    drop(server.sign_up("ann").await);
    let (home, email) = (Home::new(), email("ann"));
    let login = ["login", &url, "--name", "far", "--email", &email, "--password-stdin"];
    let why = home.run_with(&login, PASSWORD, &[]).await.refused();
    assert!(why.contains("can be read on the way") && why.contains("--insecure"), "{why}");
    home.run_with(&[&login[..], &["--insecure"]].concat(), PASSWORD, &[]).await.done();
    let ping = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
    for (arguments, input, status, said) in [
        (&["whoami", "far"][..], "", 1, email.as_str()),
        (&["call", "far", "auth_whoami"], "", 2, &email),
        (&["tools", "far"], "", 2, "crm_contact_list"),
        (&["shell", "far"], "whoami\n", 2, &email),
        (&["connect", "far"], ping, 1, "\"result\""),
        (&["doctor", "far"], "", 1, &email),
        (&["install", "gemini", "far", "--yes"], "", 1, "\"--insecure\""),
        (&["logout", "far"], "", 1, "revoked"),
    ] {
        let ran = home.run_with(arguments, input, &[]).await;
        assert_eq!(ran.status, status, "{arguments:?}: {ran:?}");
        assert!(format!("{}{}", ran.out, ran.err).contains("or say --insecure"), "{arguments:?}: {ran:?}");
        assert!(!ran.out.contains(said), "{arguments:?}: {ran:?}");
        let ran = home.run_with(&[arguments, &["--insecure"]].concat(), input, &[]).await;
        assert!(ran.status == 0 && ran.out.contains(said), "{arguments:?}: {ran:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_token_of_the_environment_and_a_typed_password_are_held_back_too() {
    let (server, url) = far().await;
    drop(server.sign_up("ann").await);
    let home = Home::new();
    // Nothing secret is in these.
    home.run(&["call", &url, "auth_whoami"]).await.done();
    home.run(&["doctor", &url]).await.done();
    let token = [("SESSILE_TOKEN", "sessile_key_0000")];
    for (arguments, status) in [(["whoami", &url], 1), (["connect", &url], 1), (["tools", &url], 2)] {
        let ran = home.run_with(&arguments, "", &token).await;
        assert!(ran.status == status && ran.err.contains("can be read on the way"), "{arguments:?}: {ran:?}");
    }
    let address = format!("email={}", email("ann"));
    let call = ["call", &url, "auth_sign_in", &address, "password=-"];
    let line = format!("sign in {address} password=\"{PASSWORD}\"\n");
    for (arguments, input) in [(&call[..], PASSWORD), (&["shell", &url], &line)] {
        let ran = home.run_with(arguments, input, &[]).await;
        assert!(ran.status == 2 && ran.err.contains("can be read on the way"), "{arguments:?}: {ran:?}");
        home.run_with(&[arguments, &["--insecure"]].concat(), input, &[]).await.done();
    }
    server.stop().await;
}
