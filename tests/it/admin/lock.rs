//! One process serves a database, and it hears what others have done.

use crate::support::{TestServer, admin::admin, options};
use sessile::server::Server;

#[tokio::test]
async fn a_second_server_on_the_same_database_is_refused() {
    let server = TestServer::start().await;
    let directory = server.database().parent().expect("it is in a directory").to_owned();
    let refused = Server::new(options(&directory)).expect_err("it is served already").to_string();
    let database = server.database().display().to_string();
    assert!(refused.contains(&database) && refused.contains("is served by another process (pid "), "{refused}");
    // By another name it is the same.
    let mut other = options(&directory);
    other.store.url =
        format!("sqlite:{}/../{}/sessile.db", directory.display(), directory.file_name().expect("a name").display());
    assert!(Server::new(other).is_err());
    drop(server.sign_up("ann").await);
}

#[tokio::test]
async fn a_database_can_be_served_again_once_it_is_not() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    for _ in 0..3 {
        drop(Server::new(options(directory.path())).expect("nobody serves it"));
    }
}

#[tokio::test]
async fn notices_do_not_wait_for_a_server_that_is_not_there() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    drop(Server::new(options(directory.path())).expect("the options are good ones"));
    let database = directory.path().join("sessile.db");
    let made = admin(&database, &["tenants", "create", "Weald", "--owner", "ann@example.com", "--json"]).await.json();
    let id = made["id"].as_str().expect("an id");
    admin(&database, &["tenants", "suspend", id]).await.done();
    let left = rusqlite::Connection::open(&database).expect("it opens");
    let notices: i64 = left.query_row("SELECT COUNT(*) FROM notice", [], |row| row.get(0)).expect("a count");
    assert_eq!(notices, 0);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_not_made() {
    let directory = tempfile::tempdir().expect("there is room for a database");
    let database = directory.path().join("mistyped.db");
    for command in [&["tenants", "list"][..], &["check"], &["backup", "b.db"], &["keys", "rotate"]] {
        let why = admin(&database, command).await.refused();
        assert!(why.contains("there is no database") && why.contains("mistyped.db"), "{why}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).expect("it can be listed").count(), 0);
}
