//! Tokens of a configured issuer: whom they let in, and which are refused.

use crate::support::http::{Response, request, upgrade};
use crate::support::issuer::{Issuer, Signer};
use crate::support::{Client, PASSWORD, TestServer};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sessile::auth::OidcOptions;
use sessile::server::Server;
use sessile::store::Write;
use sessile::tenancy::Role;
use std::time::{Duration, SystemTime};

/// The tenants that the issuer may let people into, and one that it may not.
const TENANTS: [&str; 2] = ["0199c0de-0000-7000-8000-000000000001", "0199c0de-0000-7000-8000-000000000002"];
const FOREIGN: &str = "0199c0de-0000-7000-8000-000000000003";
const AUDIENCE: &str = "sessile-test";

/// An issuer for both tenants that makes members of whoever it vouches for.
fn provisioning(issuer: &Issuer) -> OidcOptions {
    let roles = [("crm-admins", Role::Admin), ("crm", Role::Member), ("guests", Role::Viewer)];
    OidcOptions {
        tenants: TENANTS.map(str::to_owned).into(),
        tenant_claim: Some("https://crm.example.com/tenant".into()),
        role_claim: Some("realm_access.roles".into()),
        roles: roles.map(|(value, role)| (value.to_owned(), role)).into(),
        provision: true,
        ..OidcOptions::new("corp", &issuer.url, AUDIENCE, TENANTS[0])
    }
}

/// A server with these issuers, and with the three tenants, of which nobody is a member.
async fn serve(issuers: Vec<OidcOptions>) -> TestServer {
    let server = TestServer::with(|options| {
        options.oidc = issuers;
        // How often it is looked whether a credential has ended.
        options.sessions.ping_interval = Duration::from_millis(100);
    })
    .await;
    let mut write = Write::new();
    for id in [TENANTS[0], TENANTS[1], FOREIGN] {
        let sql = format!("INSERT INTO tenant (id, name, created_at) VALUES ('{id}', 'of {id}', 0)");
        write = write.run(sql, Vec::new());
    }
    server.store().write(write).await.expect("there is no such tenant yet");
    server
}

fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_secs()
}

/// What a good token says.
fn claims(issuer: &Issuer) -> Value {
    json!({
        "iss": issuer.url,
        "aud": [AUDIENCE, "account"],
        "sub": "7c1b",
        "iat": now(),
        "exp": now() + 300,
        "email": "ann@corp.example",
        "https://crm.example.com/tenant": TENANTS[0],
        "realm_access": { "roles": ["offline_access", "crm"] },
    })
}

fn with(issuer: &Issuer, name: &str, value: Value) -> Value {
    let mut claims = claims(issuer);
    claims[name] = value;
    claims
}

async fn knock(server: &TestServer, token: &str) -> Response {
    upgrade(server.address(), &[("Authorization", &format!("Bearer {token}"))]).await
}

async fn whoami(server: &TestServer, token: &str) -> Value {
    server.connect_by(token).await.tool("auth_whoami", json!({})).await
}

/// The details of the refusals in a tenant's audit log. They are written behind the answer, but before
/// any write that is asked for afterwards.
async fn refusals(server: &TestServer, tenant: &str) -> Vec<String> {
    server.store().write(Write::new()).await.expect("it runs");
    let sql = format!("SELECT detail FROM audit WHERE tenant_id = '{tenant}' AND action = 'auth.refused' ORDER BY id");
    let mut rows = server.store().list(sql, Vec::new()).await.expect("it runs");
    rows.iter_mut().map(|row| row.text().expect("a text")).collect()
}

