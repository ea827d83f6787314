//! A yardstick for the calls to an upstream: a process in between that only carries bytes, on the same runtime.
//!
//! What it takes is what the system asks of anybody who stands there: to be woken, to read and to write, twice a call.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Stdio;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use super::Result;

/// Bytes that are carried at once.
const BUFFER_BYTES: usize = 64 * 1024;

/// Carries between each connection and one to the upstream there; without an address, between a connection and a
/// child's pipes. Runs until it is killed.
pub(crate) fn run(upstream: Option<SocketAddr>) -> Result<()> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(upstream))
}

async fn serve(upstream: Option<SocketAddr>) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("relay listening on ws://{}/", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (mut client, _) = listener.accept().await?;
        client.set_nodelay(true)?;
        match upstream {
            Some(address) => {
                let mut onward = TcpStream::connect(address).await?;
                onward.set_nodelay(true)?;
                tokio::spawn(async move {
                    let ((from, to), (back, forth)) = (client.split(), onward.split());
                    tokio::join!(carry(from, forth), carry(back, to));
                });
            }
            None => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg("--upstream-stdio").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
                let mut child = command.spawn()?;
                let pipes = child.stdin.take().zip(child.stdout.take());
                let (stdin, stdout) = pipes.ok_or("no pipes")?;
                tokio::spawn(async move {
                    let (from, to) = client.split();
                    tokio::join!(carry(from, stdin), carry(stdout, to));
                    drop(child);
                });
            }
        }
    }
}

/// Until either side ends.
async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) {
    let mut buffer = vec![0; BUFFER_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
    // The other side is to end as well; it may have done so.
    let _ = to.shutdown().await;
}
