//! Whose tools are listed and called, and by whom.

use super::stage::{CLIENTS, definitions, gateway, gateway_over, nasty, said, shows, tools};
use serde_json::{Value, json};
use sessile::wire::Era;

/// The error of a call, with the name that it is about left out.
async fn unknown(client: &mut crate::support::Client, tool: &str) -> Value {
    let error = client.error("tools/call", json!({ "name": tool, "arguments": {} })).await;
    serde_json::from_str(&error.to_string().replace(tool, "TOOL")).expect("it is JSON still")
}

#[tokio::test]
async fn tools_are_listed_behind_the_built_in_ones_and_called_by_their_prefixed_names() {
    for (way, era) in CLIENTS {
        let server = gateway_over(way, &[nasty("one", ""), nasty("two", "prefix = \"second.\"")]).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        let names = tools(&mut ann).await;
        let own = names.iter().position(|name| name == "one_echo").expect("it is listed");
        let first = names.iter().position(|name| name.starts_with("one_")).expect("it is listed");
        assert!(names[..first].iter().any(|name| name == "auth_whoami"), "{names:?}");
        assert!(own < names.iter().position(|name| name == "second.echo").expect("it is listed"), "{names:?}");
        assert!(!names[first..].iter().any(|name| name.starts_with("auth_")), "{names:?}");
        for name in ["one_echo", "second.echo"] {
            assert_eq!(said(&mut ann, name, json!({ "text": "Grüße" })).await, "Grüße");
        }
        // One counts for itself.
        assert_eq!(said(&mut ann, "one_counter", json!({})).await, "1");
        assert_eq!(said(&mut ann, "one_counter", json!({})).await, "2");
        assert_eq!(said(&mut ann, "second.counter", json!({})).await, "1");
        let error = ann.error("tools/call", json!({ "name": "one_nothing", "arguments": {} })).await;
        assert_eq!(error["message"], "Unknown tool: nothing", "the upstream's own words");
        ann.close().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn what_is_not_open_to_somebody_is_like_nothing_at_all() {
    for (way, era) in CLIENTS {
        let server = gateway_over(way, &[nasty("all", ""), nasty("high", "role = \"admin\"")]).await;
        let mut ann = server.sign_up_in(era, "ann").await;
        let mut host = server.sign_in("ann").await;
        let invited = host.tool("tenant_invite", json!({ "role": "viewer" })).await;
        let mut vic = server.sign_up_in(era, "vic").await;
        vic.join("vic", &invited["code"]).await;
        let tenant = ann.tool("auth_whoami", json!({})).await["tenant"]["id"].clone();
        let only = definitions(&[
            nasty("all", ""),
            nasty("high", "role = \"admin\""),
            nasty("anns", &format!("tenants = [{tenant}]")),
        ]);
        server.upstreams().replace(only).expect("they are good");
        let mut eve = server.sign_up_in(era, "eve").await;
        crate::support::soon("the new upstream", async { while !shows(&mut ann, "anns_").await {} }).await;
        assert!(shows(&mut ann, "high_").await && shows(&mut ann, "all_").await);
        assert!(!shows(&mut vic, "high_").await && shows(&mut vic, "all_").await && shows(&mut vic, "anns_").await);
        assert!(!shows(&mut eve, "anns_").await && shows(&mut eve, "high_").await);

        let nothing = unknown(&mut vic, "none_echo").await;
        assert_eq!(nothing["code"], -32602);
        assert_eq!(unknown(&mut vic, "high_echo").await, nothing);
        assert_eq!(unknown(&mut eve, "anns_echo").await, nothing);
        let mut stranger = server.connect_in(era).await;
        assert!(!shows(&mut stranger, "all_").await);
        assert_eq!(unknown(&mut stranger, "all_echo").await, nothing);
        assert_eq!(unknown(&mut stranger, "none_echo").await, nothing);
        drop((ann, vic, eve, host, stranger));
        server.stop().await;
    }
}

#[tokio::test]
async fn tools_that_are_not_allowed_are_like_nothing_at_all() {
    let keys = "allow = [\"*e*\", \"pid\"]\ndeny = [\"die\", \"*flood*\"]";
    let server = gateway(&[nasty("one", keys)]).await;
    for (era, name) in [(Era::Legacy, "ann"), (Era::Modern, "eve")] {
        let mut client = server.sign_up_in(era, name).await;
        let names = tools(&mut client).await;
        let served: Vec<_> = names.iter().filter_map(|name| name.strip_prefix("one_")).collect();
        assert_eq!(
            served,
            ["echo", "counter", "pid", "env", "cancelled", "deaf", "garbage", "twice", "huge", "progress"]
                .into_iter()
                .filter(|name| names.contains(&format!("one_{name}")))
                .collect::<Vec<_>>()
        );
        assert!(served.contains(&"echo") && served.contains(&"pid") && !served.contains(&"die"), "{served:?}");
        let nothing = unknown(&mut client, "none_echo").await;
        for refused in ["one_die", "one_flood_stderr", "one_ask"] {
            assert_eq!(unknown(&mut client, refused).await, nothing, "{refused}");
        }
        assert_eq!(said(&mut client, "one_echo", json!({ "text": "x" })).await, "x");
        client.close().await;
    }
    server.stop().await;
}