#[tokio::test]
async fn whom_the_issuer_vouches_for_is_let_in_with_their_role_in_their_tenant() {
    let signers = [Signer::ed25519("ed"), Signer::p256("ec"), Signer::rsa("rsa")];
    let issuer = Issuer::start(&signers.each_ref()).await;
    let server = serve(vec![provisioning(&issuer)]).await;
    for signer in &signers {
        let who = whoami(&server, &signer.sign(&claims(&issuer))).await;
        assert_eq!(who["proof"], "external", "{who}");
        assert_eq!((&who["tenant"]["id"], &who["role"]), (&json!(TENANTS[0]), &json!("member")));
        assert_eq!(who["user"]["email"].as_str().or(who["email"].as_str()), Some("ann@corp.example"), "{who}");
    }
    // The same person in the other tenant, with the highest of the roles that the token names.
    let mut other = with(&issuer, "https://crm.example.com/tenant", json!(TENANTS[1]));
    other["realm_access"]["roles"] = json!(["guests", "crm-admins"]);
    let who = whoami(&server, &signers[0].sign(&other)).await;
    assert_eq!((&who["tenant"]["id"], &who["role"]), (&json!(TENANTS[1]), &json!("admin")));
    // In the first one they are a member still: a token caps the role, and does not raise it.
    let mut raised = claims(&issuer);
    raised["realm_access"]["roles"] = json!(["crm-admins"]);
    assert_eq!(whoami(&server, &signers[0].sign(&raised)).await["role"], "member");
    raised["realm_access"]["roles"] = json!(["guests"]);
    let guest = signers[0].sign(&raised);
    let mut client = server.connect_by(&guest).await;
    assert_eq!(client.refused("crm_contact_create", json!({ "name": "x" })).await.code, "not_allowed");
    // It is good for its tenant alone.
    for (tool, arguments) in [
        ("tenant_switch", json!({ "to": TENANTS[1] })),
        ("tenant_join", json!({ "code": "sessile_invite_00" })),
        ("auth_change_password", json!({ "current_password": PASSWORD, "new_password": "another long one" })),
    ] {
        assert_eq!(client.refused(tool, arguments).await.code, "not_allowed", "{tool}");
    }
    drop(client);
    // Three requests of one person made one user.
    let sql = "SELECT COUNT(*) FROM app_user";
    let mut row = server.store().get(sql, Vec::new()).await.expect("it runs").expect("there is one");
    assert_eq!(row.int().expect("a number"), 1);
    server.stop().await;
}

