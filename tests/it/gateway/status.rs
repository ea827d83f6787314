//! `upstream_status`: how one's own sessions with upstreams are.

use super::oauth::provider::Provider;
use crate::support::{Client, TestServer};
use serde_json::{Value, json};
use sessile::upstream::{Definition, Reach, Template};
use sessile::wire::Era;

/// An upstream at this URL that is sent a fixed token.
fn plain(provider: &Provider, name: &str, url: Option<&str>) -> Definition {
    let mut definition = provider.definition(false);
    (definition.name, definition.prefix) = (name.into(), String::new());
    definition.authorization = None;
    if let Reach::Http { url: there, headers } = &mut definition.reach {
        headers.insert("Authorization".into(), Template::parse("Bearer access-0").expect("it is one"));
        if let Some(url) = url {
            *there = Template::parse(url).expect("it is a URL");
        }
    }
    definition
}

async fn statuses(client: &mut Client) -> Vec<Value> {
    let said = client.tool("upstream_status", json!({})).await;
    said["upstreams"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn each_tells_of_ones_own_session_and_opens_none() {
    let provider = Provider::start().await;
    provider.state().good.push("access-0".into());
    provider.state().tools = vec!["read", "crm_search"];
    // Nobody listens there any more.
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut lost = plain(&provider, "lost", Some(&format!("http://{nowhere}/mcp")));
    lost.prefix = "lost_".into();
    let server = TestServer::with(|options| {
        options.upstreams = vec![plain(&provider, "notes", None), lost];
        options.own_upstreams.allow_private = true;
    })
    .await;
    let mut ann = server.sign_up("ann").await;
    let wiki = json!({ "name": "wiki", "url": "http://127.0.0.1:9/mcp", "role": "owner", "headers": { "X-Key": "${credential:wiki}" } });
    ann.tool("upstream_add", wiki).await;
    let mut eve = server.sign_up("eve").await;
    let closed = statuses(&mut eve).await;
    let names: Vec<_> = closed.iter().map(|one| one["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["notes", "lost"], "not those of others");
    assert!(closed.iter().all(|one| one["state"] == "closed" && one.get("problem").is_none()), "{closed:?}");
    ann.result("tools/list", json!({})).await;
    for _ in 0..3 {
        ann.refused("lost_x", json!({})).await;
    }
    let [notes, lost, wiki] = &statuses(&mut ann).await[..] else { panic!("there are three") };
    assert_eq!((&notes["state"], &notes["revision"]), (&json!("open"), &json!("2025-11-25")));
    assert_eq!((&notes["tools"], &notes["hidden_tools"]), (&json!(1), &json!(["crm_search"])));
    assert!(notes["open_for_seconds"].is_u64() && notes["origin"] == "configured");
    assert_eq!(lost["state"], "resting");
    assert!(lost["rests_for_seconds"].as_u64() >= Some(1), "{lost}");
    assert!(lost["problem"].as_str().expect("a text").contains("could not be reached"), "{lost}");
    assert_eq!((&wiki["origin"], &wiki["missing_credentials"]), (&json!("own"), &json!(["wiki"])));
    assert!(wiki["problem"].as_str().expect("a text").contains("wiki"), "{wiki}");
    // A session of one's own, too; and who has none with a connection has one by what they come with.
    let mut again = server.sign_in("ann").await;
    assert_eq!(statuses(&mut again).await[0]["state"], "closed");
    let mut http = server.http_sign_up(Era::Modern, "bob").await;
    http.result("tools/list", json!({})).await;
    let said = http.tool("upstream_status", json!({})).await;
    assert_eq!(said["upstreams"][0]["state"], "open", "{said}");
    server.stop().await;
}
