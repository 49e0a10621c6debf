//! What a WebSocket alone gives: an echo with tokio-tungstenite and nothing else, each
//! side on one thread, which is the fastest way to run it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::Channel;
use super::far::Meeting;

/// Round trips that are measured, and those before.
const TRIPS: u32 = 40_000;
const WARM_UP: u32 = 5_000;

/// The far side: sends back what comes, until the other side closes.
pub(super) fn serve(
    meeting: &Meeting,
    ready: impl FnOnce(SocketAddr) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let io = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    io.block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        ready(listener.local_addr()?)?;
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        if meeting.channel == Channel::Tls {
            let acceptor = TlsAcceptor::from(Arc::new(tls_server()?));
            echo(tokio_tungstenite::accept_async(acceptor.accept(socket).await?).await?).await
        } else {
            echo(tokio_tungstenite::accept_async(socket).await?).await
        }
    })
}

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
) -> anyhow::Result<()> {
    while let Some(Ok(message)) = socket.next().await {
        if message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}

/// Round trips in a second.
pub(super) fn measure(address: SocketAddr, tls: bool) -> anyhow::Result<f64> {
    let io = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    io.block_on(async {
        let socket = TcpStream::connect(address).await?;
        socket.set_nodelay(true)?;
        if tls {
            let connector = TlsConnector::from(Arc::new(tls_client()?));
            let name = rustls::pki_types::ServerName::try_from("localhost")?;
            let socket = connector.connect(name, socket).await?;
            let (socket, _) = tokio_tungstenite::client_async("ws://localhost/", socket).await?;
            trips(socket).await
        } else {
            let (socket, _) = tokio_tungstenite::client_async("ws://localhost/", socket).await?;
            trips(socket).await
        }
    })
}

async fn trips<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: WebSocketStream<S>,
) -> anyhow::Result<f64> {
    let mut start = Instant::now();
    for trip in 0..WARM_UP + TRIPS {
        if trip == WARM_UP {
            start = Instant::now();
        }
        socket.send(Message::Binary(vec![1; 64].into())).await?;
        let Some(Ok(Message::Binary(_))) = socket.next().await else { bail!("no echo") };
    }
    Ok(f64::from(TRIPS) / start.elapsed().as_secs_f64())
}

fn tls_server() -> anyhow::Result<rustls::ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    Ok(config)
}

fn tls_client() -> anyhow::Result<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("no TLS")?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    Ok(config)
}

/// Both sides of the echo were just made by the same program.
#[derive(Debug)]
struct Anybody(Arc<rustls::crypto::CryptoProvider>);

impl rustls::client::danger::ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &rustls::pki_types::CertificateDer<'_>,
        signature: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