#[tokio::test]
async fn each_bad_token_is_refused_and_says_why() {
    let (signer, stranger) = (Signer::ed25519("ed"), Signer::ed25519("ed"));
    let rsa = Signer::rsa("rsa");
    let issuer = Issuer::start(&[&signer, &rsa]).await;
    let server = serve(vec![provisioning(&issuer)]).await;
    let good = signer.sign(&claims(&issuer));
    assert_eq!(knock(&server, &good).await.status, 101);

    let sign = |name: &str, value: Value| signer.sign(&with(&issuer, name, value));
    let without = |name: &str| {
        let mut claims = claims(&issuer);
        claims.as_object_mut().expect("an object").remove(name);
        signer.sign(&claims)
    };
    let usual = || Header { kid: Some("ed".into()), ..Header::new(Algorithm::EdDSA) };
    let encode = |part: Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let body = encode(claims(&issuer));
    let parts: Vec<_> = good.split('.').collect();
    let tampered = encode(with(&issuer, "sub", json!("somebody else")));
    let secret = EncodingKey::from_secret(signer.jwk["x"].as_str().expect("a key").as_bytes());
    let by_secret = Header { alg: Algorithm::HS256, ..usual() };
    let by_secret = jsonwebtoken::encode(&by_secret, &claims(&issuer), &secret).expect("it can be signed");
    let tenant = "https://crm.example.com/tenant";
    for (what, token, status, why) in [
        ("expired", sign("exp", json!(now() - 31)), 401, "it has expired"),
        ("without an end", without("exp"), 401, "a claim is missing"),
        ("not yet good", sign("nbf", json!(now() + 60)), 401, "its time has not come yet"),
        ("from the future", sign("iat", json!(now() + 60)), 401, "it was issued in the future"),
        ("with odd times", sign("iat", json!(now() + 20 + 300)), 401, "it was issued in the future"),
        ("for somebody else", sign("aud", json!("other")), 401, "it is for another audience"),
        ("for nobody", without("aud"), 401, "a claim is missing"),
        ("about nobody", without("sub"), 401, "a claim is missing"),
        ("about an empty subject", sign("sub", json!("")), 401, "it names no subject"),
        ("that names another issuer", sign("iss", json!("https://evil.example")), 401, "it is from another issuer"),
        (
            "of another issuer",
            stranger.sign(&with(&issuer, "iss", json!("https://evil.example"))),
            401,
            "issuer that this server knows",
        ),
        ("signed by another key", stranger.sign(&claims(&issuer)), 401, "its signature is wrong"),
        ("tampered with", format!("{}.{tampered}.{}", parts[0], parts[2]), 401, "its signature is wrong"),
        ("not signed", format!("{}.{body}.", encode(json!({ "alg": "none", "kid": "ed" }))), 401, "it is"),
        ("signed with the public key", by_secret, 401, "an algorithm that is not accepted"),
        (
            "with an algorithm that is not listed",
            rsa.sign_as(Header { kid: Some("rsa".into()), ..Header::new(Algorithm::RS512) }, &claims(&issuer)),
            401,
            "an algorithm that is not accepted",
        ),
        (
            "with another key's algorithm",
            rsa.sign_as(Header { kid: Some("ed".into()), ..Header::new(Algorithm::RS256) }, &claims(&issuer)),
            401,
            "another algorithm than its key is for",
        ),
        (
            "without a key's name",
            signer.sign_as(Header { kid: None, ..usual() }, &claims(&issuer)),
            401,
            "does not say which of its issuer's keys",
        ),
        (
            "with an unknown key's name",
            signer.sign_as(Header { kid: Some("no".into()), ..usual() }, &claims(&issuer)),
            401,
            "has no such key",
        ),
        (
            "of another type",
            signer.sign_as(Header { typ: Some("logout+jwt".into()), ..usual() }, &claims(&issuer)),
            401,
            "it is no access token",
        ),
        (
            "that asks for more",
            signer.sign_as(Header { crit: Some(vec!["exp".into()]), ..usual() }, &claims(&issuer)),
            401,
            "its header asks for",
        ),
        ("for a foreign tenant", sign(tenant, json!(FOREIGN)), 403, "names no tenant that its issuer may"),
        (
            "for no tenant",
            sign(tenant, json!("0199c0de-0000-7000-8000-00000000000f")),
            403,
            "names no tenant that its issuer may",
        ),
        ("for no tenant's id", sign(tenant, json!("%")), 403, "names no tenant that its issuer may"),
        ("for several tenants", sign(tenant, json!(TENANTS)), 403, "names no tenant that its issuer may"),
        ("for no tenant at all", without(tenant), 403, "names no tenant that its issuer may"),
        ("without a role", sign("realm_access", json!({ "roles": ["offline_access"] })), 403, "gives no role"),
    ] {
        let response = knock(&server, &token).await;
        assert_eq!(response.status, status, "{what}: {}", response.body);
        assert!(response.body.contains(why), "{what}: {}", response.body);
        assert!(!format!("{response:?}").contains(&token), "{what}: it is echoed");
    }
    // The admins of the tenant that they name can read of each kind, once; of a foreign one nothing is written.
    let signed = format!("a token of {} for 7c1b, from 127.0.0.1", issuer.url);
    let forged = format!("a token in the name of {}, from 127.0.0.1", issuer.url);
    let expected = [
        format!("{signed}: it has expired"),
        format!("{signed}: a claim is missing or malformed"),
        format!("{signed}: its time has not come yet"),
        format!("{signed}: it was issued in the future"),
        format!("{signed}: it is for another audience"),
        format!("a token of {}, from 127.0.0.1: it names no subject", issuer.url),
        format!("{signed}: it is from another issuer"),
        format!("{forged}: its signature is wrong"),
        format!("{forged}: it is malformed"),
        format!("{forged}: it is signed with an algorithm that is not accepted from its issuer"),
        format!("{forged}: it is signed with another algorithm than its key is for"),
        format!("{forged}: it does not say which of its issuer's keys has signed it"),
        format!("{forged}: its issuer has no such key"),
        format!("{forged}: it is no access token"),
        format!("{forged}: its header asks for what is not supported"),
        format!("{signed}: it gives no role"),
    ];
    assert_eq!(refusals(&server, TENANTS[0]).await, expected);
    for untouched in [TENANTS[1], FOREIGN] {
        assert!(refusals(&server, untouched).await.is_empty());
    }
    // A good one goes on being good.
    assert_eq!(knock(&server, &good).await.status, 101);
}

#[tokio::test]
async fn of_an_issuer_for_all_tenants_none_hears_what_it_has_not_signed() {
    let (signer, stranger) = (Signer::ed25519("ed"), Signer::ed25519("ed"));
    let issuer = Issuer::start(&[&signer]).await;
    let server = serve(vec![OidcOptions { tenants: vec!["*".into()], ..provisioning(&issuer) }]).await;
    let late = with(&issuer, "exp", json!(now() - 31));
    for token in [stranger.sign(&claims(&issuer)), stranger.sign(&late), signer.sign(&late)] {
        assert_eq!(knock(&server, &token).await.status, 401);
    }
    let expected = format!("a token of {} for 7c1b, from 127.0.0.1: it has expired", issuer.url);
    assert_eq!(refusals(&server, TENANTS[0]).await, [expected]);
}

