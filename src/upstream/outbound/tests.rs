use super::connector::Connector;
use super::network::Network;
use super::{Destinations, Outbound, read};
use crate::upstream::Failure;
use crate::upstream::test_server::{TestServer, reply, status};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpStream;
use url::Url;

/// A network where names lead where the test says, one answer after the other, and every connection to one server.
#[derive(Debug)]
struct Scripted {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
    asked: Mutex<Vec<String>>,
    dialed: Mutex<Vec<SocketAddr>>,
    server: SocketAddr,
}

impl Scripted {
    fn new(server: SocketAddr, answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|address| address.parse().expect(address)).collect();
        Arc::new(Self {
            answers: Mutex::new(answers.iter().map(parsed).collect()),
            asked: Mutex::default(),
            dialed: Mutex::default(),
            server,
        })
    }

    fn public(self: &Arc<Self>) -> Outbound {
        Outbound::over(Connector::new(Destinations::Public, self.clone()))
    }

    fn dialed(&self) -> Vec<String> {
        self.dialed.lock().iter().map(ToString::to_string).collect()
    }
}

impl Network for Scripted {
    fn resolve(&self, name: String) -> BoxFuture<'_, io::Result<Vec<IpAddr>>> {
        self.asked.lock().push(name);
        let answer = self.answers.lock().pop_front().ok_or_else(|| io::Error::other("there is no such name"));
        Box::pin(async { answer })
    }

    fn dial(&self, address: SocketAddr) -> BoxFuture<'_, io::Result<TcpStream>> {
        self.dialed.lock().push(address);
        Box::pin(TcpStream::connect(self.server))
    }
}

#[tokio::test]
async fn odd_spellings_of_private_addresses_are_refused_before_anything_is_sent() {
    let network = Scripted::new(nowhere(), &[]);
    let outbound = network.public();
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "0",
        "0.0.0.0",
        "10.0.0.1",
        "0xa.1",
        "169.254.169.254",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "192.168.1.1",
        "100.100.100.200",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::a00:1]",
        "[2002:7f00:1::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[2001::1]",
        "１２７.０.０.１",
        "127。0。0。1",
        "%31%32%37.0.0.1",
    ] {
        for scheme in ["http", "https", "ws", "wss"] {
            let url = url(&format!("{scheme}://{host}:8080/mcp"));
            let failure = outbound.open(&url).await.expect_err(host);
            assert!(failure.to_string().contains("not at a public address"), "{host}: {failure}");
            if scheme.starts_with("http") {
                assert_eq!(get(&outbound, &url).await.expect_err(host), failure, "{host}");
            }
        }
    }
    assert!(network.dialed().is_empty() && network.asked.lock().is_empty());
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    for addresses in [
        &["127.0.0.1"][..],
        &["10.1.2.3", "192.168.0.1"],
        &["::1"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::a00:1"],
        &["fd00::1"],
    ] {
        let network = Scripted::new(nowhere(), &[addresses]);
        let failure = get(&network.public(), &url("http://innocent.example/mcp")).await.expect_err("it is private");
        assert!(failure.to_string().contains("innocent.example: it is not at a public address"), "{failure}");
        assert!(failure.nothing_was_done() && !failure.to_string().contains(addresses[0]), "{failure}");
        assert!(network.dialed().is_empty());
    }
}

#[tokio::test]
async fn localhost_by_the_real_resolver_is_refused_unless_private_addresses_are_allowed() {
    let server = TestServer::start(|_| async { status(200) }).await;
    let url = url(&format!("http://localhost:{}/", server.address.port()));
    let failure = get(&Outbound::new(Destinations::Public), &url).await.expect_err("it is private");
    assert!(failure.to_string().contains("not at a public address"), "{failure}");
    assert_eq!(get(&Outbound::new(Destinations::Any), &url).await.expect("an answer").0, 200);
}

