//! TLS: the certificate and its key, read at the start and again when their files change. It does
//! not know what is served through it.

use crate::error::{Error, Result};
use crate::transport::Stream;
use parking_lot::{Mutex, RwLock};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

/// Where the certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsOptions {
    /// The file of the certificate and those that it was signed with, as PEM, the server's own first.
    pub cert: PathBuf,
    /// The file of its private key, as PEM.
    pub key: PathBuf,
    /// How often to look whether the files have changed.
    pub look_every: Duration,
}

/// A certificate that can be replaced while connections use it.
pub(super) struct Tls {
    options: TlsOptions,
    config: RwLock<Arc<ServerConfig>>,
    seen: Mutex<Seen>,
}

/// What was found at the last looks.
struct Seen {
    /// What was judged last, good or not.
    judged: Found,
    /// What was found once since then.
    waiting: Option<Found>,
}

/// What the files hold, or why they can't be read.
type Found = Result<Pair, String>;

/// What the two files hold.
#[derive(Default, PartialEq)]
struct Pair {
    cert: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self { cert: PathBuf::new(), key: PathBuf::new(), look_every: Duration::from_secs(2) }
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`Error::Config`] when they can't be used; it names the setting.
    pub(super) fn load(options: TlsOptions) -> Result<Self> {
        let pair = Pair::read(&options).map_err(Error::Config)?;
        let config = pair.config(&options).map_err(Error::Config)?;
        Ok(Self { options, config: RwLock::new(config), seen: Mutex::new(Seen { judged: Ok(pair), waiting: None }) })
    }

    /// Performs the handshake.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<Stream> {
        let config = Arc::clone(&self.config.read());
        let accepted = TlsAcceptor::from(config).accept(stream).await?;
        Ok(Stream::Tls(Box::new(accepted)))
    }

    /// Takes new files into use until `closing` is done. A pair that cannot be used changes nothing.
    pub(super) async fn keep_fresh(self: Arc<Self>, closing: impl Future<Output = ()>) {
        let mut closing = std::pin::pin!(closing);
        loop {
            tokio::select! {
                () = tokio::time::sleep(self.options.look_every) => {}
                () = &mut closing => return,
            }
            let tls = Arc::clone(&self);
            // The disk may take its time.
            if tokio::task::spawn_blocking(move || tls.look()).await.is_err() {
                tracing::error!("looking at the TLS certificate failed");
            }
        }
    }

    /// Looks at the files once. What is new there has to be the same at two looks: somebody may be
    /// writing just now, and a part of a chain can pass for a whole one.
    fn look(&self) {
        let found = Pair::read(&self.options);
        let mut seen = self.seen.lock();
        if found == seen.judged {
            seen.waiting = None;
        } else if seen.waiting.as_ref() != Some(&found) {
            seen.waiting = Some(found);
        } else {
            let config = found.as_ref().map_err(String::clone).and_then(|pair| pair.config(&self.options));
            *seen = Seen { judged: found, waiting: None };
            match config {
                Ok(config) => {
                    *self.config.write() = config;
                    tracing::info!(cert = %self.options.cert.display(), "took a new TLS certificate into use");
                }
                Err(error) => {
                    tracing::error!(%error, "kept the TLS certificate that was in use: its files have changed");
                }
            }
        }
    }
}

impl Pair {
    fn read(options: &TlsOptions) -> Found {
        let read = |setting: &str, path: &Path| {
            std::fs::read(path).map_err(|error| format!("{setting}: cannot read {}: {error}", path.display()))
        };
        Ok(Self { cert: read("tls.cert", &options.cert)?, key: read("tls.key", &options.key)?.into() })
    }

    fn config(&self, options: &TlsOptions) -> Result<Arc<ServerConfig>, String> {
        let cert = options.cert.display();
        let key = options.key.display();
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&self.cert)
            .collect::<Result<_, _>>()
            .map_err(|error| format!("tls.cert: {cert} is not PEM: {error}"))?;
        if chain.is_empty() {
            return Err(format!("tls.cert: {cert} holds no certificate (-----BEGIN CERTIFICATE-----)"));
        }
        let private = PrivateKeyDer::from_pem_slice(&self.key)
            .map_err(|_| format!("tls.key: {key} holds no private key as PEM, unencrypted"))?;
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("tls: {error}"))?
            .with_no_client_auth()
            .with_single_cert(chain, private)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    format!("tls.key: {key} is not the key of the certificate in {cert}")
                }
                error => format!("tls.cert: {cert} and {key} cannot be used: {error}"),
            })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("options", &self.options).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    struct Files {
        options: TlsOptions,
        _directory: tempfile::TempDir,
    }

    impl Files {
        fn write(&self, (cert, key): (&str, &str)) {
            std::fs::write(&self.options.cert, cert).expect("the directory is there");
            std::fs::write(&self.options.key, key).expect("the directory is there");
        }
    }

    fn pair() -> (String, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".into()]).expect("a certificate can be made");
        (cert.pem(), signing_key.serialize_pem())
    }

    fn loaded((cert, key): (&str, &str)) -> (Files, Tls) {
        let directory = tempfile::tempdir().expect("there is room for two files");
        let at = |name| directory.path().join(name);
        let options = TlsOptions { cert: at("cert.pem"), key: at("key.pem"), ..TlsOptions::default() };
        let files = Files { options: options.clone(), _directory: directory };
        files.write((cert, key));
        (files, Tls::load(options).expect("they belong together"))
    }

    #[test]
    fn new_files_are_taken_once_they_have_settled_and_belong_together() {
        let (old, new, newer) = (pair(), pair(), pair());
        let (files, tls) = loaded((&old.0, &old.1));
        // What is written, and whether it is taken at this look.
        for (cert, key, taken) in [
            (&old.0, &old.1, false),
            (&new.0, &old.1, false),
            (&new.0, &old.1, false),
            (&new.0, &new.1, false),
            (&new.0, &new.1, true),
            (&new.0, &new.1, false),
            // Another chain while it is waited for.
            (&newer.0, &newer.1, false),
            (&format!("{}{}", newer.0, old.0), &newer.1, false),
            (&format!("{}{}", newer.0, old.0), &newer.1, true),
            (&newer.0, &String::new(), false),
            (&newer.0, &String::new(), false),
            (&String::new(), &newer.1, false),
            (&String::new(), &newer.1, false),
        ] {
            let before = Arc::clone(&tls.config.read());
            files.write((cert, key));
            tls.look();
            assert_eq!(!Arc::ptr_eq(&before, &tls.config.read()), taken, "{cert}");
        }
    }

    #[test]
    fn missing_files_change_nothing_until_they_are_back() {
        let (old, new) = (pair(), pair());
        let (files, tls) = loaded((&old.0, &old.1));
        let before = Arc::clone(&tls.config.read());
        std::fs::remove_file(&files.options.key).expect("it is there");
        (0..3).for_each(|_| tls.look());
        assert!(Arc::ptr_eq(&before, &tls.config.read()));
        files.write((&new.0, &new.1));
        (0..2).for_each(|_| tls.look());
        assert!(!Arc::ptr_eq(&before, &tls.config.read()));
    }
}
