//! Tokens that admit nobody, one of each kind.

use crate::support::TestServer;
use crate::support::http::upgrade;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// The server's own signing key: its id and the key itself.
async fn signing_key(server: &TestServer) -> (String, Vec<u8>) {
    let sql = "SELECT id, secret FROM signing_key WHERE retired_at IS NULL";
    let mut row = server.store().get(sql, Vec::new()).await.expect("it runs").expect("there is a key");
    let (id, secret) = (row.text().expect("an id"), row.text().expect("a secret"));
    (id, STANDARD.decode(secret).expect("it is base64"))
}

fn part(text: &str, number: usize) -> Value {
    let part = text.split('.').nth(number).expect("it has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[tokio::test]
async fn each_is_refused_with_401_and_says_why() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let good = server.tokens(&mut ann).await;
    let (good, refresh) = (good["access_token"].as_str().expect("a token"), &good["refresh_token"]);
    let (kid, der) = signing_key(&server).await;
    let key = EncodingKey::from_ed_der(&der);
    let (header, claims) = (part(good, 0), part(good, 1));
    assert_eq!(header, json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": kid }));
    let now = claims["iat"].as_i64().expect("a time");

    let sign = |header: Header, claims: &Value| jsonwebtoken::encode(&header, claims, &key).expect("it can be signed");
    let usual = || Header { typ: Some("at+jwt".into()), kid: Some(kid.clone()), ..Header::new(Algorithm::EdDSA) };
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        sign(usual(), &claims)
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().expect("an object").remove(name);
        sign(usual(), &claims)
    };
    let keys = server.manager().strategies().tokens.keys().jwks().await.expect("there are keys");
    let keys: Value = serde_json::from_str(&keys).expect("JSON");
    let public = URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().expect("a key")).expect("base64");
    let by_secret = Header { alg: Algorithm::HS256, ..usual() };
    let by_secret = jsonwebtoken::encode(&by_secret, &claims, &EncodingKey::from_secret(&public)).expect("signed");
    let none = format!("{}.{}.", encode(&json!({ "alg": "none", "typ": "at+jwt", "kid": kid })), encode(&claims));
    let mut other_role = claims.clone();
    other_role["tenant"] = json!("01890000-0000-7000-8000-000000000000");
    let parts: Vec<_> = good.split('.').collect();
    let tampered = format!("{}.{}.{}", parts[0], encode(&other_role), parts[2]);
    let stranger = uuid::Uuid::now_v7().to_string();
    let elsewhere = TestServer::start().await;
    let mut eve = elsewhere.sign_up("eve").await;
    let foreign = elsewhere.tokens(&mut eve).await["access_token"].as_str().expect("a token").to_owned();

    for (what, token, why) in [
        ("expired", with("exp", json!(now - 6)), "expired"),
        ("for another audience", with("aud", json!("https://other.example/mcp")), "audience"),
        ("of another issuer", with("iss", json!("https://other.example")), "issuer"),
        ("of no time yet", with("nbf", json!(now + 60)), "time"),
        ("of another user", with("sub", json!(stranger)), "revoked"),
        ("of no family", with("sid", json!(stranger)), "revoked"),
        ("without an end", without("exp"), "malformed"),
        ("without an audience", without("aud"), "malformed"),
        ("not an access token", sign(Header { typ: Some("JWT".into()), ..usual() }, &claims), "access token"),
        ("by an unknown key", sign(Header { kid: Some(stranger.clone()), ..usual() }, &claims), "key"),
        ("by no key", sign(Header { kid: None, ..usual() }, &claims), "key"),
        ("signed with the public key as a secret", by_secret, "signed"),
        ("not signed", none, "malformed"),
        ("tampered with", tampered, "signature"),
        ("of another server", foreign, "key"),
        ("a refresh token", refresh.as_str().expect("a token").to_owned(), "/auth/refresh"),
        ("an unknown key", "sessile_key_0000000000000000000000000000000000000000".into(), "API key"),
        ("nothing", "x".into(), "neither"),
    ] {
        let response = upgrade(server.address(), &[("Authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(response.status, 401, "{what}: {}", response.body);
        let challenge = response.header("www-authenticate").expect("it says how to authenticate");
        assert!(challenge.starts_with(r#"Bearer error="invalid_token", error_description=""#), "{challenge}");
        assert!(challenge.contains(why), "{what}: {challenge}");
        assert!(!format!("{response:?}").contains(&token) || token == "x", "{what}: it is echoed");
    }
    // Clocks may differ a little. And the one that all were made of is good.
    for token in [with("exp", json!(now - 2)), with("nbf", json!(now + 3)), good.to_owned()] {
        let response = upgrade(server.address(), &[("Authorization", &format!("Bearer {token}"))]).await;
        assert_eq!(response.status, 101, "{}", response.body);
    }
    // The tenant is the family's, and not what a token says.
    let mut client = server.connect_by(&with("tenant", json!(stranger))).await;
    assert_eq!(client.tool("auth_whoami", json!({})).await["tenant"]["name"], "ann's");
}