#[tokio::test]
async fn of_several_addresses_only_public_ones_are_connected_to() {
    let server = TestServer::start(|_| async { status(200) }).await;
    let network = Scripted::new(server.address, &[&["10.0.0.1", "8.8.8.8", "::1", "127.0.0.1"]]);
    get(&network.public(), &url("http://both.example:8080/")).await.expect("an answer");
    assert_eq!(network.dialed(), ["8.8.8.8:8080"]);
}

#[tokio::test]
async fn what_was_checked_is_what_is_connected_to() {
    let server = TestServer::start(|_| async { reply(200, &[("connection", "close")], "") }).await;
    // It is public when it is looked at, and would be private at a second look.
    let network = Scripted::new(server.address, &[&["8.8.8.8"], &["127.0.0.1"], &["8.8.4.4"]]);
    let (outbound, url) = (network.public(), url("http://rebinding.example/"));
    get(&outbound, &url).await.expect("an answer");
    assert_eq!((network.dialed(), network.asked.lock().len()), (vec!["8.8.8.8:80".to_owned()], 1));
    // The next connection looks again, and does not trust what the name was before.
    let failure = get(&outbound, &url).await.expect_err("it is private now");
    assert!(failure.to_string().contains("not at a public address"), "{failure}");
    assert_eq!(network.dialed(), ["8.8.8.8:80"]);
    outbound.open(&url).await.expect("it is public again");
    assert_eq!(network.dialed(), ["8.8.8.8:80", "8.8.4.4:80"]);
}

#[tokio::test]
async fn urls_that_say_who_asks_or_are_not_http_are_refused() {
    let network = Scripted::new(nowhere(), &[&["8.8.8.8"]]);
    let outbound = network.public();
    for bad in [
        "http://user@public.example/",
        "http://user:secret@public.example/",
        "http://:secret@public.example/",
        "http://public.example@127.0.0.1/",
        "http://127.0.0.1:80%40public.example@public.example/",
        "ftp://public.example/",
        "file:///etc/passwd",
        "gopher://public.example/",
        "ws://public.example/",
    ] {
        let failure = get(&outbound, &url(bad)).await.expect_err(bad);
        assert!(matches!(failure, Failure::Incomplete(_)), "{bad}: {failure:?}");
        assert!(!failure.to_string().contains("secret"), "{failure}");
    }
    assert!(network.dialed().is_empty());
    // To a browser, and to this client, a backslash ends the host.
    let tricky = url(r"http://public.example\@127.0.0.1/");
    assert_eq!(tricky.host_str(), Some("public.example"));
}

