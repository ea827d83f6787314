//! What is between a bridge and a server: a proxy that can be told to cut connections, or does so and worse by itself.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// A proxy; it ends when it is dropped.
pub(super) struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    task: JoinHandle<()>,
}

struct State {
    /// Where it leads; none refuses connections.
    target: Mutex<Option<SocketAddr>>,
    random: Mutex<Random>,
    faulty: Mutex<bool>,
    /// Counts how often all connections were cut.
    cuts: watch::Sender<u64>,
    connections: Mutex<u64>,
}

/// Numbers that look random and are the same for the same seed.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Cut,
    /// Nothing moves any more; the ends have to notice.
    Stall,
    /// Nothing moves for a while.
    Delay(Duration),
    /// No more goes to the server.
    EndRequests,
    /// No more comes from it.
    EndAnswers,
}

impl Proxy {
    pub(super) async fn start(target: SocketAddr, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a port");
        let address = listener.local_addr().expect("it has one");
        let state = Arc::new(State {
            target: Mutex::new(Some(target)),
            random: Mutex::new(Random(seed)),
            faulty: Mutex::new(false),
            cuts: watch::Sender::new(0),
            connections: Mutex::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, task }
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}/mcp", self.address)
    }

    /// Leads elsewhere from now on, or nowhere.
    pub(super) fn lead_to(&self, target: Option<SocketAddr>) {
        *self.state.target.lock().expect("nobody panics") = target;
    }

    /// Cuts all connections.
    pub(super) fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Whether something happens to each connection after a moment.
    pub(super) fn be_faulty(&self, faulty: bool) {
        *self.state.faulty.lock().expect("nobody panics") = faulty;
        if !faulty {
            self.cut();
        }
    }

    /// How many connections there were.
    pub(super) fn connections(&self) -> u64 {
        *self.state.connections.lock().expect("nobody panics")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let target = *state.target.lock().expect("nobody panics");
        let Some(target) = target else { continue };
        *state.connections.lock().expect("nobody panics") += 1;
        tokio::spawn(carry(client, target, Arc::clone(&state)));
    }
}

/// Carries bytes until somebody ends it. What was not carried by then is lost.
async fn carry(mut client: TcpStream, target: SocketAddr, state: Arc<State>) {
    let mut cuts = state.cuts.subscribe();
    cuts.mark_unchanged();
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let (mut requests, mut answers) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    let (mut to_server, mut to_client) = (true, true);
    let mut strike = state.next_strike();
    loop {
        tokio::select! {
            _ = cuts.changed() => return,
            () = sleep_until(strike.unwrap_or_else(Instant::now)), if strike.is_some() => {
                strike = state.next_strike();
                match state.next_fault() {
                    Fault::Cut => return,
                    Fault::Stall => {
                        // Whoever notices first closes, and that is not passed on either.
                        tokio::select! { _ = cuts.changed() => {}, () = sleep(Duration::from_secs(3)) => {} }
                        return;
                    }
                    Fault::Delay(time) => sleep(time).await,
                    Fault::EndRequests if to_server => {
                        to_server = false;
                        let _ = server.shutdown().await;
                    }
                    Fault::EndAnswers if to_client => {
                        to_client = false;
                        let _ = client.shutdown().await;
                    }
                    Fault::EndRequests | Fault::EndAnswers => return,
                }
            }
            read = client.read(&mut requests) => match read {
                Ok(read @ 1..) if to_server => {
                    if server.write_all(&requests[..read]).await.is_err() {
                        return;
                    }
                }
                Ok(1..) => {}
                _ => return,
            },
            read = server.read(&mut answers) => match read {
                Ok(read @ 1..) if to_client => {
                    if client.write_all(&answers[..read]).await.is_err() {
                        return;
                    }
                }
                Ok(1..) => {}
                _ => return,
            },
        }
    }
}

impl State {
    fn next_strike(&self) -> Option<Instant> {
        let faulty = *self.faulty.lock().expect("nobody panics");
        let after = 50 + self.random.lock().expect("nobody panics").below(450);
        faulty.then(|| Instant::now() + Duration::from_millis(after))
    }

    fn next_fault(&self) -> Fault {
        let mut random = self.random.lock().expect("nobody panics");
        match random.below(20) {
            0..=10 => Fault::Cut,
            11 => Fault::Stall,
            12..=15 => Fault::Delay(Duration::from_millis(20 + random.below(300))),
            16 | 17 => Fault::EndRequests,
            _ => Fault::EndAnswers,
        }
    }
}