#[tokio::test]
async fn an_only_key_need_not_be_named_and_an_only_tenant_neither() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    // What cannot check signatures is passed over.
    let secret = json!({ "kty": "oct", "kid": "s", "k": "c2VjcmV0" });
    let encrypts = json!({ "kty": "RSA", "use": "enc", "kid": "e", "n": "AQAB", "e": "AQAB" });
    issuer.publish(vec![secret, json!({ "kty": "new" }), encrypts, signer.jwk.clone(), json!(7)]);
    let options = OidcOptions {
        provision: true,
        default_role: Some(Role::Viewer),
        ..OidcOptions::new("corp", &issuer.url, AUDIENCE, TENANTS[1])
    };
    let server = serve(vec![options]).await;
    let token = signer.sign_as(Header::new(Algorithm::EdDSA), &claims(&issuer));
    let who = whoami(&server, &token).await;
    assert_eq!((&who["tenant"]["id"], &who["role"]), (&json!(TENANTS[1]), &json!("viewer")));
}

#[tokio::test]
async fn without_provisioning_only_members_are_let_in() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    let server = serve(vec![OidcOptions::new("corp", &issuer.url, AUDIENCE, TENANTS[0])]).await;
    let token = signer.sign(&claims(&issuer));
    let unknown = knock(&server, &token).await;
    assert_eq!(unknown.status, 403, "{}", unknown.body);
    assert_eq!(refusals(&server, TENANTS[0]).await.len(), 1);
    // That the token names somebody's address does not make its bearer that user.
    let mut ann = server.connect().await;
    ann.tool("auth_sign_up", json!({ "email": "ann@corp.example", "password": PASSWORD, "tenant_name": "A" })).await;
    assert_eq!(knock(&server, &token).await.status, 403);
    let user = server.principal(&mut ann).await.user();
    let identity = format!("INSERT INTO external_identity VALUES ('{}', '7c1b', '{user}')", issuer.url);
    server.store().write(Write::new().run(identity, Vec::new())).await.expect("it is new");
    let not_here = knock(&server, &token).await;
    assert_eq!(not_here.status, 403, "{}", not_here.body);
    assert!(not_here.body.contains("not a member"), "{}", not_here.body);
    let member = format!("INSERT INTO member VALUES ('{}', '{user}', 'admin', 0)", TENANTS[0]);
    server.store().write(Write::new().run(member, Vec::new())).await.expect("it is new");
    let who = whoami(&server, &token).await;
    assert_eq!((&who["tenant"]["id"], &who["role"]), (&json!(TENANTS[0]), &json!("admin")));
}

#[tokio::test]
async fn who_was_removed_stays_out_though_the_issuer_vouches_for_them() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    let server = serve(vec![provisioning(&issuer)]).await;
    let admin = |sub: &str| {
        let mut claims = with(&issuer, "sub", json!(sub));
        claims["realm_access"]["roles"] = json!(["crm-admins"]);
        signer.sign(&claims)
    };
    let mut bob = server.connect_by(&admin("bob")).await;
    let token = signer.sign(&claims(&issuer));
    let mut ann: Client = server.connect_by(&token).await;
    let user = server.principal(&mut ann).await.user();
    bob.tool("tenant_remove_member", json!({ "user_id": user.to_string() })).await;
    assert_eq!(ann.closed().await.1, "membership-ended");
    for token in [&token, &signer.sign(&with(&issuer, "jti", json!("another")))] {
        let refused = knock(&server, token).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
}

