//! One client connection: a blocking socket, the upgrade where there is one, and whole messages out of
//! what was read.
//!
//! It blocks even under load: the generator reads only what the kernel has reported, and what it may
//! have in flight is far smaller than a socket's buffer.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStdin, ChildStdout};
use std::time::Duration;

use memchr::memmem;
use serde_json::Value;

use super::Result;
use super::frame::{self, Frame};
use super::response::Response;
use super::template::{FIRST_NUMBER, Template};
use super::workload;

/// A server that is silent for so long is stuck.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What is said of it then.
pub(crate) const STUCK: &str = "a server left a request without an answer";

/// How many connections are opened side by side; less than a listener's backlog, more than enough for
/// a server that commits in groups.
const OPENED_TOGETHER: u32 = 50;

const BUFFER_BYTES: usize = 64 * 1024;

/// How messages are told apart on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    WebSocket,
    Http,
    Lines,
}

/// What the bytes go through.
#[derive(Debug)]
enum Stream {
    Socket(TcpStream),
    Pipes(ChildStdin, ChildStdout),
}

impl Stream {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Socket(socket) => socket.write_all(bytes),
            Self::Pipes(stdin, _) => stdin.write_all(bytes),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Socket(socket) => socket.read(buffer),
            Self::Pipes(_, stdout) => stdout.read(buffer),
        }
    }
}

/// A connection that calls can be made on.
#[derive(Debug)]
pub(crate) struct Connection {
    framing: Framing,
    stream: Stream,
    buffer: Vec<u8>,
    filled: usize,
}

impl Connection {
    /// Connects, to make HTTP requests.
    pub(crate) fn http(address: SocketAddr) -> Result<Self> {
        Self::connect(address, Framing::Http)
    }

    /// Speaks in lines, with a child.
    pub(crate) fn pipes(stdin: ChildStdin, stdout: ChildStdout) -> Self {
        Self::over(Stream::Pipes(stdin, stdout), Framing::Lines)
    }

    /// Connects, to speak in lines.
    pub(crate) fn lines(address: SocketAddr) -> Result<Self> {
        Self::connect(address, Framing::Lines)
    }

    /// Connects and upgrades.
    pub(crate) fn open(address: SocketAddr) -> Result<Self> {
        let mut connection = Self::request_upgrade(address)?;
        connection.await_upgrade()?;
        Ok(connection)
    }

