//! TLS 1.3, with a key made at the start or with certificates.
//!
//! Without certificates nobody vouches for a key. It need not be: both sides prove
//! the cookie with a proof that is bound to the channel (`binding`), and a
//! middleman has two channels. With certificates each side has to show one that the
//! authority signed and that is for the node's name, or for its host; the cookie is
//! proved as well. Keys never leave this file.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::pem::{Error as PemError, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, ConnectionCommon, DigitallySignedStruct, RootCertStore, ServerConfig,
    SignatureScheme,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::stream::{Counted, Stream};

/// What the first byte of a TLS connection is: the type of a handshake record.
pub const FIRST_BYTE: u8 = 0x16;

/// The label of the channel binding (RFC 9266, part 2).
const BINDING_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// The length of the channel binding in bytes (RFC 9266, part 2).
const BINDING_BYTES: usize = 32;

/// The largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// How the certificate of a node says the node's name, besides by the name alone.
const URI_SCHEME: &str = "odeon:";

/// Where certificates are: PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Of the authorities that sign the nodes' certificates.
    pub ca: PathBuf,
    /// This node's certificate, then perhaps those between it and the authority.
    pub cert: PathBuf,
    /// The key of this node's certificate.
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read the {what} {}: {source}", path.display())]
    Read {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{} holds no {what}: it has to be PEM text, as in `-----BEGIN ...`", path.display())]
    Content {
        /// What should be in it.
        what: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// Certificate and key do not go together, or cannot be used.
    #[error(
        "the certificate {} and the key {} cannot be used together: {reason}",
        cert.display(), key.display()
    )]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What the TLS library said.
        reason: String,
    },
    /// The certificate is not one for this node.
    #[error("the certificate {}: {source}", path.display())]
    NotForThisNode {
        /// The certificate's file.
        path: PathBuf,
        /// For what it is.
        source: NotNamed,
    },
    /// Anything else.
    #[error("cannot set up TLS: {0}")]
    Setup(String),
}

/// A certificate is not for this node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not for `{name}`: it needs the DNS name of the node's host or the URI \
     `odeon:{name}`, and has {found}"
)]
pub struct NotNamed {
    /// The node.
    pub name: String,
    /// The names in the certificate.
    pub found: String,
}

/// Why the other side may not call itself what it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It showed no certificate.
    #[error("none was shown, and nodes need one here")]
    Missing,
    /// Its certificate is for others.
    #[error(transparent)]
    NotNamed(#[from] NotNamed),
}

/// Keys, and what is asked of others.
pub struct Tls {
    client: TlsConnector,
    /// For other machines: who connects has to show a certificate, if any is asked for.
    far: TlsAcceptor,
    /// For this machine: commands need not show one.
    near: TlsAcceptor,
    verifies: bool,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("verifies", &self.verifies).finish_non_exhaustive()
    }
}

impl Tls {
    /// With a new key that nobody signed. Asks nobody for certificates.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn self_signed() -> Result<Self, TlsError> {
        let setup = |error: rcgen::Error| TlsError::Setup(error.to_string());
        let key = rcgen::KeyPair::generate().map_err(setup)?;
        let params = rcgen::CertificateParams::new(["odeon".to_owned()]).map_err(setup)?;
        let certificate = params.self_signed(&key).map_err(setup)?;
        let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        Self::new(vec![certificate.into()], key, None)
            .map_err(|error| TlsError::Setup(error.to_string()))
    }

    /// With the certificate of the node of this name. Asks all for certificates.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else, or the certificate is not
    /// for this node.
    pub fn from_files(files: &Files, name: &str) -> Result<Self, TlsError> {
        let chain = certificates("node's certificate", &files.cert)?;
        if let Some(own) = chain.first() {
            is_for(own, name).map_err(|source| {
                let path = files.cert.clone();
                TlsError::NotForThisNode { path, source }
            })?;
        }
        Self::for_commands(files)
    }

    /// With a certificate of whatever name, for commands: they have none.
    ///
    /// # Errors
    /// When a file cannot be read or holds something else.
    pub fn for_commands(files: &Files) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in certificates("authority's certificate", &files.ca)? {
            let what = "usable authority's certificate";
            let failed = |_| TlsError::Content { what, path: files.ca.clone() };
            roots.add(authority).map_err(failed)?;
        }
        let chain = certificates("node's certificate", &files.cert)?;
        let key = key(&files.key)?;
        Self::new(chain, key, Some(roots)).map_err(|error| {
            let (cert, key) = (files.cert.clone(), files.key.clone());
            TlsError::Mismatch { cert, key, reason: error.to_string() }
        })
    }

    /// With `roots`, asks others for certificates.
    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        roots: Option<RootCertStore>,
    ) -> Result<Self, rustls::Error> {
        let roots = roots.map(Arc::new);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Authority {
            roots: roots.clone(),
            algorithms: provider.signature_verification_algorithms,
        };
        let client = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&TLS13])?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        // Who does not ask for certificates is not shown one either.
        let mut client = match &roots {
            Some(_) => client.with_client_auth_cert(chain.clone(), key.clone_key())?,
            None => client.with_no_client_auth(),
        };
        // Each connection has keys of its own.
        client.resumption = Resumption::disabled();
        let far = server(&provider, chain.clone(), key.clone_key(), roots.as_ref(), false)?;
        let near = server(&provider, chain, key, roots.as_ref(), true)?;
        let client = TlsConnector::from(Arc::new(client));
        Ok(Self { client, far, near, verifies: roots.is_some() })
    }

    /// Whether nodes have to show certificates.
    pub fn verifies(&self) -> bool {
        self.verifies
    }

    /// Makes TLS of a connection that this side opened to this host. Who is there
    /// is not known yet: see [`Tls::check`].
    ///
    /// # Errors
    /// When the other side does not speak TLS, or shows no certificate that is good.
    pub(super) async fn connect(&self, socket: TcpStream, host: &str) -> io::Result<Stream> {
        // Only for those on the way who route by names: it is not verified.
        let host = ServerName::try_from(host.to_owned())
            .or_else(|_| ServerName::try_from("odeon"))
            .map_err(io::Error::other)?;
        let stream = self.client.connect(host, Counted::new(socket)?).await?;
        let binding = binding(stream.get_ref().1)?;
        Ok(Stream::tls(stream, binding))
    }

    /// Makes TLS of a connection that the other side opened; `near` says that it is
    /// on this machine.
    ///
    /// # Errors
    /// When the other side does not speak TLS, or shows no certificate that is good.
    pub(super) async fn accept(&self, socket: TcpStream, near: bool) -> io::Result<Stream> {
        let acceptor = if near { &self.near } else { &self.far };
        let stream = acceptor.accept(Counted::new(socket)?).await?;
        let binding = binding(stream.get_ref().1)?;
        Ok(Stream::tls(stream, binding))
    }

    /// Whether the other side may call itself the node of this name.
    ///
    /// # Errors
    /// When certificates are asked for and it showed none, or one for another name.
    pub(super) fn check(&self, stream: &Stream, name: &str) -> Result<(), CertificateError> {
        if !self.verifies {
            return Ok(());
        }
        match stream.certificate() {
            Some(certificate) => Ok(is_for(certificate, name)?),
            None => Err(CertificateError::Missing),
        }
    }
}

