//! The yardstick: a WebSocket server that sends back what it gets, and does nothing else.
//!
//! One thread, a read buffer of a few KiB, and frames that came together leave together: as lean as
//! tokio-tungstenite allows without giving up its API.

use std::io::{Read as _, Write as _};

use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};

use super::Result;

const READ_BUFFER_BYTES: usize = 4 * 1024;

/// Serves until standard input ends.
pub(crate) fn run() -> Result<()> {
    end_with_input();
    let serve = listen("echo", |stream| async move { drop(echo(stream).await) });
    tokio::runtime::Builder::new_current_thread().enable_io().build()?.block_on(serve)
}

async fn echo(stream: TcpStream) -> tungstenite::Result<()> {
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    while let Some(first) = socket.next().await {
        let mut ready = Some(first);
        while let Some(message) = ready {
            match message? {
                message @ (Message::Text(_) | Message::Binary(_)) => socket.feed(message).await?,
                Message::Close(_) => return Ok(()),
                _ => {}
            }
            ready = socket.next().now_or_never().flatten();
        }
        socket.flush().await?;
    }
    Ok(())
}

/// Ends this process when standard input ends, which it does when the benchmark is gone, however it went.
pub(super) fn end_with_input() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

/// Takes connections for as long as the process lives, and says where. That a client leaves without a goodbye is how
/// every measurement ends.
pub(super) async fn listen<F>(name: &str, serve: impl Fn(TcpStream) -> F) -> Result<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{name} listening on ws://{}/", listener.local_addr()?);
    std::io::stdout().flush()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(serve(stream));
    }
}