    /// Writes frames that are ready to go.
    pub(crate) fn send(&mut self, frames: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(frames)?)
    }

    /// Reads once and hands each response that is now complete to `each`: the number of its call and
    /// its text. Pings are answered, notifications passed over; a response that is an error ends it.
    pub(crate) fn receive(&mut self, mut each: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        match self.framing {
            Framing::WebSocket => {}
            Framing::Http => return self.receive_response(each),
            Framing::Lines => return self.receive_lines(each),
        }
        self.fill()?;
        let mut start = 0;
        while let Some(frame) = Frame::parse(&self.buffer[start..self.filled])? {
            start += frame.length;
            match frame.opcode {
                frame::TEXT => {
                    if let Some(number) = workload::answered(frame.payload)? {
                        each(number, frame.payload)?;
                    }
                }
                frame::PING => self.stream.write_all(&frame::pong(frame.payload))?,
                frame::CLOSE => {
                    return Err(format!("the server closed: {}", frame.payload.escape_ascii()).into());
                }
                _ => {}
            }
        }
        self.discard(start);
        Ok(())
    }

    /// Sends a request and gives the response to it: the session id, if it tells one, and the message.
    pub(crate) fn exchange(&mut self, head: &str, text: &str) -> Result<(Option<String>, Value)> {
        let mut request = Vec::new();
        Template::http(head, text).write(FIRST_NUMBER, &mut request);
        self.send(&request)?;
        loop {
            self.fill()?;
            if let Some(response) = Response::parse(&self.buffer[..self.filled])? {
                let session = response.header("mcp-session-id").map(str::to_owned);
                let message = workload::message(response.body)?;
                let length = response.length;
                self.discard(length);
                return Ok((session, message));
            }
        }
    }

    /// Sends a line and waits for the response.
    pub(crate) fn say(&mut self, text: &str) -> Result<Value> {
        let mut line = Vec::new();
        Template::line(text).write(FIRST_NUMBER, &mut line);
        self.send(&line)?;
        self.await_response()
    }

    /// Calls a tool and waits for the response.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Result<Value> {
        self.request(tool, arguments)?;
        self.await_response()
    }

    /// The socket alone, which is all that an idle connection needs on this side.
    pub(crate) fn into_stream(self) -> Option<TcpStream> {
        match self.stream {
            Stream::Socket(socket) => Some(socket),
            Stream::Pipes(..) => None,
        }
    }

    /// What to wait on until there is something to read.
    pub(crate) fn readable(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Socket(socket) => socket.as_fd(),
            Stream::Pipes(_, stdout) => stdout.as_fd(),
        }
    }

    fn receive_response(&mut self, mut each: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        self.fill()?;
        let mut start = 0;
        while let Some(response) = Response::parse(&self.buffer[start..self.filled])? {
            start += response.length;
            if let Some(number) = workload::answered(response.body)? {
                each(number, response.body)?;
            }
        }
        self.discard(start);
        Ok(())
    }

    fn receive_lines(&mut self, mut each: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<()> {
        self.fill()?;
        let mut start = 0;
        while let Some(length) = memchr::memchr(b'\n', &self.buffer[start..self.filled]) {
            let line = &self.buffer[start..start + length];
            start += length + 1;
            if let Some(number) = workload::answered(line)? {
                each(number, line)?;
            }
        }
        self.discard(start);
        Ok(())
    }

    fn request(&mut self, tool: &str, arguments: &Value) -> Result<()> {
        let mut frame = Vec::new();
        Template::websocket(&workload::request(tool, arguments)).write(FIRST_NUMBER, &mut frame);
        self.send(&frame)
    }

    fn await_response(&mut self) -> Result<Value> {
        let mut response = None;
        loop {
            self.receive(|_, text| {
                response = Some(serde_json::from_slice(text)?);
                Ok(())
            })?;
            if let Some(response) = response {
                return Ok(response);
            }
        }
    }

    fn request_upgrade(address: SocketAddr) -> Result<Self> {
        let mut connection = Self::connect(address, Framing::WebSocket)?;
        let head = format!(
            "GET /mcp HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: c2Vzc2lsZSBpcyBzdGlsbA==\r\n\r\n"
        );
        connection.send(head.as_bytes())?;
        Ok(connection)
    }

    fn connect(address: SocketAddr, framing: Framing) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self::over(Stream::Socket(stream), framing))
    }

    fn over(stream: Stream, framing: Framing) -> Self {
        Self { framing, stream, buffer: vec![0; BUFFER_BYTES], filled: 0 }
    }

    fn await_upgrade(&mut self) -> Result<()> {
        loop {
            self.fill()?;
            let read = &self.buffer[..self.filled];
            if let Some(end) = memmem::find(read, b"\r\n\r\n") {
                if !read.starts_with(b"HTTP/1.1 101 ") {
                    return Err(format!("no upgrade: {}", String::from_utf8_lossy(read)).into());
                }
                self.discard(end + 4);
                return Ok(());
            }
        }
    }

    fn fill(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            return Err("a response is larger than the buffer".into());
        }
        match self.stream.read(&mut self.buffer[self.filled..]) {
            Ok(0) => Err("the server hung up".into()),
            Ok(read) => {
                self.filled += read;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(STUCK.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn discard(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
    }
}

/// Opens `count` connections and signs each in; handed over in groups, so that the caller may keep
/// less than the whole of them. An echo server says the same words and means nothing by them.
pub(crate) fn open_signed_in(address: SocketAddr, count: u32, mut each: impl FnMut(Connection)) -> Result<()> {
    let mut left = count;
    while left > 0 {
        let together = left.min(OPENED_TOGETHER);
        left -= together;
        let mut group = Vec::new();
        for _ in 0..together {
            group.push(Connection::request_upgrade(address)?);
        }
        for connection in &mut group {
            connection.await_upgrade()?;
            connection.request("auth_sign_in", &workload::credentials())?;
        }
        for mut connection in group {
            connection.await_response()?;
            each(connection);
        }
    }
    Ok(())
}
