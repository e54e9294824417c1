//! TLS: whose certificate is shown, and the handshake.
//!
//! Without a word from the user, a CA is drawn at start and signs what clients ask for (`certificates.rs`). Nothing of it
//! is made before the first TLS connection, unless the CA is to be written to a file: those who never speak TLS neither
//! wait for keys nor hold them.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::certificates::{CertificateError, Issuer, IssuesFor};
use super::wire::Socket;

/// How long a handshake may take.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// The name of HTTP/2 in ALPN.
const ALPN_HTTP2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// The files that have to do with TLS.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The user's own certificate and what leads from it to a CA, in PEM.
    pub(crate) certificate: Option<PathBuf>,
    /// Its key, in PEM; `None`: it is in the certificate's file.
    pub(crate) key: Option<PathBuf>,
    /// Where the CA of generated certificates is to be written.
    pub(crate) ca_out: Option<PathBuf>,
}

/// Why there is no TLS; one line each.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    /// A file that cannot be read.
    #[error("cannot read {0}: {1}")]
    Unreadable(PathBuf, #[source] io::Error),
    /// A file without what it is for.
    #[error("{0} holds no {1} in PEM")]
    Missing(PathBuf, &'static str),
    /// A certificate and a key that do not go together, or are of no kind that is known.
    #[error("the certificate in {0} cannot be used with its key: {1}")]
    Unusable(PathBuf, #[source] rustls::Error),
    /// A key for no certificate.
    #[error("--tls-key is given without --tls-cert")]
    KeyAlone,
    /// A CA that signs nothing.
    #[error(
        "--tls-ca-out writes the CA of generated certificates, and --tls-cert puts another in their place"
    )]
    CaOfNothing,
    /// The CA's file cannot be written.
    #[error("cannot write {0}: {1}")]
    Unwritable(PathBuf, #[source] io::Error),
    /// The CA cannot be made.
    #[error("cannot generate a certificate: {0}")]
    Generation(#[from] CertificateError),
    /// The library refuses its own defaults.
    #[error("cannot set up TLS: {0}")]
    Setup(#[source] rustls::Error),
}

/// What TLS connections are accepted with.
pub(crate) struct Tls(Source);

enum Source {
    Given(Arc<ServerConfig>),
    Generated(OnceLock<Box<Generated>>),
}

struct Generated {
    issuer: Arc<Issuer>,
    /// For each connection, a copy of it is told where that connection arrived.
    config: ServerConfig,
}

impl Generated {
    fn new() -> Result<Box<Self>, TlsError> {
        let issuer = Arc::new(Issuer::new()?);
        let config = config(Arc::new(IssuesFor::new(Arc::clone(&issuer), None)))?;
        Ok(Box::new(Self { issuer, config }))
    }
}

impl Tls {
    /// Reads and writes the files that it is told of.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn new(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self(match files {
            TlsFiles { certificate: Some(_), ca_out: Some(_), .. } => return Err(TlsError::CaOfNothing),
            TlsFiles { certificate: None, key: Some(_), .. } => return Err(TlsError::KeyAlone),
            TlsFiles { certificate: Some(certificate), key, .. } => {
                Source::Given(Arc::new(given(certificate, key.as_deref().unwrap_or(certificate))?))
            }
            TlsFiles { ca_out: None, .. } => Source::Generated(OnceLock::new()),
            TlsFiles { ca_out: Some(path), .. } => {
                let generated = Generated::new()?;
                fs::write(path, generated.issuer.ca_pem())
                    .map_err(|error| TlsError::Unwritable(path.clone(), error))?;
                Source::Generated(OnceLock::from(generated))
            }
        }))
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// The client broke off, took too long, or wants what there is not.
    pub(super) async fn accept(&self, socket: Socket, arrived_at: IpAddr) -> io::Result<TlsStream<Socket>> {
        let config = self.config_for(arrived_at).map_err(io::Error::other)?;
        tokio::time::timeout(HANDSHAKE_WITHIN, TlsAcceptor::from(config).accept(socket)).await?
    }

    fn config_for(&self, arrived_at: IpAddr) -> Result<Arc<ServerConfig>, TlsError> {
        let generated = match &self.0 {
            Source::Given(config) => return Ok(Arc::clone(config)),
            Source::Generated(generated) => match generated.get() {
                Some(generated) => generated,
                None => {
                    // Two workers may both make one; the first to be done is the one that counts.
                    let made = Generated::new()?;
                    generated.get_or_init(|| made)
                }
            },
        };
        let mut config = generated.config.clone();
        config.cert_resolver = Arc::new(IssuesFor::new(Arc::clone(&generated.issuer), Some(arrived_at)));
        Ok(Arc::new(config))
    }
}

/// Whether client and server agreed on HTTP/2 while they shook hands.
pub(super) fn is_http2_agreed<S>(stream: &TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2)
}

/// What shows the user's own certificate.
fn given(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|error| TlsError::Unreadable(path.to_owned(), error));
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::Missing(certificate.to_owned(), "certificate"))?;
    let key_der = PrivateKeyDer::from_pem_slice(&read(key)?);
    let key_der = key_der.map_err(|_| TlsError::Missing(key.to_owned(), "private key"))?;
    let certified = CertifiedKey::from_der(chain, key_der, &ring::default_provider());
    let certified = certified.map_err(|error| TlsError::Unusable(certificate.to_owned(), error))?;
    config(Arc::new(SingleCertAndKey::from(certified)))
}

fn config(certificates: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, TlsError> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(certificates);
    config.alpn_protocols = vec![ALPN_HTTP2.to_vec(), ALPN_HTTP1.to_vec()];
    Ok(config)
}
