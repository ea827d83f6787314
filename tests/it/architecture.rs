//! The shape of the house, read from its sources: what may know what, and what every statement names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, from the top: each may use those below it.
const LAYERS: &[&str] = &[
    "main",
    "cli",
    "client",
    "config",
    "demo",
    "admin",
    "server",
    "transport",
    "mcp",
    "tools",
    "upstream",
    "session",
    "auth",
    "repository",
    "tenancy",
    "store",
];

/// Leaves, which everybody may use, and what they may use themselves.
const LEAVES: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("address", &[]),
    ("amount", &["error"]),
    ("observe", &["error"]),
    ("time", &["error"]),
    ("wire", &["error"]),
];

/// Where a driver of a database may be named.
const DRIVERS: &[(&str, &[&str])] =
    &[("rusqlite", &["store/sqlite.rs", "store/migrations.rs", "store/files.rs", "store/dump.rs", "store/check.rs"])];

/// The parts of the tools that may see a session, beside what all families share.
const ABOUT_SESSIONS: &[&str] = &[
    "tools/auth",
    "tools/tenant",
    "tools/tool.rs",
    "tools/reporter.rs",
    "tools/asker.rs",
    "tools/context.rs",
    "tools/provider.rs",
];

#[test]
fn no_arrow_runs_back_up() {
    let mut wrong = Vec::new();
    for source in sources() {
        let from = source.module();
        if from == "lib" {
            continue;
        }
        for to in source.uses() {
            if !may_use(&from, &to) {
                wrong.push(format!("{} uses {to}", source.name));
            }
        }
    }
    assert!(wrong.is_empty(), "these run back up:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_has_its_place() {
    let modules: BTreeSet<_> = sources().iter().map(Source::module).filter(|module| module != "lib").collect();
    let known = LAYERS.iter().copied().chain(LEAVES.iter().map(|(leaf, _)| *leaf)).map(str::to_owned).collect();
    assert_eq!(modules, known, "LAYERS and LEAVES say where a module stands");
}

#[test]
fn a_driver_is_named_in_its_own_files_alone() {
    for source in sources() {
        for (driver, homes) in DRIVERS {
            let at_home = homes.contains(&source.name.as_str());
            assert_eq!(source.code.contains(driver), at_home, "{driver} in {}", source.name);
        }
    }
}

#[test]
fn only_tools_about_sessions_see_one() {
    for source in sources().iter().filter(|source| source.module() == "tools") {
        let may = ABOUT_SESSIONS.iter().any(|part| source.name.starts_with(part));
        assert!(may || !source.uses().contains("session"), "{} sees sessions", source.name);
    }
}

#[test]
fn only_tenancy_makes_scopes_and_tenant_ids() {
    for source in sources().iter().filter(|source| source.module() != "tenancy") {
        for made in ["TenantScope::new", "TenantScope::from", "TenantId::stored", "TenantId::new", "Principal::new"] {
            assert!(!source.code.contains(made), "{} has {made}", source.name);
        }
    }
    let ids = fs::read_to_string(root().join("tenancy/ids.rs")).expect("it is there");
    assert!(!ids.contains("Deserialize for") && !ids.contains("derive(Deserialize"), "an id can't come from a request");
}

#[test]
fn every_statement_of_a_repository_names_the_tenant() {
    let mut statements = 0;
    for source in sources().iter().filter(|source| source.module() == "repository") {
        for statement in statements_in(&source.code) {
            statements += 1;
            let names = statement.contains("tenant_id") && statement.contains("$1");
            assert!(names, "a statement in {} does not name the tenant: {statement}", source.name);
        }
    }
    assert!(statements > 20, "only {statements} statements were found: this test does not see them any more");
}

#[test]
fn no_repository_takes_a_tenant_id() {
    for source in sources().iter().filter(|source| source.module() == "repository") {
        assert!(!source.code.contains("TenantId"), "{} knows tenant ids", source.name);
    }
}

#[test]
fn files_are_one_idea_long() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines: look for the second idea", source.name);
    }
}

fn may_use(from: &str, to: &str) -> bool {
    if from == to || LEAVES.iter().any(|(leaf, _)| *leaf == to) && LAYERS.contains(&from) {
        return true;
    }
    if let Some((_, allowed)) = LEAVES.iter().find(|(leaf, _)| *leaf == from) {
        return allowed.contains(&to);
    }
    let height = |module: &str| LAYERS.iter().position(|layer| *layer == module);
    // What is in none of the layers has no place that it could be used from.
    matches!((height(from), height(to)), (Some(from), Some(to)) if from < to)
}

/// A file under `src/`.
struct Source {
    /// Its path below `src/`.
    name: String,
    text: String,
    /// Its text without comments.
    code: String,
}

impl Source {
    /// The module of the crate that it belongs to.
    fn module(&self) -> String {
        let first = self.name.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first).to_owned()
    }

    /// The modules of the crate that it names: `crate::a::…` and `crate::{a, b::…}`.
    fn uses(&self) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for (at, path) in self.code.match_indices("crate::") {
            let rest = &self.code[at + path.len()..];
            match rest.strip_prefix('{') {
                None => all.extend(first_word(rest)),
                Some(group) => all.extend(top_level_items(group).into_iter().filter_map(first_word)),
            }
        }
        all
    }
}

/// The items of a group `{a, b::{c, d}}`, from behind its opening brace.
fn top_level_items(group: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

fn first_word(path: &str) -> Option<String> {
    let word: String = path.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!word.is_empty()).then_some(word)
}

/// The SQL in a piece of code: each string that begins as a statement does; the strings of one
/// `concat!` are one.
fn statements_in(code: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', 'c']) {
        rest = &rest[at..];
        if let Some(inside) = rest.strip_prefix("concat!(") {
            let mut whole = String::new();
            let mut depth = 1;
            rest = inside;
            while depth > 0 {
                let at = rest.find(['"', '(', ')']).expect("it is closed");
                let found = rest[at..].chars().next();
                rest = &rest[at + 1..];
                match found {
                    Some('"') => whole.push_str(literal(&mut rest)),
                    Some('(') => depth += 1,
                    _ => depth -= 1,
                }
            }
            texts.push(whole);
        } else if let Some(inside) = rest.strip_prefix('"') {
            rest = inside;
            texts.push(literal(&mut rest).to_owned());
        } else {
            rest = &rest[1..];
        }
    }
    let verbs = ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "];
    texts.retain(|text| verbs.iter().any(|verb| text.trim_start().starts_with(verb)));
    texts
}

/// The rest of a string literal, from behind its opening quote; leaves what follows it.
fn literal<'a>(rest: &mut &'a str) -> &'a str {
    let mut escaped = false;
    let end = rest.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let (text, behind) = rest.split_at(end.expect("it is closed"));
    *rest = &behind[1..];
    text
}

fn sources() -> Vec<Source> {
    let mut paths = Vec::new();
    collect(&root(), &mut paths);
    assert!(paths.len() > 30, "the sources are where they were");
    paths
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("a source can be read");
            let name = path.strip_prefix(root()).expect("it is below").display().to_string();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            Source { name, text, code }
        })
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("a directory of sources") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}
