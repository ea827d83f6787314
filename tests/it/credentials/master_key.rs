//! The key that all is sealed with: wrong, missing, replaced.

use crate::support::admin::{admin, admin_with};
use crate::support::{MASTER_KEY, TestServer, master_key, options};
use rusqlite::Connection;
use serde_json::json;
use sessile::server::Server;
use sessile::tenancy::MasterKeySource;
use std::path::Path;

const OTHER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=";

/// A database with a credential in it, which nobody serves.
async fn sealed(directory: &Path) {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    ann.tool("credential_set", json!({ "name": "github", "value": "a secret" })).await;
    let copy = directory.join("sessile.db").display().to_string();
    server.admin(&["backup", &copy]).await.done();
    server.stop().await;
}

/// What a server says that is started with this key.
fn started(directory: &Path, key: Option<&str>) -> Result<(), String> {
    let mut options = options(directory);
    options.master_key = key.map(master_key).unwrap_or_default();
    Server::new(options).map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_wrong_or_a_missing_key_does_not_start_where_something_is_sealed() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    for key in [None, Some(OTHER), Some(MASTER_KEY)] {
        started(directory.path(), key).expect("nothing is sealed yet");
    }
    std::fs::remove_file(directory.path().join("sessile.db")).expect("it is there");
    sealed(directory.path()).await;
    let missing = started(directory.path(), None).expect_err("there is no key");
    assert!(missing.starts_with("SESSILE_MASTER_KEY: has to be set, or master_key_file: "), "{missing}");
    let wrong = started(directory.path(), Some(OTHER)).expect_err("it is another key");
    assert!(wrong.starts_with("SESSILE_MASTER_KEY: ") && wrong.contains("is another one"), "{wrong}");
    let no_key = started(directory.path(), Some("hunter2")).expect_err("it is no key");
    assert!(no_key.contains("must be 32 random bytes") && !no_key.contains("hunter2"), "{no_key}");
    for line in [missing, wrong, no_key] {
        assert!(!line.contains('\n') && !line.contains(OTHER), "{line}");
    }
    let both = format!("{OTHER},{MASTER_KEY}");
    for good in [MASTER_KEY, &both] {
        started(directory.path(), Some(good)).expect("the key is among them");
    }
    let file = directory.path().join("key");
    std::fs::write(&file, format!("{MASTER_KEY}\n")).expect("it can be written");
    let by_file = MasterKeySource { given: None, file: Some(file) };
    let mut options = options(directory.path());
    options.master_key = by_file;
    Server::new(options).expect("the file holds the key");
}

#[tokio::test]
async fn a_rotation_seals_all_anew_in_one_write() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    sealed(directory.path()).await;
    let database = directory.path().join("sessile.db");
    let before = rows(&database);
    let rotate = ["master-key", "rotate", "--json"];
    for (environment, why) in [
        (vec![("SESSILE_MASTER_KEY", MASTER_KEY)], "there is no new master key"),
        (vec![("SESSILE_NEW_MASTER_KEY", OTHER)], "SESSILE_MASTER_KEY: credentials in this database"),
        (
            vec![("SESSILE_MASTER_KEY", OTHER), ("SESSILE_NEW_MASTER_KEY", OTHER)],
            "SESSILE_MASTER_KEY: credentials in this database",
        ),
        (
            vec![("SESSILE_MASTER_KEY", MASTER_KEY), ("SESSILE_NEW_MASTER_KEY", "hunter2")],
            "SESSILE_NEW_MASTER_KEY: must be 32 random bytes",
        ),
    ] {
        let refused = admin_with(&database, &rotate, &environment).await.refused();
        assert!(refused.contains(why) && !refused.contains("hunter2"), "{refused}");
        assert_eq!(rows(&database), before);
    }
    // Nothing is rotated under a server, which would go on with the old key.
    let environment = [("SESSILE_MASTER_KEY", MASTER_KEY), ("SESSILE_NEW_MASTER_KEY", OTHER)];
    let serving = Server::new(options(directory.path())).expect("it can be served");
    let served = admin_with(&database, &rotate, &environment).await.refused();
    assert!(served.contains("is served by another process"), "{served}");
    drop(serving);

    let rotated = admin_with(&database, &rotate, &environment).await.json();
    assert_eq!(rotated["resealed"], 1);
    let after = rows(&database);
    let id = rotated["id"].as_str().expect("an id");
    assert!(after != before && after.len() == 1 && after[0].starts_with(&format!("{id}.")), "{after:?}");
    assert!(started(directory.path(), Some(MASTER_KEY)).is_err(), "the old key is not good any more");
    started(directory.path(), Some(OTHER)).expect("the new one is");
    // Whoever does not know how far it came does it again, with both.
    let again = [("SESSILE_MASTER_KEY", &*format!("{MASTER_KEY} {OTHER}")), ("SESSILE_NEW_MASTER_KEY", OTHER)];
    assert_eq!(admin_with(&database, &rotate, &again).await.json()["id"], id);
    assert!(admin(&database, &["check"]).await.done().contains("ok     sealed values"));
}

#[tokio::test]
async fn a_new_key_is_written_to_a_file_of_its_own_and_works() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    sealed(directory.path()).await;
    let database = directory.path().join("sessile.db");
    admin(&database, &["master-key", "generate", "new.key"]).await.done();
    assert!(admin(&database, &["master-key", "generate", "new.key"]).await.refused().contains("new.key"));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(directory.path().join("new.key")).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let printed = admin(&database, &["master-key", "generate"]).await.done();
    assert_eq!(printed.trim().len(), 64);
    let rotate = ["master-key", "rotate", "--new-key-file", "new.key"];
    let said = admin_with(&database, &rotate, &[("SESSILE_MASTER_KEY", MASTER_KEY)]).await.done();
    let key = std::fs::read_to_string(directory.path().join("new.key")).expect("it is there");
    assert!(said.contains("(1)") && !said.contains(key.trim()), "{said}");
    started(directory.path(), Some(key.trim())).expect("the key is good");
    let missing = admin_with(&database, &["master-key", "rotate", "--new-key-file", "x"], &[]).await.refused();
    assert!(missing.starts_with("--new-key-file: cannot read x"), "{missing}");
}

/// What is sealed, as it is in the database.
fn rows(database: &Path) -> Vec<String> {
    let database = Connection::open(database).expect("it opens");
    let mut statement = database.prepare("SELECT sealed FROM credential").expect("it is SQL");
    let rows = statement.query_map([], |row| row.get(0)).expect("it runs");
    rows.collect::<Result<_, _>>().expect("they are texts")
}