fn server(
    provider: &Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    roots: Option<&Arc<RootCertStore>>,
    near: bool,
) -> Result<TlsAcceptor, rustls::Error> {
    let server = ServerConfig::builder_with_provider(Arc::clone(provider))
        .with_protocol_versions(&[&TLS13])?;
    let server = match roots {
        Some(roots) => {
            let (roots, provider) = (Arc::clone(roots), Arc::clone(provider));
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
            let verifier = if near { verifier.allow_unauthenticated() } else { verifier };
            let failed = |error| rustls::Error::General(format!("{error}"));
            server.with_client_cert_verifier(verifier.build().map_err(failed)?)
        }
        None => server.with_no_client_auth(),
    };
    let mut server = server.with_single_cert(chain, key)?;
    server.send_tls13_tickets = 0;
    Ok(TlsAcceptor::from(Arc::new(server)))
}

/// What only the two ends of this channel know (RFC 9266).
fn binding<D>(connection: &ConnectionCommon<D>) -> io::Result<Bytes> {
    let binding =
        connection.export_keying_material(vec![0; BINDING_BYTES], BINDING_LABEL, Some(b""));
    binding.map(Bytes::from).map_err(io::Error::other)
}

/// The DNS name of the node's host, or the node's name as a URI.
fn is_for(certificate: &CertificateDer<'_>, name: &str) -> Result<(), NotNamed> {
    let not = |found: String| NotNamed { name: name.to_owned(), found };
    let certificate =
        webpki::EndEntityCert::try_from(certificate).map_err(|error| not(error.to_string()))?;
    let uris = || certificate.valid_uri_names();
    if uris().any(|uri| uri.strip_prefix(URI_SCHEME).unwrap_or(uri) == name) {
        return Ok(());
    }
    let host = name.split_once('@').and_then(|(_, host)| ServerName::try_from(host).ok());
    if host.is_some_and(|host| certificate.verify_is_valid_for_subject_name(&host).is_ok()) {
        return Ok(());
    }
    let names: Vec<_> = certificate.valid_dns_names().chain(uris()).collect();
    Err(not(if names.is_empty() { "no such name".to_owned() } else { names.join(", ") }))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(what, path)?;
    let found: Result<Vec<_>, PemError> = CertificateDer::pem_slice_iter(&text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) | Err(_) => Err(TlsError::Content { what, path: path.to_owned() }),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let what = "private key";
    let text = read(what, path)?;
    if fs::metadata(path).is_ok_and(|found| found.mode() & 0o077 != 0) {
        let path = path.display();
        tracing::warn!("the key {path} can be read by others: run `chmod 600 {path}`");
    }
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| TlsError::Content { what, path: path.to_owned() })
}

fn read(what: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    use std::io::Read as _;
    let failed = |source| TlsError::Read { what, path: path.to_owned(), source };
    let mut text = Vec::new();
    let file = fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX).read_to_end(&mut text).map_err(failed)?;
    Ok(text)
}

/// Takes what one of the authorities signed; without any, whatever is shown. The
/// name is checked later, when it is known.
#[derive(Debug)]
struct Authority {
    roots: Option<Arc<RootCertStore>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Authority {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            rustls::client::verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(end_entity)?,
                roots,
                intermediates,
                now,
                self.algorithms.all,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.2 is not spoken".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
#[path = "tls_test.rs"]
mod tests;
