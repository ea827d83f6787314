//! The same through TLS, with a certificate that is replaced while the server runs.

use crate::support::{TestServer, soon};
use futures_util::{SinkExt, StreamExt};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sessile::server::{Server, TlsOptions};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::protocol::Message;

#[tokio::test]
async fn a_session_runs_through_tls() {
    let files = Files::new();
    let server = files.serve(|_| {}).await;
    let stream = connect(&server, &files.cert, &[]).await.expect("the certificate is the server's");
    let uri = "wss://localhost/mcp";
    let (mut socket, _) = tokio_tungstenite::client_async(uri, stream).await.expect("the server upgrades");
    // Several records each way.
    let name = "x".repeat(100_000);
    let call = format!(r#"{{"jsonrpc":"2.0","id":"{name}","method":"ping"}}"#);
    for _ in 0..5 {
        socket.feed(Message::text(&call)).await.expect("the socket is open");
    }
    socket.flush().await.expect("the socket is open");
    for _ in 0..5 {
        let answer = soon("an answer", socket.next()).await.expect("the socket is open").expect("it comes whole");
        assert!(answer.to_text().is_ok_and(|text| text.contains(&name)), "{answer:?}");
    }
    socket.close(None).await.expect("the socket is open");
    soon("the close", async { while let Some(Ok(_)) = socket.next().await {} }).await;
    // TLS is closed as it should be, too: an end without it would be an error.
    let end = soon("the end", socket.get_mut().read(&mut [0; 16])).await;
    assert_eq!(end.expect("TLS has said goodbye"), 0);
    server.stop().await;
}

#[tokio::test]
async fn only_http_1_1_is_spoken() {
    let files = Files::new();
    let server = files.serve(|_| {}).await;
    let stream = connect(&server, &files.cert, &["h2", "http/1.1"]).await.expect("there is one in common");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(answers(stream).await.starts_with("HTTP/1.1 200 OK"));
    let refused = connect(&server, &files.cert, &["h2"]).await;
    assert!(refused.is_err(), "no protocol is in common");
    server.stop().await;
}

#[tokio::test]
async fn a_new_certificate_is_taken_into_use_while_connections_go_on() {
    let mut files = Files::new();
    let server = files.serve(|tls| tls.look_every = Duration::from_millis(10)).await;
    let old = files.cert.clone();
    let before = connect(&server, &old, &[]).await.expect("the certificate is the server's");
    files.renew();
    soon("the new certificate", async {
        while connect(&server, &files.cert, &[]).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(connect(&server, &old, &[]).await.is_err(), "the old certificate is out of use");
    assert!(answers(before).await.starts_with("HTTP/1.1 200 OK"));
    server.stop().await;
}

#[tokio::test]
async fn who_does_not_speak_tls_is_closed() {
    let files = Files::new();
    let server = TestServer::with(|options| {
        options.tls = Some(files.options());
        options.handshake = Duration::from_millis(100);
    })
    .await;
    let mut silent = TcpStream::connect(server.address()).await.expect("the server listens");
    let read = soon("the end of a silent connection", silent.read(&mut [0; 256])).await;
    assert_eq!(read.unwrap_or_default(), 0);
    let mut plain = TcpStream::connect(server.address()).await.expect("the server listens");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("the connection is open");
    let mut answer = Vec::new();
    // Whatever comes, if the end comes in order at all, is an alert of TLS.
    if soon("the end", plain.read_to_end(&mut answer)).await.is_ok() {
        assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_server_does_not_start_with_a_certificate_that_cannot_be_used() {
    let (files, other) = (Files::new(), Files::new());
    for (cert, key, rule) in [
        ("no.pem", "key.pem", "tls.cert: cannot read "),
        ("cert.pem", "no.pem", "tls.key: cannot read "),
        ("key.pem", "key.pem", "tls.cert: "),
        ("cert.pem", "cert.pem", "tls.key: "),
    ] {
        let (cert, key) = (files.path(cert), files.path(key));
        let error = start(TlsOptions { cert, key, ..TlsOptions::default() });
        assert!(error.starts_with(rule), "{error}");
    }
    let error = start(TlsOptions { key: other.path("key.pem"), ..files.options() });
    assert!(error.contains("is not the key of the certificate"), "{error}");
}

/// A certificate for localhost, its key, and the files that hold them.
struct Files {
    directory: TempDir,
    cert: CertificateDer<'static>,
}

impl Files {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("there is room for two files");
        let cert = write_pair(directory.path());
        Self { directory, cert }
    }

    fn renew(&mut self) {
        self.cert = write_pair(self.directory.path());
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn options(&self) -> TlsOptions {
        TlsOptions { cert: self.path("cert.pem"), key: self.path("key.pem"), ..TlsOptions::default() }
    }

    async fn serve(&self, change: impl FnOnce(&mut TlsOptions)) -> TestServer {
        let mut tls = self.options();
        change(&mut tls);
        TestServer::with(|options| options.tls = Some(tls)).await
    }
}

fn write_pair(directory: &Path) -> CertificateDer<'static> {
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate can be made");
    std::fs::write(directory.join("cert.pem"), cert.pem()).expect("the directory is there");
    std::fs::write(directory.join("key.pem"), signing_key.serialize_pem()).expect("the directory is there");
    cert.der().clone()
}

/// Connects as who trusts this certificate alone.
async fn connect(
    server: &TestServer,
    trusted: &CertificateDer<'static>,
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).expect("it is a certificate");
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("there are some")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").expect("it is a name");
    soon("the handshake", TlsConnector::from(Arc::new(config)).connect(name, stream)).await
}

/// Asks for health, and gives what is answered until the end.
async fn answers(mut stream: TlsStream<TcpStream>) -> String {
    let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.expect("the connection is open");
    let mut answer = String::new();
    soon("an answer", stream.read_to_string(&mut answer)).await.expect("it ends in order");
    answer
}

fn start(tls: TlsOptions) -> String {
    let mut options = sessile::config::Config::default().server;
    options.tls = Some(tls);
    Server::new(options).expect_err("it cannot start").to_string()
}
