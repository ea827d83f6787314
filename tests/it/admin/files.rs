//! Backups, while others write; putting one in place; and looking whether all is well.

use crate::support::{Client, TestServer, admin::admin, options};
use rusqlite::Connection;
use serde_json::json;
use sessile::server::Server;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Creates contacts until it is told to stop, and keeps the ids of those that were acknowledged.
async fn write(mut client: Client, stop: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<String>>>) {
    while !stop.load(Ordering::Relaxed) {
        let contact = client.tool("crm_contact_create", json!({ "name": "Somebody", "notes": "Met at sea." })).await;
        let id = contact["id"].as_str().expect("an id").to_owned();
        acknowledged.lock().expect("nobody panics").push(id);
    }
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_whole_and_can_be_restored() {
    let server = TestServer::start().await;
    drop(server.sign_up("ann").await);
    let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let mut writers = Vec::new();
    for _ in 0..4 {
        let client = server.sign_in("ann").await;
        writers.push(tokio::spawn(write(client, Arc::clone(&stop), Arc::clone(&acknowledged))));
    }
    let directory = tempfile::tempdir().expect("there is room for backups");
    let mut backups = Vec::new();
    for number in 0..3 {
        let so_far = acknowledged.lock().expect("nobody panics").clone();
        let file = directory.path().join(format!("{number}.db"));
        server.admin(&["backup", &file.display().to_string()]).await.done();
        backups.push((file, so_far));
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("it does not panic");
    }
    let again = server.admin(&["backup", &backups[0].0.display().to_string()]).await.refused();
    assert!(again.contains("is there already"), "{again}");

    let restored = directory.path().join("restored.db");
    for (file, acknowledged) in &backups {
        assert!(admin(file, &["check"]).await.done().lines().all(|line| line.starts_with("ok ")));
        admin(&restored, &["restore", &file.display().to_string()]).await.done();
        admin(&restored, &["check"]).await.done();
        let database = Connection::open(&restored).expect("it opens");
        let mut ids = database.prepare("SELECT id FROM contact").expect("there is such a table");
        let ids = ids.query_map([], |row| row.get(0)).expect("they are there");
        let ids: HashSet<String> = ids.collect::<Result<_, _>>().expect("ids are text");
        assert!(acknowledged.iter().all(|id| ids.contains(id)), "what was acknowledged before is in it");
    }
    assert!(backups[2].1.len() > backups[0].1.len(), "others wrote meanwhile");
}

#[tokio::test]
async fn a_backup_is_put_in_place_when_nobody_serves_and_what_was_there_is_kept() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    ann.tool("crm_contact_create", json!({ "name": "Before" })).await;
    server.admin(&["backup", "b.db"]).await.done();
    ann.tool("crm_contact_create", json!({ "name": "After" })).await;
    let served = server.admin(&["restore", "b.db"]).await.refused();
    assert!(served.contains("is served by another process"), "{served}");

    let directory = tempfile::tempdir().expect("there is room for a database");
    let database = directory.path().join("sessile.db");
    // As a server leaves it that was killed: with its log.
    for end in ["", "-wal"] {
        let name = |database: &std::path::Path| format!("{}{end}", database.display());
        std::fs::copy(name(&server.database()), name(&database)).expect("it can be copied");
    }
    let backup = server.database().with_file_name("b.db");
    let said = admin(&database, &["restore", &backup.display().to_string(), "--json"]).await.json();
    let kept = said["before"].as_str().expect("a path");
    assert!(kept.contains("sessile.db.before-restore-20") && kept.ends_with('Z'), "{kept}");
    let contacts = |path: &std::path::Path| {
        let database = Connection::open(path).expect("it opens");
        database.query_row("SELECT COUNT(*) FROM contact", [], |row| row.get::<_, i64>(0)).expect("a count")
    };
    assert_eq!((contacts(kept.as_ref()), contacts(&database)), (2, 1));
    drop(Server::new(options(directory.path())).expect("it can be served"));

    std::fs::write(directory.path().join("no.db"), "not a database at all").expect("it can be written");
    for (file, why) in [("no.db", "not a database"), ("none.db", "unable to open"), ("sessile.db", "database itself")] {
        let refused = admin(&database, &["restore", file]).await.refused();
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(contacts(&database), 1);
}

#[tokio::test]
async fn what_is_wrong_is_found_and_said() {
    let server = TestServer::start().await;
    let mut ann = server.sign_up("ann").await;
    let contact = ann.tool("crm_contact_create", json!({ "name": "Nora" })).await;
    let id = contact["id"].as_str().expect("an id");
    let well = server.admin(&["check"]).await.done();
    assert!(well.lines().count() >= 6 && well.lines().all(|line| line.starts_with("ok ")), "{well}");
    let database = Connection::open(server.database()).expect("it opens");
    database.pragma_update(None, "foreign_keys", false).expect("it can be set");
    for (about, mistake, told) in [
        (
            "record counts",
            "UPDATE tenant SET record_count = 7".to_owned(),
            "has 1 records, and record_count says 7".to_owned(),
        ),
        ("search index", "UPDATE contact SET name = 'Mona'".to_owned(), format!("contact {id} is not in the index")),
        ("references", "UPDATE member SET user_id = 'x'".to_owned(), "member row".to_owned()),
        ("owners", "UPDATE member SET role = 'viewer'".to_owned(), "has members and no owner".to_owned()),
        (
            "sealed values",
            "INSERT INTO credential SELECT id, 'wiki', '0123456789abcdef.x', 1, 1, 'x' FROM tenant".to_owned(),
            "credential wiki of tenant".to_owned(),
        ),
        (
            "rows without what they belong to",
            "INSERT INTO record_change SELECT id, 'gone', 1, 'x', 1, 'name' FROM tenant".to_owned(),
            "record_change of gone".to_owned(),
        ),
    ] {
        database.execute(&mistake, []).expect(&mistake);
        let said = server.admin(&["check"]).await.found_wrong();
        assert!(said.contains(&format!("WRONG  {about}\n")) && said.contains(&told), "{mistake}: {said}");
    }
    database.pragma_update(None, "user_version", 1).expect("it can be set");
    assert!(server.admin(&["check"]).await.found_wrong().contains("it has version 1"));
    assert!(server.admin(&["tenants", "list"]).await.refused().contains("schema version 1"));
}