#[tokio::test]
async fn a_new_key_is_found_and_an_old_one_forgotten() {
    let (old, new) = (Signer::ed25519("old"), Signer::p256("new"));
    let issuer = Issuer::start(&[&old]).await;
    let options = OidcOptions { unknown_key_every: Duration::ZERO, ..provisioning(&issuer) };
    let server = serve(vec![options]).await;
    let remembered = old.sign(&claims(&issuer));
    assert_eq!(knock(&server, &remembered).await.status, 101);
    issuer.publish(vec![old.jwk.clone(), new.jwk.clone()]);
    assert_eq!(knock(&server, &new.sign(&claims(&issuer))).await.status, 101);
    assert_eq!(knock(&server, &remembered).await.status, 101);
    issuer.publish(vec![new.jwk.clone()]);
    let unknown = new.sign_as(Header { kid: Some("no".into()), ..Header::new(new.algorithm) }, &claims(&issuer));
    assert_eq!(knock(&server, &unknown).await.status, 401);
    for token in [remembered, old.sign(&with(&issuer, "jti", json!("later")))] {
        let refused = knock(&server, &token).await;
        assert_eq!(refused.status, 401, "{}", refused.body);
        assert!(refused.body.contains("no such key"), "{}", refused.body);
    }
}

#[tokio::test]
async fn forged_key_names_cause_no_storm() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    let server = serve(vec![provisioning(&issuer)]).await;
    let forged = |number: usize| {
        let header = Header { kid: Some(format!("no-{number}")), ..Header::new(Algorithm::EdDSA) };
        signer.sign_as(header, &claims(&issuer))
    };
    let tokens: Vec<_> = (0..20).map(forged).collect();
    let knocks = tokens.iter().map(|token| knock(&server, token));
    for response in futures_util::future::join_all(knocks).await {
        assert_eq!(response.status, 401, "{}", response.body);
    }
    assert_eq!(issuer.asked(), 2, "once for where the keys are and once for them");
    assert_eq!(knock(&server, &signer.sign(&claims(&issuer))).await.status, 101);
}

#[tokio::test]
async fn known_keys_go_on_working_while_the_issuer_is_down() {
    let (signer, other) = (Signer::ed25519("ed"), Signer::ed25519("other"));
    let issuer = Issuer::start(&[&signer]).await;
    let often =
        OidcOptions { refresh_every: Duration::ZERO, unknown_key_every: Duration::ZERO, ..provisioning(&issuer) };
    let server = serve(vec![often]).await;
    issuer.break_down(Some(500));
    let unknown = knock(&server, &signer.sign(&claims(&issuer))).await;
    assert_eq!((unknown.status, unknown.header("retry-after").is_some()), (503, true), "{}", unknown.body);
    issuer.break_down(None);
    assert_eq!(knock(&server, &signer.sign(&claims(&issuer))).await.status, 101);
    for status in [500, 302, 404] {
        issuer.break_down(Some(status));
        let asked = issuer.asked();
        let token = signer.sign(&with(&issuer, "jti", json!(status)));
        assert_eq!(knock(&server, &token).await.status, 101, "{status}");
        assert_eq!(issuer.asked(), asked + 1, "it was asked, and nothing else was, wherever it pointed");
        assert_eq!(knock(&server, &other.sign(&claims(&issuer))).await.status, 503, "{status}");
    }
}

#[tokio::test]
async fn what_an_issuer_publishes_is_not_taken_on_trust() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    let url = issuer.url.clone();
    let options = OidcOptions { unknown_key_every: Duration::ZERO, ..provisioning(&issuer) };
    let server = serve(vec![options]).await;
    let token = signer.sign(&claims(&issuer));
    for discovery in [
        json!({ "issuer": "https://other.example", "jwks_uri": format!("{url}/keys") }),
        json!({ "issuer": format!("{url}/"), "jwks_uri": format!("{url}/keys") }),
        json!({ "issuer": url, "jwks_uri": "http://192.0.2.1/keys" }),
        json!({ "issuer": url, "jwks_uri": "file:///etc/passwd" }),
        json!({ "issuer": url }),
        json!({ "issuer": url, "jwks_uri": format!("{url}/keys"), "more": "x".repeat(300 * 1024) }),
    ] {
        issuer.describe(discovery.clone());
        assert_eq!(knock(&server, &token).await.status, 503, "{:.200}", discovery.to_string());
    }
    issuer.describe(json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }));
    assert_eq!(knock(&server, &token).await.status, 101);
}

