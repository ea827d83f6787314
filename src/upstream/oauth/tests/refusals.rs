//! What does not lead to a token.

use super::server::{Fake, Kept, applicant, query_of};
use super::{authorized, finish};
use crate::upstream::Failure;
use crate::upstream::oauth::{Authorizations, Callback, Unfinished};
use crate::upstream::outbound::{Destinations, Outbound};
use std::sync::Arc;

#[tokio::test]
async fn a_state_is_good_once_and_for_what_it_was_made_for() {
    let fake = Fake::start(|_| {}).await;
    let (authorizations, store) = (Authorizations::new("https://gateway.example"), Arc::new(Kept::default()));
    let begun = authorizations.begin(applicant(&fake, &store), None).await.expect("it begins");
    assert_eq!(finish(&authorizations, "code=the-code&state=guessed").await, Err(Unfinished::Unknown));
    for unreadable in
        ["", "code=the-code", "code=x&state=", "state=a&state=b&code=x", "state=a&code=x&code=y", "iss=a&iss=b&state=a"]
    {
        assert!(Callback::parse(unreadable).is_none(), "{unreadable}");
    }
    assert_eq!(fake.requests.lock().iter().filter(|(path, _)| path == "/token").count(), 0);
    let callback = fake.callback(&begun.url);
    finish(&authorizations, &callback).await.expect("it is done");
    assert_eq!(finish(&authorizations, &callback).await, Err(Unfinished::Unknown));
    // What was begun for one is saved for that one alone.
    let (mine, others) = (Arc::new(Kept::default()), Arc::new(Kept::default()));
    let begun = authorizations.begin(applicant(&fake, &mine), None).await.expect("it begins");
    authorizations.begin(applicant(&fake, &others), None).await.expect("it begins");
    finish(&authorizations, &fake.callback(&begun.url)).await.expect("it is done");
    assert!(mine.text().is_some() && others.text().is_none());
}

#[tokio::test]
async fn only_the_last_few_that_one_party_began_can_be_finished() {
    let fake = Fake::start(|_| {}).await;
    let authorizations = Authorizations::new("https://gateway.example");
    let mut begun = Vec::new();
    for _ in 0..6 {
        begun.push(authorizations.begin(applicant(&fake, &Arc::default()), None).await.expect("it begins"));
    }
    assert_eq!(finish(&authorizations, &fake.callback(&begun[0].url)).await, Err(Unfinished::Unknown));
    assert!(begun.remove(0).done.await.is_err());
    finish(&authorizations, &fake.callback(&begun[0].url)).await.expect("it is done");
}

#[tokio::test]
async fn an_answer_of_another_server_is_not_used() {
    for (names_itself, iss) in
        [(true, Some("https://evil.example")), (true, None), (false, Some("https://evil.example"))]
    {
        let fake = Fake::start(move |settings| settings.names_itself = names_itself).await;
        let authorizations = Authorizations::new("https://gateway.example");
        let begun = authorizations.begin(applicant(&fake, &Arc::default()), None).await.expect("it begins");
        let state = query_of(&begun.url)["state"].clone();
        let iss = iss.map(|iss| format!("&iss={iss}")).unwrap_or_default();
        // An error that it tells is not believed either.
        for what in ["code=the-code", "error=access_denied"] {
            let finished = finish(&authorizations, &format!("{what}&state={state}{iss}")).await;
            let expected = if what.starts_with("code") { Unfinished::Mismatch } else { Unfinished::Unknown };
            assert_eq!(finished, Err(expected));
        }
        assert!(!fake.paths().contains(&"/token".to_owned()));
    }
    let fake = Fake::start(|settings| settings.names_itself = true).await;
    authorized(&fake).await;
}

