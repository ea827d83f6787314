use super::*;
use crate::upstream::check_together;

const BUILT_IN: &[&str] = &["auth_sign_in", "crm_contact_get"];

fn load(text: &str) -> Result<Vec<Definition>, String> {
    let file: toml::Table = text.parse().expect("it is TOML");
    let definitions = read(file["upstream"].clone())?;
    check_together(&definitions, BUILT_IN)?;
    Ok(definitions)
}

#[test]
fn an_upstream_is_read_with_what_is_usual() {
    let text = r#"
        [upstream.git-hub]
        url = "https://mcp.example.com/mcp?key=${credential:github}"
        headers = { Authorization = "Bearer ${credential:github}" }
        tenants = ["0199C0DE-0000-7000-8000-000000000001"]
        allow = ["get_*"]
        call_seconds = 20
    "#;
    let definitions = load(text).expect("it is good");
    let [one] = &definitions[..] else { panic!("there is one: {definitions:?}") };
    assert_eq!((one.name.as_str(), one.prefix.as_str()), ("git-hub", "git-hub_"));
    assert_eq!(one.tenants, Tenants::Only(["0199c0de-0000-7000-8000-000000000001".to_owned()].into()));
    assert_eq!((one.role, one.isolation, one.era), (Role::Viewer, Isolation::Session, EraChoice::Auto));
    assert!(one.tools.has("get_issue") && !one.tools.has("delete_issue"));
    let usual = UpstreamLimits::default();
    assert_eq!(one.limits, UpstreamLimits { call: Duration::from_secs(20), ..usual });
    assert!(matches!(&one.reach, Reach::Http { headers, .. } if headers.len() == 1));
}

#[test]
fn the_examples_of_the_documentation_can_be_read() {
    let page = include_str!("../../../docs/configuration.md");
    let (_, page) = page.split_once("## Upstreams").expect("there is a section");
    let (section, _) = page.split_once("\n## ").expect("there are more");
    let examples: Vec<_> = section.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(!examples.is_empty(), "there is an example");
    for example in examples {
        // What it names need not be on this machine.
        let example = example.replace("/srv/files", "/tmp").replace("/etc/sessile/billing.yaml", "Cargo.toml");
        load(&example).expect(&example);
    }
}

#[test]
fn every_key_is_documented() {
    let page = include_str!("../../../docs/configuration.md");
    let unknown = read(toml::Value::Table("[a]\nx = 1".parse().expect("it is TOML"))).expect_err("there is no x");
    let keys: Vec<_> = unknown.split('`').skip(3).step_by(2).collect();
    assert!(keys.len() > 20, "{unknown}");
    for key in keys {
        assert!(page.contains(&format!("| `{key}` |")), "docs/configuration.md has no row for upstream.NAME.{key}");
    }
}