#[tokio::test]
async fn clients_can_learn_who_signs_people_in() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    let server = serve(vec![provisioning(&issuer)]).await;
    let host = server.address().to_string();
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let response = request(server.address(), &format!("GET {path}"), &[("Origin", "https://any.example")]).await;
        assert_eq!(response.header("content-type"), Some("application/json"), "{path}");
        assert_eq!(response.header("access-control-allow-origin"), Some("*"), "{path}");
        let document: Value = serde_json::from_str(&response.body).expect("it is JSON");
        let expected = json!({
            "resource": format!("http://{host}/mcp"),
            "authorization_servers": [issuer.url],
            "bearer_methods_supported": ["header"],
            "resource_name": "Sessile",
        });
        assert_eq!(document, expected, "{path}");
        assert_eq!(request(server.address(), &format!("POST {path}"), &[]).await.status, 405);
    }
    let refused = knock(&server, "no.good.token").await;
    let challenge = refused.header("www-authenticate").expect("a challenge");
    let pointer = format!("resource_metadata=\"http://{host}/.well-known/oauth-protected-resource/mcp\"");
    assert!(challenge.starts_with("Bearer error=\"invalid_token\"") && challenge.ends_with(&pointer), "{challenge}");
    // Under its name for others, and without anybody else who signs people in.
    let server = TestServer::with(|options| options.public_url = Some("https://crm.example.com".into())).await;
    let response = request(server.address(), "GET /.well-known/oauth-protected-resource", &[]).await;
    let document: Value = serde_json::from_str(&response.body).expect("it is JSON");
    assert_eq!(document["resource"], "https://crm.example.com/mcp");
    assert_eq!(document.get("authorization_servers"), None);
    let refused = knock(&server, "no.good.token").await;
    assert!(refused.header("www-authenticate").is_some_and(|challenge| !challenge.contains("resource_metadata")));
}

#[tokio::test]
async fn a_connection_ends_with_its_token() {
    let signer = Signer::ed25519("ed");
    let issuer = Issuer::start(&[&signer]).await;
    let server = serve(vec![provisioning(&issuer)]).await;
    // It has ended already; for half a minute it is forgiven, of which little is left.
    let token = signer.sign(&{
        let mut claims = with(&issuer, "exp", json!(now() - 28));
        claims["iat"] = json!(now() - 100);
        claims
    });
    let mut client = server.connect_by(&token).await;
    assert_eq!(client.closed().await.1, "credential-expired");
    assert_eq!(knock(&server, &token).await.status, 401);
}

#[tokio::test]
async fn the_server_does_not_start_with_an_issuer_that_cannot_be_used() {
    let good = || OidcOptions::new("corp", "https://id.example.com", AUDIENCE, TENANTS[0]);
    let refused = |issuers: Vec<OidcOptions>| {
        let directory = tempfile::tempdir().expect("there is room for a database");
        let mut options = sessile::config::Config::default().server;
        options.store.url = format!("sqlite:{}", directory.path().join("sessile.db").display());
        options.tokens.issuer = Some("https://crm.example.com".into());
        options.oidc = issuers;
        Server::new(options).expect_err("it cannot start").to_string()
    };
    for (options, key) in [
        (OidcOptions { issuer: "http://id.example.com".into(), ..good() }, "issuer"),
        (OidcOptions { issuer: "id.example.com".into(), ..good() }, "issuer"),
        (OidcOptions { issuer: "https://id.example.com/?a".into(), ..good() }, "issuer"),
        (OidcOptions { issuer: "https://crm.example.com".into(), ..good() }, "issuer"),
        (OidcOptions { audience: String::new(), ..good() }, "audience"),
        (OidcOptions { algorithms: vec!["HS256".into()], ..good() }, "algorithms"),
        (OidcOptions { algorithms: vec!["none".into()], ..good() }, "algorithms"),
        (OidcOptions { algorithms: Vec::new(), ..good() }, "algorithms"),
        (OidcOptions { tenants: Vec::new(), ..good() }, "tenants"),
        (OidcOptions { tenants: vec!["Acme".into()], ..good() }, "tenants"),
        (OidcOptions { tenants: TENANTS.map(str::to_owned).into(), ..good() }, "tenant_claim"),
        (OidcOptions { role_claim: Some("roles".into()), ..good() }, "roles"),
        (OidcOptions { roles: [("a".to_owned(), Role::Admin)].into(), ..good() }, "role_claim"),
        (OidcOptions { provision: true, ..good() }, "default_role"),
    ] {
        let error = refused(vec![options]);
        assert!(error.starts_with(&format!("oidc.corp.{key}: ")), "{error}");
    }
    assert!(refused(vec![good(), good()]).starts_with("oidc.corp.issuer: "));
}
