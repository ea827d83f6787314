//! Where connections come from: an address of the process's own, one that it shares with the process whose place it
//! takes, or a socket on which whoever started it listens already.

use crate::error::{Error, Result};
use listenfd::ListenFd;
use socket2::{Domain, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, ToSocketAddrs};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};

/// Connections that wait at a shared address until somebody serves there.
const WAITING: i32 = 4096;
/// For how long a shared address is still served when it has been passed on: who had begun to connect gets through.
const LATECOMERS: Duration = Duration::from_millis(500);
/// For how long taking an address is tried that nobody should hold any more.
const PATIENCE: Duration = Duration::from_millis(500);

/// Where connections come from.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    shared: bool,
}

impl From<TcpListener> for Listener {
    fn from(socket: TcpListener) -> Self {
        Self { socket, shared: false }
    }
}

impl Listener {
    /// The socket that whoever started the process listens on, if it gave one (`LISTEN_FDS`, as systemd does).
    ///
    /// # Errors
    /// [`Error::Config`] when it gave several, or something else.
    pub fn inherited() -> Result<Option<Self>> {
        let mut given = ListenFd::from_env();
        if given.len() > 1 {
            return Err(Error::Config(format!(
                "LISTEN_FDS: {} sockets were given, and one is served; keep one ListenStream in the socket unit",
                given.len()
            )));
        }
        let wrong = |e: io::Error| Error::Config(format!("LISTEN_FDS: what was given cannot be listened on: {e}"));
        let Some(socket) = given.take_tcp_listener(0).map_err(wrong)? else { return Ok(None) };
        socket.set_nonblocking(true).and_then(|()| TcpListener::from_std(socket)).map(|s| Some(s.into())).map_err(wrong)
    }

    /// Takes an address for itself.
    ///
    /// # Errors
    /// [`Error::Config`] when it can't be had.
    pub async fn alone(address: &str) -> Result<Self> {
        TcpListener::bind(address).await.map(Self::from).map_err(|e| cannot(address, &e))
    }

    /// Takes an address so that another process can take it as well, which is then to serve in this one's place. With
    /// a `predecessor`, this is the one that does so: connections still go to the other one until that passes the
    /// address on. Without one, the address has to be free.
    ///
    /// # Errors
    /// [`Error::Config`] when it can't be had.
    pub async fn shared(address: &str, predecessor: bool) -> Result<Self> {
        let wrong = |e: io::Error| match e.kind() {
            io::ErrorKind::AddrInUse if predecessor => Error::Config(format!(
                "listen: cannot listen on {address}: whoever listens there does not share it; only a server of the \
                 same user that was started with take_over_seconds does"
            )),
            _ => cannot(address, &e),
        };
        let place = address.to_socket_addrs().and_then(|mut all| all.next().ok_or(io::ErrorKind::NotFound.into()));
        let place = place.map_err(wrong)?;
        if !predecessor {
            until_free(place).await.map_err(wrong)?;
        }
        let listener = share(place).and_then(TcpListener::from_std).map_err(wrong)?;
        let listener = Self { socket: listener, shared: true };
        if predecessor {
            listener.steer(OLDEST);
        }
        Ok(listener)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// [`Error::Internal`] when the system can't say.
    pub fn address(&self) -> Result<SocketAddr> {
        self.socket.local_addr().map_err(|e| Error::internal("listening", e))
    }

    pub(super) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        self.socket.accept().await
    }

    /// Has all connections come here, now that this process serves. Who was there before is gone, and whoever comes
    /// after has to wait for its turn.
    pub(super) fn take(&self) {
        if self.shared {
            self.steer(OLDEST);
        }
    }

    /// Has connections go to the process that is to take this one's place, if there is one; for as long as this gives,
    /// those that had begun before are still to be accepted.
    pub(super) fn pass_on(&self) -> Option<Duration> {
        self.shared.then(|| {
            self.steer(NEXT);
            LATECOMERS
        })
    }

    /// Says which of the sockets that share the address gets new connections, by the order in which they came. Where
    /// there is none with that number, the system spreads them over those that there are.
    fn steer(&self, number: u32) {
        if let Err(error) = steer(&self.socket, number) {
            tracing::warn!(%error, "cannot say which process gets new connections; some will wait for the other one");
        }
    }
}

/// The place of the socket that has been there longest.
const OLDEST: u32 = 0;
/// The place of the one that came after it.
const NEXT: u32 = 1;

fn cannot(address: &str, error: &io::Error) -> Error {
    Error::Config(format!("listen: cannot listen on {address}: {error}"))
}

/// Waits a moment for an address to be free: whoever was killed there may not be quite gone.
async fn until_free(place: SocketAddr) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match StdListener::bind(place) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            tried => return tried.map(drop),
        }
    }
}

fn share(place: SocketAddr) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(place), Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&place.into())?;
    socket.listen(WAITING)?;
    Ok(socket.into())
}

/// Linux asks a program that is attached to the sockets of an address which one a connection is for; this one always
/// gives the same number.
#[cfg(target_os = "linux")]
fn steer(socket: &TcpListener, number: u32) -> io::Result<()> {
    use nix::libc::{BPF_K, BPF_RET, sock_filter, sock_fprog};
    use nix::sys::socket::{setsockopt, sockopt::AttachReusePortCbpf};
    let code = u16::try_from(BPF_RET | BPF_K).unwrap_or_default();
    let mut program = [sock_filter { code, jt: 0, jf: 0, k: number }];
    // The system copies the program; it lives until it has.
    let program = sock_fprog { len: 1, filter: program.as_mut_ptr() };
    setsockopt(socket, AttachReusePortCbpf, &program).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn steer(_: &TcpListener, _: u32) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
