mod refusals;
mod server;

use super::{Authorizations, Begun, Callback, Tokens, Unfinished};
use crate::upstream::Failure;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use server::{Fake, Kept, applicant, query_of, settings};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

#[tokio::test]
async fn a_person_authorizes_the_gateway_and_the_token_is_kept() {
    let fake = Fake::start(|_| {}).await;
    let (authorizations, store) = (Authorizations::new("https://gateway.example/"), Arc::new(Kept::default()));
    let applicant = applicant(&fake, &store);
    let header = format!(r#"Bearer resource_metadata="{}", scope="files:read""#, fake.url("/metadata"));
    let begun = authorizations.begin(applicant.clone(), Some(&header)).await.expect("it begins");
    let asked = query_of(&begun.url);
    assert!(begun.url.as_str().starts_with(fake.url("/authorize?").as_str()));
    assert_eq!((asked["response_type"].as_str(), asked["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!((asked["client_id"].as_str(), asked["scope"].as_str()), ("registered-1", "files:read offline_access"));
    assert_eq!(asked["redirect_uri"], "https://gateway.example/oauth/callback");
    assert_eq!(asked["resource"], fake.url("/mcp").as_str());
    assert!(asked["state"].len() >= 43);

    let answer = authorizations.answer(Some(&fake.callback(&begun.url))).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.body().contains("Connected"));
    assert_eq!(
        answer.headers()["content-security-policy"].to_str().expect("text").split(';').next(),
        Some("default-src 'none'")
    );
    begun.done.await.expect("it is done");

    let sent = fake.taken("/token");
    assert_eq!((sent["grant_type"].as_str(), sent["code"].as_str()), ("authorization_code", "the-code"));
    assert_eq!(URL_SAFE_NO_PAD.encode(Sha256::digest(&sent["code_verifier"])), asked["code_challenge"]);
    for name in ["redirect_uri", "resource", "client_id"] {
        assert_eq!(sent[name], asked[name], "{name}");
    }
    let registered = fake.taken("/register")["body"].clone();
    for part in [
        r#""redirect_uris":["https://gateway.example/oauth/callback"]"#,
        r#""application_type":"web""#,
        r#""refresh_token""#,
    ] {
        assert!(registered.contains(part), "{registered}");
    }
    assert_eq!(
        authorizations.token(&applicant).await.expect("it is read").as_deref().map(String::as_str),
        Some("access-1")
    );
    // The next one is for the same client: the gateway is known there now.
    authorizations.begin(applicant, None).await.expect("it begins");
    assert!(fake.requests.lock().iter().all(|(path, _)| path != "/register"));
}

#[tokio::test]
async fn metadata_is_looked_for_where_the_specification_says_and_in_that_order() {
    let fake = Fake::start(|settings| settings.metadata = false).await;
    let authorizations = Authorizations::new("https://gateway.example");
    authorizations.begin(applicant(&fake, &Arc::default()), None).await.expect("the server itself gives tokens");
    let expected = [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-authorization-server",
        "/register",
    ];
    assert_eq!(fake.paths(), expected);

    let fake = Fake::start(|settings| settings.issuer = "/tenant").await;
    authorizations.begin(applicant(&fake, &Arc::default()), None).await.expect("it begins");
    let expected = [
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server/tenant",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
        "/register",
    ];
    assert_eq!(fake.paths(), expected);
}

#[tokio::test]
async fn a_client_that_is_known_shows_its_secret_as_the_server_takes_it() {
    for (methods, in_header) in [(None, true), (Some("client_secret_post"), false), (Some("client_secret_basic"), true)]
    {
        let fake = Fake::start(move |settings| settings.methods = methods).await;
        let authorizations = Authorizations::new("https://gateway.example");
        let mut applicant = applicant(&fake, &Arc::default());
        applicant.options = settings(Some("a client"), &["mine"]);
        applicant.client_secret = Some("a:secret".to_owned().into());
        let begun = authorizations.begin(applicant, None).await.expect("it begins");
        let asked = query_of(&begun.url);
        assert_eq!((asked["client_id"].as_str(), asked["scope"].as_str()), ("a client", "mine"));
        finish(&authorizations, &fake.callback(&begun.url)).await.expect("it is done");
        let sent = fake.taken("/token");
        let expected = in_header.then_some("Basic YStjbGllbnQ6YSUzQXNlY3JldA==");
        assert_eq!(sent.get("authorization").map(String::as_str), expected);
        assert_eq!(sent.contains_key("client_secret"), !in_header);
        assert!(!fake.paths().contains(&"/register".to_owned()));
    }
}

#[tokio::test]
async fn where_nobody_can_register_a_document_says_what_the_gateway_is() {
    let fake = Fake::start(|settings| settings.registers = false).await;
    let authorizations = Authorizations::new("https://gateway.example");
    let begun = authorizations.begin(applicant(&fake, &Arc::default()), None).await.expect("it begins");
    let id = "https://gateway.example/oauth/client.json";
    assert_eq!(query_of(&begun.url)["client_id"], id);
    let document: serde_json::Value = serde_json::from_str(authorizations.document().body()).expect("JSON");
    assert_eq!(
        (&document["client_id"], &document["redirect_uris"][0]),
        (&id.into(), &"https://gateway.example/oauth/callback".into())
    );
}

#[tokio::test]
async fn a_token_is_renewed_once_however_many_need_it() {
    let fake = Fake::start(|settings| settings.expires_in = 0).await;
    let (authorizations, applicant, store) = authorized(&fake).await;
    fake.requests.lock().clear();
    fake.settings.lock().expires_in = 3600;
    let all = futures_util::future::join_all((0..10).map(|_| authorizations.token(&applicant))).await;
    assert!(
        all.iter().all(|token| token.as_ref().expect("it is there").as_deref().map(String::as_str) == Some("access-2"))
    );
    assert_eq!(fake.paths(), ["/token"]);
    let sent = fake.taken("/token");
    assert_eq!((sent["grant_type"].as_str(), sent["refresh_token"].as_str()), ("refresh_token", "refresh-1"));
    assert_eq!((sent["client_id"].as_str(), sent["resource"].as_str()), ("registered-1", fake.url("/mcp").as_str()));
    // The upstream refuses it all the same, and the refresh token that came with it is used.
    let renewed = authorizations.renew(&applicant, "access-2").await.expect("it is renewed");
    assert_eq!(renewed.as_deref().map(String::as_str), Some("access-3"));
    assert_eq!(fake.taken("/token")["refresh_token"], "refresh-2");
    // Who had an older one gets the one that is there.
    let renewed = authorizations.renew(&applicant, "access-2").await.expect("it is there");
    assert_eq!(renewed.as_deref().map(String::as_str), Some("access-3"));
    assert!(fake.paths().is_empty());
    assert!(store.text().expect("it is kept").contains("refresh-3"));
}

#[tokio::test]
async fn a_token_that_is_not_renewed_is_dropped() {
    let fake = Fake::start(|settings| settings.expires_in = 0).await;
    let (authorizations, applicant, store) = authorized(&fake).await;
    fake.settings.lock().refuse = true;
    assert_eq!(authorizations.token(&applicant).await, Ok(None));
    assert_eq!((store.text(), authorizations.token(&applicant).await), (None, Ok(None)));
    // One without a refresh token is good until the upstream refuses it.
    let fake = Fake::start(|settings| settings.refresh = false).await;
    let (authorizations, applicant, store) = authorized(&fake).await;
    assert!(authorizations.token(&applicant).await.expect("it is there").is_some());
    assert_eq!((authorizations.renew(&applicant, "access-1").await, store.text()), (Ok(None), None));
}

#[tokio::test]
async fn a_server_that_is_away_drops_nothing() {
    let fake = Fake::start(|settings| settings.expires_in = 0).await;
    let (authorizations, applicant, store) = authorized(&fake).await;
    fake.settings.lock().broken = true;
    assert_eq!(authorizations.token(&applicant).await, Err(Failure::Status(503)));
    assert!(store.text().is_some());
    fake.settings.lock().broken = false;
    assert!(authorizations.token(&applicant).await.expect("it is there again").is_some());
}

#[tokio::test]
async fn tokens_are_not_printed() {
    let fake = Fake::start(|_| {}).await;
    let (authorizations, applicant, store) = authorized(&fake).await;
    let text = store.text().expect("it is kept");
    let tokens: Tokens = serde_json::from_str(&text).expect("it can be read");
    let begun = authorizations.begin(applicant.clone(), None).await.expect("it begins");
    let state = query_of(&begun.url)["state"].clone();
    let callback = Callback::parse(&fake.callback(&begun.url)).expect("it can be read");
    let printed = format!("{tokens:?} {authorizations:?} {applicant:?} {callback:?}");
    for secret in ["access-1", "refresh-1", "the-code", &state] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}

async fn authorized(fake: &Fake) -> (Authorizations, super::Applicant, Arc<Kept>) {
    let (authorizations, store) = (Authorizations::new("https://gateway.example"), Arc::new(Kept::default()));
    let applicant = applicant(fake, &store);
    let Begun { url, .. } = authorizations.begin(applicant.clone(), None).await.expect("it begins");
    finish(&authorizations, &fake.callback(&url)).await.expect("it is done");
    (authorizations, applicant, store)
}

async fn finish(authorizations: &Authorizations, query: &str) -> Result<(), Unfinished> {
    authorizations.finish(Callback::parse(query).expect("it can be read")).await
}
