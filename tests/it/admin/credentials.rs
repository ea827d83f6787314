//! Tokens, API keys and signing keys.

use crate::support::{Client, Credential, PASSWORD, TestServer, Transport, Way, email};
use rusqlite::Connection;
use serde_json::json;
use sessile::wire::Era;

#[tokio::test]
async fn tokens_and_api_keys_are_listed_and_revoked() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let whoami = ann.tool("auth_whoami", json!({})).await;
    let (user, tenant) =
        (whoami["user"]["id"].as_str().expect("an id"), whoami["tenant"]["id"].as_str().expect("an id"));
    let database = Connection::open(server.database()).expect("it opens");
    for (id, expires) in
        [("01890000-0000-7000-8000-000000000001", i64::MAX), ("01890000-0000-7000-8000-000000000002", 5)]
    {
        let family = "INSERT INTO token_family (tenant_id, id, user_id, epoch, created_at, expires_at) VALUES (?, ?, ?, 1, 1, ?)";
        database.execute(family, (tenant, id, user, expires)).expect("it is a family");
        let token = "INSERT INTO refresh_token (tenant_id, token_hash, family_id, created_at) VALUES (?, ?, ?, 1)";
        database.execute(token, (tenant, format!("hash of {id}"), id)).expect("it is a token");
        let key = "INSERT INTO api_key (tenant_id, id, user_id, name, role, key_hash, created_at) VALUES (?, ?, ?, 'CI', 'viewer', ?, 1)";
        database.execute(key, (tenant, id, user, format!("hash of {id}"))).expect("it is a key");
    }
    let tokens = server.admin(&["tokens", "list", "--json"]).await.json();
    assert_eq!(tokens.as_array().map(Vec::len), Some(1), "the other has expired: {tokens}");
    assert_eq!(tokens[0]["email"], email("ann"));
    let keys = server.admin(&["api-keys", "list", "--user", &email("ann")]).await.done();
    assert!(keys.starts_with("ID ") && keys.lines().count() == 3 && !keys.contains("hash of"), "{keys}");

    let id = tokens[0]["id"].as_str().expect("an id");
    server.admin(&["tokens", "revoke", id]).await.done();
    assert!(server.admin(&["tokens", "revoke", id]).await.refused().contains("tokens list"));
    server.admin(&["api-keys", "revoke", id]).await.done();
    assert!(server.admin(&["api-keys", "revoke", "x"]).await.refused().contains("api-keys list"));
    let left = |table: &str| {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        database.query_row(&sql, [], |row| row.get::<_, i64>(0)).expect("a count")
    };
    assert_eq!(server.admin(&["tokens", "list", "--json"]).await.json(), json!([]));
    assert_eq!(["api_key", "notice"].map(left), [1, 0]);
    server.admin(&["sessions", "end", "--tenant", tenant]).await.done();
    assert_eq!(["token_family", "refresh_token", "api_key", "notice"].map(left), [0, 0, 1, 0]);
}

#[tokio::test]
async fn a_rotated_key_signs_and_the_ones_before_it_are_retired() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let way = Way::Bearer(Transport::HttpModern, Credential::AccessToken);
    let mut web = Client::connect_by(way, server.address(), Era::Modern, None).await;
    for _ in 0..2 {
        let rotated = server.admin(&["keys", "rotate", "--json"]).await.json();
        // The server signs with it as soon as the command is done.
        let arguments = json!({ "email": email("ann"), "password": PASSWORD });
        let identity = web.tool("auth_sign_in", arguments).await;
        let token = identity["tokens"]["access_token"].as_str().expect("a token").to_owned();
        let header = jsonwebtoken::decode_header(&token).expect("it is a JWT");
        assert_eq!(header.kid.as_deref(), rotated["id"].as_str());
    }
    let keys = server.admin(&["keys", "list", "--json"]).await.json();
    let retired: Vec<_> = keys.as_array().expect("a list").iter().map(|key| key["retired_at"].is_string()).collect();
    let signing = retired.iter().filter(|is| !**is).count();
    assert_eq!((signing, retired[0]), (1, false), "{keys}");
    assert!(!keys.to_string().contains("secret"), "{keys}");
}
