//! `sessile install`: only what is meant changes in files that are others'.

use super::home::Home;
use serde_json::{Value, json};

const GATEWAY: &str = "wss://gateway.example/mcp";
const GEMINI: &str = ".gemini/settings.json";
const CODEX: &str = ".codex/config.toml";
const CURSOR: &str = ".cursor/mcp.json";

/// What JSON says, without what is not JSON in it.
fn plain(text: &str) -> Value {
    let lines = text.trim_start_matches('\u{feff}').lines().map(|line| line.split("// ").next().unwrap_or_default());
    let text: String = lines.collect::<Vec<_>>().join("\n").replace("/* c */", "");
    let mut text = text;
    while let Some(at) = text.find(",\n}").or_else(|| text.find(",}")) {
        text.remove(at);
    }
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test]
async fn json_keeps_every_other_byte_and_comes_back() {
    for before in [
        "",
        "\n",
        "{}",
        "{}\n",
        "{ }",
        "{\n}\n",
        "{\r\n}\r\n",
        "{\"theme\":\"dark\"}",
        "{\"theme\": \"dark\", \"mcpServers\": {}}",
        "{\"mcpServers\":{\"a\":{\"command\":\"x\"}}}\n",
        "{\n  \"theme\": \"dark\"\n}\n",
        "{\n\t\"theme\": \"dark\",\n\t\"list\": [1,\t2]\n}",
        "{\r\n    \"theme\": \"dark\",\r\n    \"mcpServers\": {\r\n        \"a\": { \"command\": \"x\" }\r\n    }\r\n}\r\n",
        "\u{feff}{\n  \"theme\": \"dark\"\n}\n",
        "// what this is\n{\n  // the theme\n  \"theme\": \"dark\" // stays\n}\n",
        "{\n  \"mcpServers\": {\n    // none yet\n  },\n  \"theme\": \"a, b\"\n}\n",
        "{\n  \"mcpServers\": {\n    \"a\": {\"command\": \"x\"}, // stays\n  },\n}\n",
        "{\n  \"n\": 1.0e5,   \"big\": 12345678901234567890, \"mcpServers\" : {} /* c */\n}",
    ] {
        let home = Home::new();
        home.write(CURSOR, before);
        home.run(&["install", "cursor", GATEWAY, "--yes"]).await.done();
        let after = home.read(CURSOR);
        let entry = &plain(&after)["mcpServers"]["sessile"];
        assert_eq!(entry["args"], json!(["connect", GATEWAY]), "{before:?} became {after:?}");
        assert!(entry["command"].as_str().is_some_and(|command| command.starts_with('/')), "{after}");
        assert!(is_kept(before, &after), "{before:?} is not kept in {after:?}");
        assert_eq!(after.contains("\r\n"), before.contains("\r\n"), "{after:?}");
        assert_eq!(after.replace("\r\n", "").contains('\n'), !before.contains("\r\n") && after.contains('\n'));
        home.run(&["install", "cursor", GATEWAY, "--yes"]).await.done();
        assert_eq!(home.read(CURSOR), after, "a second time changes nothing");
        home.run(&["install", "cursor", "--remove", "--yes"]).await.done();
        assert_eq!(home.read(CURSOR), before, "by way of {after:?}");
    }
}

#[tokio::test]
async fn toml_keeps_every_other_byte_and_comes_back() {
    for before in [
        "",
        "model = \"o3\"",
        "model = \"o3\"\n",
        "# mine\r\nmodel = \"o3\"   # stays\r\n\r\n[mcp_servers.a]\r\ncommand = \"x\"\r\n",
        "[mcp_servers.a]\ncommand = \"x\"\n\n[mcp_servers.a.env]\nK = \"v\"",
        "\u{feff}model = 'o3'\n",
        "\tmodel = \"o3\"\n# the end",
    ] {
        let home = Home::new();
        home.write(CODEX, before);
        home.run(&["install", "codex", GATEWAY, "--yes"]).await.done();
        let after = home.read(CODEX);
        let read: toml::Table =
            after.trim_start_matches('\u{feff}').parse().unwrap_or_else(|e| panic!("{e}: {after:?}"));
        assert_eq!(read["mcp_servers"]["sessile"]["args"].as_array().map(Vec::len), Some(2), "{after}");
        assert!(after.starts_with(before), "{before:?} became {after:?}");
        assert_eq!(after.replace("\r\n", "").contains('\n'), !before.contains("\r\n"), "{after:?}");
        home.run(&["install", "codex", GATEWAY, "--yes"]).await.done();
        assert_eq!(home.read(CODEX), after, "a second time changes nothing");
        home.run(&["install", "codex", "--remove", "--yes"]).await.done();
        assert_eq!(home.read(CODEX), before, "by way of {after:?}");
    }
}

