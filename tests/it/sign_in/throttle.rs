//! Guessing passwords takes longer and longer.

use crate::support::{Client, PASSWORD, Refusal, TestServer, email};
use serde_json::json;
use std::time::Duration;

async fn guess(client: &mut Client, name: &str) -> Refusal {
    client.refused("auth_sign_in", json!({ "email": email(name), "password": "a wrong guess" })).await
}

#[tokio::test]
async fn after_some_failures_there_is_a_delay_that_grows() {
    let server = TestServer::with(|options| options.throttle.free_failures = 2).await;
    drop(server.sign_up("ann").await);
    let mut client = server.connect().await;
    for name in ["ann", "nobody"] {
        assert_eq!(guess(&mut client, name).await.code, "invalid_credentials");
        assert_eq!(guess(&mut client, name).await.code, "invalid_credentials");
        for seconds in [1, 2] {
            let refusal = guess(&mut client, name).await;
            assert_eq!((refusal.code.as_str(), refusal.retry_after), ("too_many_attempts", Some(seconds)), "{name}");
            assert!(refusal.text.contains(&format!("{seconds} s")), "{}", refusal.text);
            // The right password does not help: else a guesser would learn that it is the right one.
            let right = json!({ "email": email(name), "password": PASSWORD });
            assert_eq!(client.refused("auth_sign_in", right).await.code, "too_many_attempts");
            // An attempt that was turned away is none that lengthens the delay.
            if seconds == 1 {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                assert_eq!(guess(&mut client, name).await.code, "invalid_credentials");
            }
        }
    }
    // Others are not held up, on the same connection or another one.
    client.sign_up("eve").await;
    let mut other = server.connect().await;
    assert_eq!(guess(&mut other, "ann").await.code, "too_many_attempts", "it is about the account");
}

#[tokio::test]
async fn a_success_forgets_the_failures() {
    let server = TestServer::with(|options| options.throttle.free_failures = 2).await;
    let mut client = server.sign_up("ann").await;
    for _ in 0..5 {
        assert_eq!(guess(&mut client, "ann").await.code, "invalid_credentials");
        client.sign_in("ann").await;
    }
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_is_slowed_down_too() {
    let server = TestServer::with(|options| options.throttle.free_failures = 1).await;
    let mut client = server.connect().await;
    for number in 0..10 {
        assert_eq!(guess(&mut client, &format!("user{number}")).await.code, "invalid_credentials", "{number}");
    }
    let refusal = guess(&mut client, "another").await;
    assert_eq!((refusal.code.as_str(), refusal.retry_after), ("too_many_attempts", Some(1)));
}

#[tokio::test]
async fn many_guesses_at_once_get_no_further_than_one_after_the_other() {
    let server = TestServer::with(|options| {
        options.throttle.free_failures = 3;
        options.password.workers = 1;
    })
    .await;
    drop(server.sign_up("ann").await);
    let mut guesses = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect().await;
        let arguments = json!({ "email": email("ann"), "password": "a wrong guess" });
        let id = client.send_call("auth_sign_in", arguments).await;
        guesses.push((client, id));
    }
    let mut checked = 0;
    for (client, id) in &mut guesses {
        let refusal = Refusal::of(&client.response(id).await["result"]);
        checked += usize::from(refusal.code == "invalid_credentials");
    }
    assert_eq!(checked, 3, "so many guesses are free");
}

#[tokio::test]
async fn guessing_the_present_password_and_taken_addresses_is_slowed_down_too() {
    let server = TestServer::with(|options| options.throttle.free_failures = 2).await;
    let mut client = server.sign_up("ann").await;
    let change = json!({ "current_password": "a wrong guess", "new_password": "a good long one" });
    for code in ["invalid_credentials", "invalid_credentials", "too_many_attempts"] {
        assert_eq!(client.refused("auth_change_password", change.clone()).await.code, code);
    }
    drop(server.sign_up("eve").await);
    let taken = json!({ "email": email("eve"), "password": PASSWORD, "tenant_name": "E" });
    for code in ["already_exists", "already_exists", "too_many_attempts"] {
        assert_eq!(client.refused("auth_sign_up", taken.clone()).await.code, code);
    }
}
