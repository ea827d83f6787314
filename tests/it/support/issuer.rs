//! An issuer of identities, over HTTP on a port of its own, that does whatever a test wants of it.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running issuer; dropped, it is gone.
pub(crate) struct Issuer {
    pub(crate) url: String,
    site: Arc<Mutex<Site>>,
    serving: JoinHandle<()>,
}

/// What it answers.
struct Site {
    discovery: Value,
    keys: Value,
    /// Answers each request with this status, if there is one.
    broken: Option<u16>,
    asked: usize,
}

/// A key that it signs with.
pub(crate) struct Signer {
    pub(crate) id: String,
    pub(crate) algorithm: Algorithm,
    key: EncodingKey,
    /// Its public part.
    pub(crate) jwk: Value,
}

impl Issuer {
    pub(crate) async fn start(signers: &[&Signer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let url = format!("http://{}", listener.local_addr().expect("a listener has an address"));
        let discovery = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let site = Arc::new(Mutex::new(Site { discovery, keys: Value::Null, broken: None, asked: 0 }));
        let serving = tokio::spawn(serve(listener, Arc::clone(&site)));
        let issuer = Self { url, site, serving };
        issuer.publish(signers.iter().map(|signer| signer.jwk.clone()).collect());
        issuer
    }

    /// Publishes these keys in place of those before.
    pub(crate) fn publish(&self, keys: Vec<Value>) {
        self.site.lock().keys = json!({ "keys": keys });
    }

    /// Publishes something else about itself.
    pub(crate) fn describe(&self, discovery: Value) {
        self.site.lock().discovery = discovery;
    }

    /// Answers with an error from now on, or does not any more.
    pub(crate) fn break_down(&self, status: Option<u16>) {
        self.site.lock().broken = status;
    }

    /// How many requests there were.
    pub(crate) fn asked(&self) -> usize {
        self.site.lock().asked
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Signer {
    pub(crate) fn ed25519(id: &str) -> Self {
        let der = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("a key can be made");
        let pair = Ed25519KeyPair::from_pkcs8(der.as_ref()).expect("it is a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "use": "sig", "kid": id, "x": x });
        Self { id: id.into(), algorithm: Algorithm::EdDSA, key: EncodingKey::from_ed_der(der.as_ref()), jwk }
    }

    pub(crate) fn p256(id: &str) -> Self {
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        Self::with(id, Algorithm::ES256, EncodingKey::from_ec_der(der.expect("a key can be made").as_ref()))
    }

    pub(crate) fn rsa(id: &str) -> Self {
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).expect("a key can be made");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("it can be written");
        // Behind the 26 bytes that say what it is, there is the key as PKCS #1.
        Self::with(id, Algorithm::RS256, EncodingKey::from_rsa_der(&der.as_ref()[26..]))
    }

    fn with(id: &str, algorithm: Algorithm, key: EncodingKey) -> Self {
        let jwk = Jwk::from_encoding_key(&key, algorithm).expect("it has a public part");
        let mut jwk = serde_json::to_value(jwk).expect("it can be written");
        jwk["kid"] = json!(id);
        Self { id: id.into(), algorithm, key, jwk }
    }

    /// A token with these claims.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.sign_as(Header { kid: Some(self.id.clone()), ..Header::new(self.algorithm) }, claims)
    }

    /// The same with another header.
    pub(crate) fn sign_as(&self, header: Header, claims: &Value) -> String {
        jsonwebtoken::encode(&header, claims, &self.key).expect("it can be signed")
    }
}

async fn serve(listener: TcpListener, site: Arc<Mutex<Site>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, Arc::clone(&site)));
    }
}

async fn answer(mut stream: TcpStream, site: Arc<Mutex<Site>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).unwrap_or_default();
    let (status, body) = {
        let mut site = site.lock();
        site.asked += 1;
        match (site.broken, path) {
            (Some(status), _) => (status, String::new()),
            (None, "/.well-known/openid-configuration") => (200, site.discovery.to_string()),
            (None, "/keys") => (200, site.keys.to_string()),
            (None, _) => (404, String::new()),
        }
    };
    let length = body.len();
    let redirect = if status == 302 { "location: /keys\r\n" } else { "" };
    let response =
        format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{redirect}connection: close\r\n\r\n{body}");
    // Whoever asked may be gone.
    let _ = stream.write_all(response.as_bytes()).await;
}