/// Whether all of a text is in another, in its order, with no more than one comma, one object and lines put in.
fn is_kept(before: &str, after: &str) -> bool {
    let mut rest = after.chars();
    before.chars().all(|c| rest.any(|other| other == c))
}

#[tokio::test]
async fn each_client_has_its_file_and_its_words() {
    for (client, file, key, kind) in [
        ("gemini", GEMINI, "mcpServers", None),
        ("claude-code", ".claude.json", "mcpServers", Some("stdio")),
        ("cursor", CURSOR, "mcpServers", None),
        ("vscode", ".config/Code/User/mcp.json", "servers", Some("stdio")),
        ("claude-desktop", ".config/Claude/claude_desktop_config.json", "mcpServers", None),
        ("windsurf", ".codeium/windsurf/mcp_config.json", "mcpServers", None),
    ] {
        let home = Home::new();
        let looked = home.run(&["install", client, GATEWAY, "--dry-run", "--name", "crm"]).await.done();
        assert!(looked.contains("+ ") && looked.contains(GATEWAY), "{looked}");
        assert!(!home.path(file).exists(), "it was only to look");
        home.run(&["install", client, GATEWAY, "--yes", "--name", "crm"]).await.done();
        let text = home.read(file);
        let written: Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(written[key]["crm"]["args"], json!(["connect", GATEWAY]));
        assert_eq!(written[key]["crm"]["type"].as_str(), kind);
        assert!(text.ends_with("}\n") && text.starts_with("{\n  \""), "{text}");
        assert_eq!(home.mode(file), 0o600);
        home.run(&["install", client, "--remove", "--yes", "--name", "crm"]).await.done();
        let left: Vec<_> =
            home.files().into_iter().filter(|(path, _)| !path.starts_with(home.path(".config/sessile"))).collect();
        assert!(left.is_empty(), "{left:?}");
        assert!(
            !home.path(".codeium").exists() && !home.path(".gemini").exists(),
            "nothing is left of its directories"
        );
    }
    for (client, file) in [
        ("gemini", GEMINI),
        ("claude-code", ".mcp.json"),
        ("codex", CODEX),
        ("cursor", CURSOR),
        ("vscode", ".vscode/mcp.json"),
    ] {
        let home = Home::new();
        home.run(&["install", client, GATEWAY, "--project", "--yes"]).await.done();
        assert!(home.read(file).contains(GATEWAY));
    }
    assert!(Home::new().run(&["install", "windsurf", GATEWAY, "--project"]).await.refused().contains("--project"));
}

#[tokio::test]
async fn claude_code_may_open_the_websocket_itself() {
    let home = Home::new();
    home.run(&["install", "claude-code", GATEWAY, "--native", "--yes"]).await.done();
    let written: Value = serde_json::from_str(&home.read(".claude.json")).expect("it is JSON");
    assert_eq!(written["mcpServers"]["sessile"], json!({ "type": "ws", "url": GATEWAY }));
    // And the bridge in its place.
    home.run(&["install", "claude-code", GATEWAY, "--yes"]).await.done();
    let written: Value = serde_json::from_str(&home.read(".claude.json")).expect("it is JSON");
    assert_eq!(written["mcpServers"]["sessile"]["type"], "stdio");
    home.run(&["install", "claude-code", "--remove", "--yes"]).await.done();
    assert!(!home.path(".claude.json").exists());
    assert!(home.run(&["install", "gemini", GATEWAY, "--native"]).await.refused().contains("no WebSocket"));
}

