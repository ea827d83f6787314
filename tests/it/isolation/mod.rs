//! Several tenants work at once, each on two connections, and do what chance tells them to, with each
//! other's ids thrown in. Each gets the answers that it would get if it were alone on the server.

mod model;
mod operation;
mod player;

use crate::support::{TestServer, Way};
use futures_util::future::join_all;
use operation::{Operation, operations};
use player::{Player, Pool};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestRunner};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Builder;

const TENANTS: usize = 3;

pub(crate) fn each_tenant_is_alone(way: Way, cases: u32) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let server = runtime.block_on(TestServer::over(way, |options| options.sessions.max_sessions_per_address = 1000));
    let case = AtomicUsize::new(0);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&vec(operations(), TENANTS), |scripts| {
        let case = case.fetch_add(1, Ordering::Relaxed);
        runtime.block_on(play(&server, case, scripts));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    runtime.block_on(server.stop());
}

/// Plays one script for each tenant, all at once.
async fn play(server: &TestServer, case: usize, scripts: Vec<Vec<Operation>>) {
    let pool = Pool::default();
    let tenants = scripts.into_iter().enumerate().map(async |(number, script)| {
        let mut player = Player::new(server, &format!("case{case}-tenant{number}"), number, &pool).await;
        for operation in &script {
            player.play(operation).await;
        }
        player.look_at_everything().await;
    });
    join_all(tenants).await;
}