#[tokio::test]
async fn errors_are_told_without_repeating_them() {
    let fake = Fake::start(|settings| settings.refuse = true).await;
    let authorizations = Authorizations::new("https://gateway.example");
    for (query, status, expected) in [
        ("error=access_denied&error_description=%3Cscript%3Ebad", 200, "was declined"),
        ("error=%3Cscript%3Ebad&error_uri=javascript:bad", 502, "did not give access"),
        ("code=bad", 502, "did not give access"),
        ("bad=bad", 502, "did not give access"),
    ] {
        let begun = authorizations.begin(applicant(&fake, &Arc::default()), None).await.expect("it begins");
        let state = &query_of(&begun.url)["state"];
        let answer = authorizations.answer(Some(&format!("{query}&state={state}"))).await;
        assert_eq!(answer.status(), status, "{query}");
        assert!(answer.body().contains(expected) && !answer.body().contains("bad"), "{}", answer.body());
        assert!(!answer.body().contains(state.as_str()) && !answer.body().contains("secret"));
        assert!(begun.done.await.is_err());
    }
    for query in [None, Some("state=bad&code=bad"), Some("%ff=%ff&&&=")] {
        let answer = authorizations.answer(query).await;
        assert_eq!(answer.status(), 404);
        assert!(!answer.body().contains("bad"));
    }
}

#[tokio::test]
async fn servers_that_can_not_be_trusted_are_not_visited() {
    let begin = async |fake: &Fake| {
        let authorizations = Authorizations::new("https://gateway.example");
        let failure =
            authorizations.begin(applicant(fake, &Arc::default()), None).await.expect_err("it does not begin");
        assert!(matches!(failure, Failure::Incomplete(_)), "{failure:?}");
        failure.to_string()
    };
    let fake = Fake::start(|settings| settings.resource = "https://other.example/mcp").await;
    assert!(begin(&fake).await.contains("about another resource"));
    let fake = Fake::start(|settings| settings.says = Some("https://honest.example")).await;
    assert!(begin(&fake).await.contains("about another one"));
    let fake = Fake::start(|settings| settings.pkce = false).await;
    assert!(begin(&fake).await.contains("PKCE"));
    for endpoint in ["ftp://a.example/token", "javascript:alert(1)"] {
        let fake = Fake::start(move |settings| settings.token_endpoint = endpoint).await;
        assert!(begin(&fake).await.contains("not with https:"));
    }
}

#[tokio::test]
async fn a_token_that_is_no_bearer_token_is_not_kept() {
    let fake = Fake::start(|settings| settings.token_type = "DPoP").await;
    let (authorizations, store) = (Authorizations::new("https://gateway.example"), Arc::new(Kept::default()));
    let begun = authorizations.begin(applicant(&fake, &store), None).await.expect("it begins");
    let finished = finish(&authorizations, &fake.callback(&begun.url)).await;
    assert!(matches!(finished, Err(Unfinished::Failed(Failure::Unreadable(_)))), "{finished:?}");
    assert!(store.text().is_none());
}

#[tokio::test]
async fn what_tenants_add_is_authorized_at_public_addresses_only() {
    let fake = Fake::start(|_| {}).await;
    let authorizations = Authorizations::new("https://gateway.example");
    let mut applicant = applicant(&fake, &Arc::default());
    applicant.outbound = Outbound::new(Destinations::Public);
    // The upstream's own address, and what its header leads to.
    for (upstream, header) in [
        (format!("https://{}/mcp", fake.url("/").authority()), None),
        ("https://public.example/mcp".to_owned(), Some("Bearer resource_metadata=\"https://169.254.169.254/latest\"")),
        ("https://public.example/mcp".to_owned(), Some("Bearer resource_metadata=\"https://[::1]/\"")),
    ] {
        applicant.upstream = upstream.parse().expect("a URL");
        let failure = authorizations.begin(applicant.clone(), header).await.expect_err("it is private");
        assert!(failure.to_string().contains("not at a public address"), "{failure}");
    }
    applicant.upstream = "https://public.example/mcp".parse().expect("a URL");
    let header = format!("Bearer resource_metadata=\"{}\"", fake.url("/metadata"));
    let failure = authorizations.begin(applicant, Some(&header)).await.expect_err("it is not encrypted");
    assert!(failure.to_string().contains("not with https:"), "{failure}");
    assert!(fake.paths().is_empty());
}