#[tokio::test]
async fn a_file_that_has_changed_since_loses_the_server_alone() {
    let home = Home::new();
    home.write(GEMINI, "{\n  \"theme\": \"dark\"\n}\n");
    home.run(&["install", "gemini", GATEWAY, "--yes"]).await.done();
    let changed = home.read(GEMINI).replace("dark", "light");
    home.write(GEMINI, &changed);
    home.run(&["install", "gemini", "ws://127.0.0.1:1", "--yes"]).await.done();
    home.run(&["install", "gemini", "--remove", "--yes"]).await.done();
    assert_eq!(home.read(GEMINI), "{\n  \"theme\": \"light\",\n  \"mcpServers\": {}\n}\n");
    for (before, after) in [
        (
            r#"{"mcpServers":{"a":{}, "sessile":{"command":"/x/sessile","args":["connect","u"]}}}"#,
            r#"{"mcpServers":{"a":{}}}"#,
        ),
        (
            r#"{"mcpServers":{"sessile":{"command":"/x/sessile","args":["connect","u"]}, "a":{}}}"#,
            r#"{"mcpServers":{ "a":{}}}"#,
        ),
        (
            "{\"mcpServers\": {\n  \"a\": {} // stays\n  ,\n  \"sessile\": {\"command\": \"sessile\", \"args\": [\"connect\"]}\n}}",
            "{\"mcpServers\": {\n  \"a\": {} // stays\n  \n}}",
        ),
    ] {
        home.write(GEMINI, before);
        home.run(&["install", "gemini", "--remove", "--yes"]).await.done();
        assert_eq!(home.read(GEMINI), after);
    }
    home.write(
        CODEX,
        "a = 1\n\n[mcp_servers.sessile]\ncommand = \"/x/sessile\"\nargs = [\"connect\", \"u\"]\n\n[b]\nc = 2\n",
    );
    home.run(&["install", "codex", "--remove", "--yes"]).await.done();
    assert_eq!(home.read(CODEX), "a = 1\n\n[b]\nc = 2\n");
}

#[tokio::test]
async fn what_can_t_be_read_or_is_others_is_left_alone() {
    for (client, file, text, why) in [
        ("gemini", GEMINI, "{\n  \"a\": 1,\n  oops\n}\n", "line 3, column 3"),
        ("gemini", GEMINI, "{\n  \"a\": 1,\n}\n", "line 2"),
        ("claude-code", ".claude.json", "// no\n{}\n", "line 1"),
        ("codex", CODEX, "a = 1\nb = = 2\n", "line 2, column 5"),
        ("gemini", GEMINI, "[]\n", "no JSON object"),
        ("gemini", GEMINI, "{\"mcpServers\": []}\n", "is no object"),
        ("gemini", GEMINI, "{\"mcpServers\": {\"sessile\": {\"command\": \"other\"}}}\n", "--name"),
        ("codex", CODEX, "mcp_servers = { a = { command = \"x\" } }\n", "by hand"),
    ] {
        let home = Home::new();
        home.write(file, text);
        let said = home.run(&["install", client, GATEWAY, "--yes"]).await.refused();
        assert!(said.contains(why) && said.contains(file), "{said}");
        assert_eq!(home.read(file), text);
    }
}

#[tokio::test]
async fn it_asks_and_keeps_permissions_and_links() {
    let home = Home::new();
    home.write("dotfiles/gemini.json", "{\"secret\": \"of others\"}\n");
    std::fs::create_dir_all(home.path(".gemini")).expect("it can be made");
    std::os::unix::fs::symlink(home.path("dotfiles/gemini.json"), home.path(GEMINI)).expect("it can be linked");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
    std::fs::set_permissions(home.path(GEMINI), mode).expect("it can be set");
    let arguments = ["install", "gemini", GATEWAY];
    assert!(home.run(&arguments).await.refused().contains("--yes"));
    let (status, seen) = home.on_a_terminal(&arguments, &[("[y/N]", "n")]).await;
    assert!(status == 0 && seen.contains("Nothing is changed"), "{seen}");
    assert!(!seen.contains("of others"), "what stays is not shown: {seen}");
    assert!(!home.read(GEMINI).contains("connect"));
    let (status, seen) = home.on_a_terminal(&arguments, &[("[y/N]", "y")]).await;
    assert_eq!(status, 0, "{seen}");
    assert!(home.read("dotfiles/gemini.json").contains(GATEWAY));
    assert!(home.path(GEMINI).is_symlink());
    assert_eq!(home.mode(GEMINI), 0o640);
}