#[test]
fn what_is_wrong_is_named_with_what_to_write_instead() {
    for (table, message) in [
        ("", "command: is missing; write one of command, url, ws and openapi"),
        ("command = [\"a\"]\nurl = \"https://a.example\"", "url: is there besides command; keep one of them"),
        ("command = []", "command: is empty; write the program"),
        ("command = \"npx server\"", "command: invalid type: string, expected a sequence"),
        (
            "command = [\"a\", \"--key=${credential:k}\"]",
            "command: cannot use ${credential:…}, since others can read it",
        ),
        ("command = [\"a\"]\ncwd = \"/nowhere/${credential:k}\"", "cwd: cannot use ${credential:…}"),
        ("command = [\"a\"]\ncwd = \"/nowhere\"", "cwd: there is no directory /nowhere"),
        ("command = [\"a\"]\nenv = { SESSILE_ROLE = \"a\" }", "env: SESSILE_ROLE is set by the gateway"),
        ("command = [\"a\"]\nenv = { \"a=b\" = \"a\" }", "env: \"a=b\" cannot name a variable"),
        ("command = [\"a\"]\nenv = { A = \"${cred:k}\" }", "env.A: `${cred:k}` is not known; write ${credential:NAME}"),
        ("command = [\"a\"]\nheaders = {}", "headers: goes with url, ws, openapi, and not with command"),
        ("command = [\"a\"]\nidentity = { audience = \"a\" }", "identity: goes with url, ws and openapi"),
        ("url = \"https://a.example/${credential:k\"", "url: `${` has no `}`"),
        ("url = \"ftp://a.example\"", "url: must be a URL such as https://mcp.example.com/mcp"),
        ("url = \"a.example\"", "url: must be a URL"),
        ("ws = \"https://a.example\"", "ws: must be a URL such as wss://mcp.example.com/mcp"),
        ("url = \"https://ann:secret@a.example/\"", "url: has a user or a password in it"),
        ("url = \"https://${credential:k}@a.example/\"", "url: has a user or a password in it"),
        ("url = \"https://a.example/#b\"", "url: has a # in it"),
        ("url = \"https://${credential:k}.example/\"", "url: a credential cannot be in the host"),
        ("url = \"https://a.example\"\nheaders = { \"a b\" = \"c\" }", "headers: \"a b\" cannot name a header"),
        ("url = \"https://a.example\"\nheaders = { A = \"b\\nc\" }", "headers: the value of A has characters"),
        ("url = \"https://a.example\"\nheaders = { A = \"b\", a = \"b\" }", "headers: A is there twice"),
        (
            "url = \"https://a.example\"\nheaders = { Mcp-Session-Id = \"b\" }",
            "headers: Mcp-Session-Id is set by the gateway",
        ),
        ("url = \"https://a.example\"\nheaders = { Host = \"b\" }", "headers: Host is set by the gateway"),
        ("url = \"https://a.example\"\nheaders = \"Bearer secret\"", "headers: invalid type: string, expected a map"),
        ("url = \"https://a.example\"\nquery = {}", "query: goes with openapi, and not with url"),
        ("openapi = \"nowhere.yaml\"", "openapi: there is no file nowhere.yaml"),
        ("openapi = \"https://a.example/${credential:k}\"", "openapi: has no places for credentials"),
        ("openapi = \"Cargo.toml\"\nera = \"modern\"", "era: goes with command, url, ws, and not with openapi"),
        ("url = \"https://a.example\"\nprefix = \"a/\"", "prefix: \"a/\" cannot begin a tool's name"),
        (
            "url = \"https://a.example\"\nprefix = \"auth_\"",
            "prefix: \"auth_\" begins the name of the built-in tool auth_sign_in",
        ),
        (
            "url = \"https://a.example\"\nprefix = \"c\"",
            "prefix: \"c\" begins the name of the built-in tool crm_contact_get",
        ),
        ("url = \"https://a.example\"\ntenants = []", "tenants: is empty"),
        ("url = \"https://a.example\"\ntenants = [\"acme\"]", "tenants: \"acme\" is no tenant's id"),
        ("url = \"https://a.example\"\nrole = \"boss\"", "role: unknown variant `boss`, expected one of"),
        ("url = \"https://a.example\"\nallow = [\"a|b\"]", "allow: \"a|b\" is no pattern"),
        ("url = \"https://a.example\"\ndeny = [\"\"]", "deny: \"\" is no pattern"),
        (
            "url = \"https://a.example\"\ncall_seconds = 0",
            "call_seconds: must be a whole number from 1 to 31622400, not 0",
        ),
        ("url = \"https://a.example\"\nmax_message_bytes = 1", "max_message_bytes: must be a whole number from 1024"),
        ("url = \"https://a.example\"\ntimeout = 1", "timeout: unknown field `timeout`, expected one of"),
        (
            "url = \"https://a.example\"\nisolation = \"shared\"\nheaders = { A = \"${credential:k}\" }",
            "headers: cannot use ${credential:k}",
        ),
        (
            "url = \"https://a.example\"\nisolation = \"shared\"\nidentity = { audience = \"a\" }",
            "identity: cannot be used, because everybody shares",
        ),
        ("url = \"https://a.example\"\nidentity = { seconds = 1 }", "identity: missing field `audience`"),
        (
            "url = \"https://a.example\"\nidentity = { audience = \"a\", seconds = 1 }",
            "identity.seconds: must be a whole number",
        ),
        (
            "url = \"https://a.example\"\nidentity = { audience = \"a\" }\nheaders = { authorization = \"a\" }",
            "headers: Authorization is set by identity",
        ),
        (
            "url = \"https://a.example\"\nauthorization = { per = \"user\" }\nidentity = { audience = \"a\" }",
            "authorization: cannot be used together with identity",
        ),
        (
            "url = \"https://a.example\"\nauthorization = { per = \"user\" }\nisolation = \"tenant\"",
            "authorization.per: is \"user\"",
        ),
        (
            "url = \"https://a.example\"\nauthorization = { per = \"user\", client_secret = \"a\" }",
            "authorization.client_id: is missing",
        ),
        (
            "url = \"https://a.example\"\nauthorization = { per = \"user\", scopes = [\"a b\"] }",
            "authorization.scopes: \"a b\" is no scope",
        ),
    ] {
        let error = load(&format!("[upstream.one]\n{table}")).expect_err(table);
        assert!(error.starts_with(&format!("upstream.one.{message}")), "{table}\ngives {error}");
        assert!(!error.contains("secret") || table.contains("client_secret"), "{error}");
    }
    let error = load("[upstream.One]\nurl = \"https://a.example\"").expect_err("it has a capital");
    assert!(error.starts_with("upstream.One.name: \"One\" cannot name an upstream"), "{error}");
}

#[test]
fn clashes_name_both_sides() {
    let acme = "tenants = [\"0199c0de-0000-7000-8000-000000000001\"]";
    let corp = "tenants = [\"0199c0de-0000-7000-8000-000000000002\"]";
    for (one, other, message) in [
        ("prefix = \"\"", "prefix = \"\"", Some("upstream.b.prefix: \"\" is the prefix of upstream.a as well")),
        ("prefix = \"x_\"", "prefix = \"x_\"", Some("upstream.b.prefix: \"x_\" is the prefix of upstream.a as well")),
        (
            "prefix = \"x_\"",
            "prefix = \"x_y_\"",
            Some("upstream.b.prefix: \"x_y_\" begins with \"x_\", the prefix of upstream.a"),
        ),
        (
            "prefix = \"x_y_\"",
            "prefix = \"x_\"",
            Some("upstream.a.prefix: \"x_y_\" begins with \"x_\", the prefix of upstream.b"),
        ),
        ("prefix = \"\"", "prefix = \"x_\"", None),
        ("", "", None),
    ] {
        let load = |first: &str, second: &str| {
            let url = "url = \"https://a.example\"";
            load(&format!("[upstream.a]\n{url}\n{one}\n{first}\n[upstream.b]\n{url}\n{other}\n{second}"))
        };
        for (first, second, common) in [("", "", true), (acme, "", true), (acme, acme, true), (acme, corp, false)] {
            match (load(first, second), message.filter(|_| common)) {
                (Ok(definitions), None) => assert_eq!(definitions.len(), 2),
                (Err(error), Some(message)) => assert!(error.starts_with(message), "{error}"),
                (loaded, message) => panic!("{one} and {other}: {loaded:?} instead of {message:?}"),
            }
        }
    }
}
