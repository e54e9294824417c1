//! Certificates made here: a CA that lives as long as the server, and leaves that it signs.
//!
//! Clients check that the name they connected to stands in the certificate. The usual names stand in every leaf. A client
//! may use others: the name of a container, an endpoint of AWS that is led here by DNS (reference 1.8 has some with two
//! labels of the caller's choice, which no wildcard covers), the machine's address. So the name that a client asks for
//! (SNI) and the address at which it arrived stand in its leaf too. The leaf is no CA: some clients refuse a CA's
//! certificate on a server.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber,
};
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use time::OffsetDateTime;

/// The names in every leaf (reference 1.8 for AWS's own, in the default region; others are issued when asked for).
const NAMES: &[&str] = &[
    "localhost",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
    "*.amazonaws.com",
    "*.us-east-1.amazonaws.com",
    "*.control-kinesis.us-east-1.amazonaws.com",
    "*.data-kinesis.us-east-1.amazonaws.com",
];

/// The addresses in every leaf.
const ADDRESSES: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Clocks of clients may be behind by this much.
const VALID_BEFORE: Duration = Duration::from_secs(24 * 3_600);
/// How long certificates are valid. Apple's clients refuse leaves of more than 825 days.
const VALID_FOR: Duration = Duration::from_secs(800 * 24 * 3_600);

/// Leaves that are kept for the next client that asks for the same. Others are signed again, which takes 0.1 ms.
const LEAVES_KEPT_MAX: usize = 64;

/// Why a certificate was not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// The maker of certificates refuses.
    #[error("{0}")]
    Refused(#[from] rcgen::Error),
    /// The key that was just made is not taken.
    #[error("{0}")]
    Key(#[from] rustls::Error),
    /// The system has no entropy to give.
    #[error("{0}")]
    Entropy(#[from] getrandom::Error),
}

/// A CA, and what it signed.
pub(super) struct Issuer {
    ca: rcgen::Issuer<'static, KeyPair>,
    ca_pem: String,
    /// One key for all leaves.
    leaf_key: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    leaves: Mutex<HashMap<Extra, Arc<CertifiedKey>>>,
}

/// What a leaf holds beside the usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
struct Extra {
    name: Option<String>,
    address: Option<IpAddr>,
}

impl Extra {
    /// What must be added for a client that asks for this name at this address.
    fn of(name: Option<&str>, address: Option<IpAddr>) -> Self {
        let name =
            name.map(str::to_ascii_lowercase).filter(|name| !NAMES.iter().any(|usual| covers(usual, name)));
        let address =
            address.map(|address| address.to_canonical()).filter(|address| !ADDRESSES.contains(address));
        Self { name, address }
    }
}

/// Whether a name of a certificate, which may begin with a wildcard for one label, stands for this name.
fn covers(of_certificate: &str, name: &str) -> bool {
    match of_certificate.strip_prefix('*') {
        Some(rest) => {
            name.split_once('.').is_some_and(|(label, _)| !label.is_empty() && &name[label.len()..] == rest)
        }
        None => of_certificate == name,
    }
}

impl Issuer {
    /// A new CA with keys of its own.
    ///
    /// # Errors
    /// [`CertificateError`].
    pub(super) fn new() -> Result<Self, CertificateError> {
        let ca_key = KeyPair::generate()?;
        let mut params = params("shardmill CA")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_pem = params.self_signed(&ca_key)?.pem();
        let leaf_key = KeyPair::generate()?;
        let key_der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(leaf_key.serialize_der()));
        let signing_key = ring::default_provider().key_provider.load_private_key(key_der)?;
        let ca = rcgen::Issuer::new(params, ca_key);
        Ok(Self { ca, ca_pem, leaf_key, signing_key, leaves: Mutex::default() })
    }

    /// The CA's certificate, in PEM.
    pub(super) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A leaf with the usual names and these.
    fn leaf(&self, extra: Extra) -> Result<Arc<CertifiedKey>, CertificateError> {
        if let Some(leaf) = self.leaves.lock().unwrap_or_else(PoisonError::into_inner).get(&extra) {
            return Ok(Arc::clone(leaf));
        }
        let mut params = params("shardmill")?;
        for name in NAMES.iter().copied().chain(extra.name.as_deref()) {
            params.subject_alt_names.push(SanType::DnsName(name.try_into()?));
        }
        let addresses = ADDRESSES.into_iter().chain(extra.address);
        params.subject_alt_names.extend(addresses.map(SanType::IpAddress));
        params.is_ca = IsCa::ExplicitNoCa;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&self.leaf_key, &self.ca)?;
        let chain = vec![certificate.der().clone()];
        let leaf = Arc::new(CertifiedKey::new(chain, Arc::clone(&self.signing_key)));
        let mut leaves = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
        if leaves.len() < LEAVES_KEPT_MAX {
            leaves.insert(extra, Arc::clone(&leaf));
        }
        Ok(leaf)
    }
}

