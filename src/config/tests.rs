use super::*;

fn load(file: Option<&str>, flags: &[(&str, &str)], environment: &[(&str, &str)]) -> Result<Config, String> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("sessile.toml");
    if let Some(text) = file {
        std::fs::write(&path, text).expect("the file can be written");
    }
    let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    let lookup = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let shown = path.display().to_string();
    Config::load(file.map(|_| path.as_path()), &flags, lookup).map_err(|e| e.to_string().replace(&shown, "FILE"))
}

#[test]
fn flags_beat_environment_beats_file_beats_defaults() {
    let file = "listen = \"127.0.0.1:1\"\n[limits]\nmax_sessions = 10\n";
    let listen = |file, flags, environment| load(file, flags, environment).map(|config| config.listen);
    let environment = [("SESSILE_LISTEN", "127.0.0.1:2")];
    assert_eq!(listen(None, &[], &[]).as_deref(), Ok("127.0.0.1:7400"));
    assert_eq!(listen(Some(file), &[], &[]).as_deref(), Ok("127.0.0.1:1"));
    assert_eq!(listen(Some(file), &[], &environment).as_deref(), Ok("127.0.0.1:2"));
    assert_eq!(listen(Some(file), &[("listen", "127.0.0.1:3")], &environment).as_deref(), Ok("127.0.0.1:3"));
    let nested = load(Some(file), &[], &[("SESSILE_LIMITS_MAX_SESSIONS", "20")]).expect("it is a good setting");
    assert_eq!(nested.server.sessions.max_sessions, 20);
}

#[test]
fn a_wrong_setting_is_named_with_its_rule_and_its_source() {
    for (file, environment, message) in [
        (
            "[limits]\nmax_sessions = 0",
            None,
            r#"limits.max_sessions: must be a whole number from 1 to 10000000, not "0" (from FILE)"#,
        ),
        (
            "",
            Some(("SESSILE_LOG_FORMAT", "xml")),
            r#"log_format: must be text or json, not "xml" (from SESSILE_LOG_FORMAT)"#,
        ),
        ("colour = 1", None, "colour: there is no such setting (in FILE)"),
        (
            "[limits]\nmax_sessions = 1.5",
            None,
            "limits.max_sessions: must be a string, a number, true or false, or a list of strings (in FILE)",
        ),
        ("\nlisten = ", None, "config: FILE, line 2: "),
        ("listen = \"a\"\n= 2", None, "config: FILE, line 2: "),
        (
            "[limits]\nidle_timeout_seconds = 5",
            None,
            "limits.idle_timeout_seconds: must be more than limits.ping_interval_seconds",
        ),
        ("[tls]\ncert = \"a.pem\"", None, "tls.key: has to be set together with tls.cert"),
        ("[oidc.corp]\nissuer = 1", None, "oidc.corp: "),
        ("oidc = 1", None, "oidc: must hold a table for each issuer, such as [oidc.corp] (in FILE)"),
        ("[oidc.corp]\nissuer = \"a\"\naudience = \"b\"\ntenants = []\nx = 1", None, "oidc.corp: unknown field `x`"),
        ("crm = \"no\"", None, r#"crm: must be true or false, not "no" (from FILE)"#),
        ("[metrics]\nlisten = \"9400\"", None, "metrics.listen: must be an IP address and a port"),
        ("upstream = 1", None, "upstream: must hold a table for each upstream, such as [upstream.files] (in FILE)"),
        ("[upstream.a]\nx = 1", None, "upstream.a.x: unknown field `x`"),
        ("", Some(("SESSILE_TLS_KEY", "a.pem")), "tls.cert: has to be set together with tls.key"),
    ] {
        let environment: Vec<_> = environment.into_iter().collect();
        let error = load(Some(file), &[], &environment).expect_err(file);
        assert!(error.starts_with(message), "{error}");
    }
}

#[test]
fn every_setting_is_documented() {
    let page = include_str!("../../docs/configuration.md");
    for Setting { key, .. } in SETTINGS {
        let row = format!("| `{key}` | `{}` |", variable(key));
        assert!(page.contains(&row), "docs/configuration.md has no row for {key}");
    }
}