#[tokio::test]
async fn redirects_that_repeat_the_request_are_followed_within_an_origin() {
    let server = TestServer::start(|request| async move {
        match request.uri().path() {
            "/old" => reply(308, &[("location", "/older?a=b")], ""),
            "/older" => reply(307, &[("location", "mcp")], ""),
            "/mcp" => {
                let (parts, body) = request.into_parts();
                let body = read(body, 100).await.expect("a body");
                reply(
                    200,
                    &[],
                    format!("{} {} {body:?}", parts.method, parts.headers["authorization"].to_str().unwrap_or("")),
                )
            }
            "/endless" => reply(307, &[("location", "/endless")], ""),
            other => reply(other[1..].parse().expect("a status"), &[("location", "/mcp")], ""),
        }
    })
    .await;
    let outbound = Outbound::new(Destinations::Any);
    let headers = HeaderMap::from_iter([(http::header::AUTHORIZATION, "Bearer x".parse().expect("a value"))]);
    let send = async |path: &str| {
        outbound.request(Method::POST, &server.url(path), headers.clone(), Bytes::from_static(b"text")).await
    };
    let response = send("/old").await.expect("an answer");
    let body = read(response.into_body(), 100).await.expect("a body");
    assert_eq!(&body[..], br#"POST Bearer x b"text""#);
    for (path, expected) in [("/301", "301"), ("/302", "302"), ("/303", "303"), ("/endless", "too many")] {
        let failure = send(path).await.expect_err(path);
        assert!(matches!(&failure, Failure::Unreadable(why) if why.contains(expected)), "{path}: {failure}");
    }
    assert_eq!(send("/304").await.expect("no redirect").status(), 304);
}

#[tokio::test]
async fn redirects_elsewhere_are_refused_without_a_look_at_where_that_is() {
    for location in [
        "http://127.0.0.1/",
        "http://169.254.169.254/latest/meta-data?key=secret",
        "https://public.example/",
        "http://public.example:81/",
        "http://other.example/",
        "//other.example/",
        "http://[::1]/",
        "file:///etc/passwd",
        "http://user:secret@public.example/",
        "ws://public.example/",
    ] {
        let server = TestServer::start(move |_| async move { reply(307, &[("location", location)], "") }).await;
        let network = Scripted::new(server.address, &[&["8.8.8.8"], &["8.8.8.8"]]);
        let failure = get(&network.public(), &url("http://public.example/")).await.expect_err(location);
        assert!(!failure.to_string().contains("secret"), "{failure}");
        assert_eq!((network.dialed().len(), network.asked.lock().len()), (1, 1), "{location}");
    }
}

#[tokio::test]
async fn a_body_is_read_up_to_its_limit_only() {
    let server = TestServer::start(|_| async { reply(200, &[], vec![b'x'; 1000]) }).await;
    let outbound = Outbound::new(Destinations::Any);
    for (limit, expected) in [(1000, Ok(1000)), (999, Err(Failure::TooLarge(999)))] {
        let response = outbound.request(Method::GET, &server.url("/"), HeaderMap::new(), Bytes::new()).await;
        let read = read(response.expect("an answer").into_body(), limit).await;
        assert_eq!(read.map(|body| body.len()), expected);
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable_and_only_named() {
    let outbound = Outbound::new(Destinations::Any);
    let url = url(&format!("http://{}/mcp?key=secret", nowhere()));
    let failure = get(&outbound, &url).await.expect_err("nobody is there");
    assert!(matches!(&failure, Failure::Unreachable(why) if why.starts_with("127.0.0.1: ")), "{failure:?}");
    assert!(!failure.to_string().contains("secret") && failure.nothing_was_done());
}

#[tokio::test]
async fn tls_is_checked_against_the_name_that_was_asked_for() {
    let key = rcgen::generate_simple_self_signed(["good.example".to_owned()]).expect("a certificate");
    let certificate = key.cert.der().clone();
    let provider = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], private)
        .expect("a configuration");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let server = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = hyper::service::service_fn(|_| async { Ok::<_, std::convert::Infallible>(status(200)) });
            let io = hyper_util::rt::TokioIo::new(stream);
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
        }
    });
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let client = rustls::ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let network = Scripted::new(address, &[&["8.8.8.8"], &["8.8.8.8"]]);
    let outbound = Outbound::over(Connector::new(Destinations::Public, network.clone()).trusting(client));
    assert_eq!(get(&outbound, &url("https://good.example/")).await.expect("an answer").0, 200);
    let failure = get(&outbound, &url("https://evil.example/")).await.expect_err("another's certificate");
    assert!(failure.to_string().contains("evil.example: TLS: "), "{failure}");
    assert_eq!(network.dialed(), ["8.8.8.8:443", "8.8.8.8:443"]);
    server.abort();
}

async fn get(outbound: &Outbound, url: &Url) -> Result<(u16, Bytes), Failure> {
    let response = outbound.request(Method::GET, url, HeaderMap::new(), Bytes::new()).await?;
    let status = response.status().as_u16();
    Ok((status, read(response.into_body(), 1 << 20).await?))
}

fn url(text: &str) -> Url {
    text.parse().expect(text)
}

/// An address of this machine where nobody listens.
fn nowhere() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address")
}