fn params(common_name: &str) -> Result<CertificateParams, CertificateError> {
    let mut params = CertificateParams::default();
    let now = SystemTime::now();
    params.not_before = OffsetDateTime::from(now - VALID_BEFORE);
    params.not_after = OffsetDateTime::from(now + VALID_FOR);
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    // Drawn, since leaves share a key, from which it would be derived: clients refuse two certificates of one number.
    let mut serial = [0; 16];
    getrandom::fill(&mut serial)?;
    // A positive number that needs all its bytes.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// Chooses the leaf for one connection.
#[derive(Debug)]
pub(super) struct IssuesFor {
    issuer: Arc<Issuer>,
    arrived_at: Option<IpAddr>,
}

impl IssuesFor {
    /// For a connection that arrived at this address.
    pub(super) const fn new(issuer: Arc<Issuer>, arrived_at: Option<IpAddr>) -> Self {
        Self { issuer, arrived_at }
    }
}

impl ResolvesServerCert for IssuesFor {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let leaf = self.issuer.leaf(Extra::of(hello.server_name(), self.arrived_at));
        leaf.inspect_err(|error| tracing::warn!(%error, "cannot sign a certificate")).ok()
    }
}

impl std::fmt::Debug for Issuer {
    /// Says nothing of keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Protects: a wildcard stands for one label and no more, so what it does not cover is issued.
    #[test]
    fn what_the_usual_names_do_not_cover_is_added() {
        let extra = |name| Extra::of(Some(name), None).name;
        for usual in
            ["localhost", "LOCALHOST", "s3.localhost.localstack.cloud", "kinesis.us-east-1.amazonaws.com"]
        {
            assert_eq!(extra(usual), None);
        }
        for other in [
            "kinesis",
            "a.b.data-kinesis.us-east-1.amazonaws.com",
            "kinesis.eu-west-1.amazonaws.com",
            "amazonaws.com",
        ] {
            assert_eq!(extra(other), Some(other.to_owned()));
        }
        let address = |address: &str| Extra::of(None, Some(address.parse().unwrap())).address;
        assert_eq!((address("127.0.0.1"), address("::1"), address("::ffff:127.0.0.1")), (None, None, None));
        assert_eq!(address("::ffff:10.0.0.7"), Some([10, 0, 0, 7].into()));
    }

    /// Protects: a leaf is signed once for those who ask for the same, and what is kept is bounded.
    #[test]
    fn leaves_are_kept() {
        let issuer = Issuer::new().unwrap();
        let leaf = |name: &str| issuer.leaf(Extra::of(Some(name), None)).unwrap();
        assert!(Arc::ptr_eq(&leaf("localhost"), &leaf("x.amazonaws.com")));
        assert!(Arc::ptr_eq(&leaf("kinesis"), &leaf("kinesis")));
        assert!(!Arc::ptr_eq(&leaf("kinesis"), &leaf("localhost")));
        for number in 0..2 * LEAVES_KEPT_MAX {
            leaf(&format!("name-{number}"));
        }
        assert_eq!(issuer.leaves.lock().unwrap().len(), LEAVES_KEPT_MAX);
    }
}
