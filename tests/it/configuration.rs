//! What is configured: mistakes stop the start, and upstreams are read again without harm to anybody's session.

use crate::support::{Process, TestServer, until};
use serde_json::json;
use sessile::config::{Config, Reload};
use sessile::tools;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const ONE: &str = "[upstream.one]\nurl = \"https://one.example/mcp\"\n";
const TWO: &str = "[upstream.two]\nurl = \"https://two.example/mcp\"\n";
const BAD: &str = "[upstream.two]\nurl = \"https://two.example/mcp\"\ncommand = [\"two\"]\n";

#[test]
fn a_mistake_stops_the_start_with_one_line() {
    for (configuration, line) in [
        (BAD, "sessile: upstream.two.url: is there besides command; keep one of them (in sessile.toml)\n"),
        (
            "[upstream.a]\nurl = \"https://a.example\"\nprefix = \"auth_\"",
            "sessile: upstream.a.prefix: \"auth_\" begins the name of the built-in tool auth_api_keys; write another prefix\n",
        ),
        (
            "[upstream.a]\nurl = \"https://a.example\"\nprefix = \"\"\n[upstream.b]\nurl = \"https://b.example\"\nprefix = \"\"",
            "sessile: upstream.b.prefix: \"\" is the prefix of upstream.a as well; write another one, or open them to different tenants\n",
        ),
    ] {
        assert_eq!(Process::refused(configuration), line);
    }
}

#[tokio::test]
async fn a_prefix_is_free_where_the_crm_is_not_served() {
    let crm = "[upstream.other]\nurl = \"https://a.example\"\nprefix = \"crm_\"";
    assert!(Process::refused(crm).contains("begins the name of the built-in tool crm_"));
    let server = Process::configured(&format!("crm = false\n{crm}"), &[]);
    let mut ann = server.connect().await;
    ann.sign_up("ann").await;
    let listed = ann.request("tools/list", json!({})).await;
    let names: Vec<_> =
        listed["result"]["tools"].as_array().expect("a list").iter().map(|tool| tool["name"].clone()).collect();
    assert_eq!(names.len(), tools::accounts().len(), "{names:?}");
    assert!(!names.iter().any(|name| name.as_str().is_some_and(|name| name.starts_with("crm_"))));
}

#[tokio::test]
async fn upstreams_are_read_again_at_a_signal_and_when_the_file_changes() {
    let server = Process::configured(ONE, &[]);
    let mut ann = server.connect().await;
    ann.sign_up("ann").await;
    server.configure(&format!("listen = \"127.0.0.1:1\"\n[limits]\nmax_sessions = 7\n{ONE}{TWO}"));
    server.hang_up();
    server.logged("read the configuration again upstreams=2 changed=\"two\"").await;
    server.logged("restart the server to use them settings=\"limits.max_sessions\"").await;

    server.configure(BAD);
    server.hang_up();
    server.logged("kept the upstreams that were in use").await;
    assert!(server.log().contains("upstream.two.url: is there besides command; keep one of them"), "{}", server.log());

    // Nobody says that it has changed.
    server.configure(TWO);
    server.logged("read the configuration again upstreams=1 changed=\"one\"").await;
    let whoami = ann.tool("auth_whoami", json!({})).await;
    assert_eq!(whoami["user"]["email"], json!("ann@example.com"), "{whoami}");
}

#[tokio::test]
async fn whoever_keeps_sessions_hears_of_other_upstreams_and_of_nothing_else() {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let file = directory.path().join("sessile.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("it can be written");
    write(ONE);
    let config = Config::load(Some(&file), &[], |_| None).expect("it is good");
    let (upstreams, keep) = (config.server.upstreams.clone(), Arc::new(Mutex::new(None)));
    let kept = Arc::clone(&keep);
    let server = TestServer::made(
        |options| options.upstreams = upstreams,
        |options| {
            let server = sessile::server::Server::new(options)?;
            *kept.lock().expect("nobody panics") = Some(server.upstreams().clone());
            Ok(server)
        },
    )
    .await;
    let tables = keep.lock().expect("nobody panics").take().expect("it was made");
    let mut changes = tables.subscribe();
    assert_eq!(changes.borrow_and_update()[0].name, "one");
    let reload = Reload::new(config, Some(&file), Vec::new(), |_| None, tables.clone());
    let reloading = tokio::spawn(reload.run(Duration::from_millis(5), std::future::pending));
    write(&format!("{ONE}# nothing else\n"));
    write(&format!("{ONE}{TWO}"));
    until("the second one", || tables.get().len() == 2).await;
    assert!(changes.has_changed().expect("the server is there"));
    assert_eq!(changes.borrow_and_update().len(), 2);
    write(&format!("{ONE}{BAD}"));
    write(&format!("{TWO}{ONE}"));
    write(TWO);
    until("only the second one", || tables.get().len() == 1).await;
    reloading.abort();
    server.stop().await;
}
