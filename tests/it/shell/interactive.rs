//! The shell with somebody at a terminal.

use super::terminal::Terminal;
use super::{odd_tools, token, url};
use crate::support::{Client, Gate, PASSWORD, TestServer, email, soon};
use serde_json::json;
use std::path::Path;
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr as _;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const CTRL_U: &str = "\u{15}";

fn home() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

/// A shell in which somebody is signed in already.
async fn shell(server: &TestServer, client: &mut Client, columns: u16, home: &Path) -> Terminal {
    let token = token(server, client).await;
    let shell = Terminal::start(columns, home, &["shell", &url(server)], &[("SESSILE_TOKEN", &token)]);
    shell.ready();
    shell
}

fn history(home: &Path) -> String {
    std::fs::read_to_string(home.join("state/sessile/history")).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tab_completes_tools_arguments_values_and_ids() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mona =
        ann.tool("crm_contact_create", json!({ "name": "Mona Lund" })).await["id"].as_str().expect("an id").to_owned();
    let home = home();
    let shell = shell(&server, &mut ann, 140, home.path()).await;
    shell.type_in("cont\t");
    let menu = shell.until("contact update");
    assert!(menu.contains("contact list") && menu.contains("contact get"), "{menu}");
    shell.type_in(CTRL_C);
    shell.ready();
    shell.type_in("contact list --so\t");
    shell.until("contact list --sort");
    shell.type_in("-cr\t");
    shell.until("--sort -created_at");
    shell.type_in("\r");
    shell.done("Mona Lund");
    // By name, from the list just shown.
    shell.type_in("contact get mon\t");
    shell.until(&format!("contact get {mona}"));
    shell.type_in(&format!("{CTRL_U}deal list --stage qu\t"));
    shell.until("--stage qualified");
    // One that the gateway alone knows.
    let other =
        ann.tool("crm_company_create", json!({ "name": "Harbour" })).await["id"].as_str().expect("an id").to_owned();
    shell.type_in(&format!("{CTRL_U}company get {}\t", &other[..3]));
    shell.until(&format!("company get {other}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_neither_shown_nor_kept() {
    let server = TestServer::start().await;
    let _ann = server.sign_up("ann").await;
    let home = home();
    let mut shell = Terminal::start(100, home.path(), &["shell", &url(&server)], &[]);
    shell.until("Nobody is signed in.");
    shell.done("127.0.0.1>");
    shell.type_in("sign in\r");
    shell.until("email: ");
    shell.type_in(&format!("{}\r", email("ann")));
    shell.until("password: ");
    shell.type_in(&format!("{PASSWORD}\r"));
    shell.done("ann's>");
    shell.type_in("whoami\r");
    shell.until_it("who that is", |seen| {
        seen.matches(&format!("Signed in as {}", email("ann"))).count() >= 2 && seen.trim_end().ends_with('>')
    });
    // Those who type it all the same.
    shell.type_in(&format!("sign in email={} password=\"a different one\"\r", email("ann")));
    shell.done("invalid_credentials");
    shell.type_in("also-a-password\r");
    shell.done("there is no tool");
    shell.type_in(CTRL_D);
    assert_eq!(shell.ended(), 0);
    assert!(!shell.raw().contains(PASSWORD), "it was shown");
    let kept = history(home.path());
    assert_eq!(kept.lines().collect::<Vec<_>>(), ["sign in", "whoami"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = std::fs::metadata(home.path().join("state/sessile/history")).expect("it is there");
        assert_eq!(file.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn control_c_ends_the_call_and_not_the_shell() {
    let (gate, tool) = Gate::new();
    let server = TestServer::with_tools(vec![tool], |_| {}).await;
    let home = home();
    let mut shell = Terminal::start(100, home.path(), &["shell", &url(&server)], &[]);
    shell.done("127.0.0.1>");
    shell.type_in("half a line");
    shell.until("half a line");
    shell.type_in(CTRL_C);
    shell.ready();
    shell.type_in("test wait\r");
    gate.entered().await;
    shell.type_in(CTRL_C);
    gate.left().await;
    shell.done("cancelled");
    shell.type_in("test wait\r");
    gate.entered().await;
    gate.open();
    shell.done("Done.");
    shell.type_in("exit\r");
    assert_eq!(shell.ended(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_fit_the_terminal() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let (name, title) = ("漢字漢字 Lund-Fitzgerald", "Head of everything that is neither sales nor support");
    ann.tool("crm_contact_create", json!({ "name": name, "job_title": title, "email": "m@example.com" })).await;
    ann.tool("crm_contact_create", json!({ "name": "Bo", "notes": "two\nlines" })).await;
    let home = home();
    for columns in [40, 80, 200] {
        let shell = shell(&server, &mut ann, columns, home.path()).await;
        shell.type_in("contacts list\r");
        let seen = shell.until_it("the table and a new prompt", |seen| {
            seen.contains("NAME") && seen.trim_end().ends_with("ann's>")
        });
        let table: Vec<&str> = seen.lines().skip_while(|line| !line.contains("NAME")).take(3).collect();
        for line in &table {
            assert!(line.width() <= usize::from(columns), "{columns}: {line}");
        }
        // A row each: nothing is broken, neither by its length nor by a line within.
        assert!(table[1].contains("Bo") && table[2].contains("漢字漢字"), "{columns}: {table:?}");
        assert_eq!(seen.contains(title), columns == 200, "{columns}: {seen}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_server_reaches_the_terminal_raw() {
    let server = TestServer::with_tools(odd_tools(), |_| {}).await;
    let home = home();
    let shell = Terminal::start(100, home.path(), &["shell", &url(&server)], &[("NO_COLOR", "1")]);
    shell.done("127.0.0.1>");
    shell.type_in("test escape\r");
    let seen = shell.done("after");
    assert!(seen.contains("before\\u{1b}[2J\\u{1b}]0;owned\\u{7}after\\u{9b}31m"), "{seen}");
    shell.type_in("test escape --json\r");
    shell.until("\\u009b31m");
    let raw = shell.raw();
    assert!(!raw.contains("\u{1b}]0;owned") && !raw.contains('\u{9b}'), "{raw:?}");
    assert!(!raw.contains("\u{1b}[31m") && !raw.contains("\u{1b}[1m"), "NO_COLOR is heeded: {raw:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_unasked_is_printed_above_the_line() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let mona =
        ann.tool("crm_contact_create", json!({ "name": "Mona Lund" })).await["id"].as_str().expect("an id").to_owned();
    let home = home();
    let shell = shell(&server, &mut ann, 120, home.path()).await;
    shell.type_in(&format!("watch crm://contacts/{mona}\r"));
    shell.until(&format!("watch crm://contacts/{mona}"));
    shell.ready();
    shell.type_in("half a li");
    shell.until("half a li");
    ann.tool("crm_contact_update", json!({ "id": mona, "version": 1, "name": "Mona Berg" })).await;
    let seen = shell.until(&format!("changed: crm://contacts/{mona}"));
    let place = |what: &str| seen.find(what).unwrap_or_else(|| panic!("{what} is shown: {seen}"));
    assert!(place("changed:") < seen.rfind("half a li").unwrap_or(usize::MAX), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_call_asks_is_asked() {
    let server = TestServer::with_tools(odd_tools(), |_| {}).await;
    let home = home();
    let shell = Terminal::start(100, home.path(), &["shell", &url(&server)], &[]);
    shell.done("127.0.0.1>");
    shell.type_in("test ask\r");
    shell.until("Your color?");
    shell.until("color: ");
    shell.type_in("teal\r");
    shell.done("\"color\":\"teal\"");
    assert!(shell.raw().contains("[##########----------]  50 %  on the way"), "its progress is shown");
    shell.type_in("test ask\r");
    shell.until_it("the question again", |seen| seen.matches("color: ").count() == 2);
    shell.type_in(CTRL_C);
    shell.until("Declined.");
    shell.until("\"action\":\"decline\"");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_connection_is_made_again() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let key =
        ann.tool("auth_create_api_key", json!({ "name": "shell" })).await["key"].as_str().expect("a key").to_owned();
    let home = home();
    let shell = Terminal::start(120, home.path(), &["shell", &url(&server)], &[("SESSILE_TOKEN", &key)]);
    shell.ready();
    let own = ann.tool("auth_whoami", json!({})).await["session_id"].clone();
    let listed = ann.tool("auth_sessions", json!({})).await;
    let all = listed["sessions"].as_array().expect("a list");
    let id = all.iter().map(|one| &one["id"]).find(|id| **id != own).expect("that of the shell").clone();
    soon("its end", ann.tool("auth_end_session", json!({ "session_id": id }))).await;
    shell.until("The connection ended");
    shell.type_in("whoami\r");
    shell.until("Connected again.");
    shell.until_it("who that is", |seen| seen.matches("Signed in as").count() >= 2);
}
