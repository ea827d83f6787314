//! The second part: the resident memory of an idle, signed-in session, beside an idle echo connection.
//!
//! Each server is started afresh. The first session pays for what is set up once, and is counted in
//! what was there before.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::client::open_signed_in;
use super::machine::{Cores, raise_open_files};
use super::options::Options;
use super::server::Server;
use super::{Result, verdict, workload};

/// The most that a session may weigh.
const TARGET_KIB: f64 = 12.0;

/// Descriptors beside the sessions' own: the database, the runtime, the first session.
const OTHER_FILES: u64 = 200;

/// For what follows a sign-in on the server's side to be done.
const SETTLE: Duration = Duration::from_secs(1);

/// Opens the sessions on either server, and prints a table.
pub(crate) fn measure(options: &Options, cores: &Cores) -> Result<()> {
    let sessions = permitted(options.sessions())?;
    let echo = Weight::measure(&Server::echo(cores)?, sessions)?;
    let sessile = Server::sessile(cores)?;
    workload::prepare(sessile.address())?;
    let sessile = Weight::measure(&sessile, sessions)?;

    println!("### Memory of {sessions} idle sessions\n");
    println!("| server | RSS before, KiB | RSS after, KiB | KiB/session | target |");
    println!("| --- | --: | --: | --: | --- |");
    let target = format!("≤ {TARGET_KIB}: {}", verdict(sessile.per_session() <= TARGET_KIB));
    for (server, weight, target) in [("echo", &echo, ""), ("sessile", &sessile, &target)] {
        let per_session = weight.per_session();
        println!("| {server} | {} | {} | {per_session:.1} | {target} |", weight.before_kib, weight.after_kib);
    }
    println!();
    Ok(())
}

/// A server's resident memory without the sessions and with them.
struct Weight {
    sessions: u32,
    before_kib: u64,
    after_kib: u64,
}

impl Weight {
    /// Weighs `sessions` beside a first one, then ends them all.
    fn measure(server: &Server, sessions: u32) -> Result<Self> {
        let mut idle: Vec<TcpStream> = Vec::new();
        let mut open = |count| {
            open_signed_in(server.address(), count, |connection| {
                idle.extend(connection.into_stream());
            })
        };
        open(1)?;
        thread::sleep(SETTLE);
        let before_kib = server.resident_kib()?;
        open(sessions)?;
        thread::sleep(SETTLE);
        let after_kib = server.resident_kib()?;
        Ok(Self { sessions, before_kib, after_kib })
    }

    fn per_session(&self) -> f64 {
        let grown = self.after_kib.saturating_sub(self.before_kib);
        grown as f64 / f64::from(self.sessions)
    }
}

/// As many of the wanted sessions as the limit on open files allows, here and in the servers.
fn permitted(wanted: u32) -> Result<u32> {
    let limit = raise_open_files(u64::from(wanted) + OTHER_FILES)?;
    let permitted = u32::try_from(limit.saturating_sub(OTHER_FILES)).unwrap_or(u32::MAX).min(wanted);
    if permitted < wanted {
        println!("Note: the limit of {limit} open files leaves room for {permitted} sessions instead of {wanted}.\n");
    }
    Ok(permitted)
}
