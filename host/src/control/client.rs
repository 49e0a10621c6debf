//! The commands' end of the control channel.

use std::sync::Arc;

use bytes::Bytes;
use odeon_core::peer::handshake::Secret;
use odeon_core::wire::Outcome;
use serde::de::DeserializeOwned;
use tokio::task::JoinHandle;

use super::SERVICE;
use super::api::{Failure, Request};
use super::discovery::Entry;
use super::mux::{Connection, Event, Exchange, Gone};
use crate::net::dial::{DialError, Options, Target, dial, dial_address};
use crate::net::secrets::Secrets;
use crate::net::tls::{Tls, TlsError};
use crate::net::transport::{Transport, TransportError};
use crate::net::{HANDSHAKE_TIME_MAX, Identity, Mode, Security};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No connection came about.
    #[error("cannot connect to node `{name}`: {source}")]
    Connect {
        /// The node.
        name: String,
        /// What went wrong.
        source: TransportError,
    },
    /// No connection came about to a node that may be on another machine.
    #[error(transparent)]
    Dial(Box<DialError>),
    /// Somebody else answers at the node's address.
    #[error("the node at {name}'s address is another one, or another run of it")]
    OtherNode {
        /// The node that was meant.
        name: String,
    },
    /// The connection ended before the answer.
    #[error("the connection to the node ended; the request may or may not have been carried out")]
    Gone,
    /// The answer does not decode.
    #[error("the node's answer does not decode; are both of the same version?")]
    Garbled,
    /// The request is too long for the channel.
    #[error("the request is too long: {bytes} bytes, at most {bytes_max} fit")]
    TooLong {
        /// What it takes.
        bytes: usize,
        /// What fits.
        bytes_max: usize,
    },
    /// The node refused or could not.
    #[error("{0}")]
    Failed(Failure),
}

impl From<Gone> for ClientError {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// The most bytes of a request or reply body: a frame's, less room for its header.
pub const BODY_BYTES_MAX: usize = odeon_core::wire::BODY_BYTES_MAX - 256;

/// A connection to a node.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    task: JoinHandle<()>,
}

impl Client {
    /// Connects to the node of this entry, and makes sure that it is that one.
    ///
    /// # Errors
    /// When there is no connection, the cookie is not the node's, or another node
    /// answers.
    pub async fn connect(entry: &Entry, secret: Secret) -> Result<Self, ClientError> {
        let name = || entry.name.clone();
        let failed = |source| match source {
            TransportError::WrongName { .. } => ClientError::OtherNode { name: name() },
            source => ClientError::Connect { name: name(), source },
        };
        let no_tls = |error: TlsError| failed(TransportError::Tls(error.to_string()));
        let security = Security {
            secrets: Arc::new(Secrets::new(secret)),
            tls: Arc::new(Tls::self_signed().map_err(no_tls)?),
            mode: Mode::Auto,
        };
        let identity = Identity::command();
        let (transport, session) = dial_address(
            entry.address,
            entry.tls,
            &entry.name,
            &identity,
            &security,
            HANDSHAKE_TIME_MAX,
        )
        .await
        .map_err(failed)?;
        if session.theirs.incarnation != entry.incarnation {
            return Err(ClientError::OtherNode { name: name() });
        }
        Ok(Self::over(transport))
    }

    /// Connects to a node wherever it is.
    ///
    /// # Errors
    /// When it is not found, does not answer, or one side does not take the other.
    pub async fn dial(
        target: &Target,
        security: &Security,
        options: &Options,
    ) -> Result<Self, ClientError> {
        let dialed = dial(target, &Identity::command(), security, options).await;
        let (transport, _) = dialed.map_err(|error| ClientError::Dial(Box::new(error)))?;
        Ok(Self::over(transport))
    }

    /// Makes requests over a connection that this side opened as a command.
    pub fn over(transport: Transport) -> Self {
        transport.notice_silence();
        let (connection, wires) = Connection::new(transport, true);
        let driven = connection.clone();
        let task = tokio::spawn(async move {
            // Nodes ask commands nothing yet: dropping the request refuses it.
            if let Err(error) = driven.drive(wires, drop).await {
                tracing::debug!(%error, "the connection to the node ended");
            }
        });
        Self { connection, task }
    }

    /// Starts a request; its stream and answer are in the exchange.
    ///
    /// # Errors
    /// When the connection is over or the request too long.
    pub fn open(&self, request: &Request) -> Result<Exchange, ClientError> {
        let body = encode(request);
        if body.len() > BODY_BYTES_MAX {
            let (bytes, bytes_max) = (body.len(), BODY_BYTES_MAX);
            return Err(ClientError::TooLong { bytes, bytes_max });
        }
        Ok(self.connection.request(SERVICE, body)?)
    }

    /// Makes a request and waits for its answer.
    ///
    /// # Errors
    /// When there is none, or the node refused or could not.
    pub async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, ClientError> {
        answer(&mut self.open(request)?).await
    }

    /// Makes a request whose answer is a list, which comes in pieces.
    ///
    /// # Errors
    /// When there is none, or the node refused or could not.
    pub async fn list<T: DeserializeOwned>(
        &self,
        request: &Request,
    ) -> Result<Vec<T>, ClientError> {
        let mut exchange = self.open(request)?;
        let mut rows = Vec::new();
        loop {
            match exchange.next().await {
                Some(Event::Data(piece)) => rows.extend(decode::<Vec<T>>(&piece)?),
                Some(Event::Reply(outcome, body)) => {
                    outcome_of::<()>(outcome, &body)?;
                    return Ok(rows);
                }
                Some(Event::End) => {}
                Some(Event::Cancelled) | None => return Err(ClientError::Gone),
            }
        }
    }

    /// Waits until the node closes the connection, as it does when it stops.
    pub async fn closed(&mut self) {
        let _ = (&mut self.task).await;
    }

    /// Ends the connection after all that was sent has been written.
    pub async fn close(mut self) {
        self.connection.close();
        self.closed().await;
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Waits for the answer of an exchange whose stream does not matter.
///
/// # Errors
/// When there is none, or the node refused or could not.
pub async fn answer<T: DeserializeOwned>(exchange: &mut Exchange) -> Result<T, ClientError> {
    loop {
        match exchange.next().await {
            Some(Event::Reply(outcome, body)) => return outcome_of(outcome, &body),
            Some(Event::Data(_) | Event::End) => {}
            Some(Event::Cancelled) | None => return Err(ClientError::Gone),
        }
    }
}

/// What a reply says.
///
/// # Errors
/// When it does not decode, or says that the node refused or could not.
pub fn outcome_of<T: DeserializeOwned>(outcome: Outcome, body: &[u8]) -> Result<T, ClientError> {
    match outcome {
        Outcome::Done => decode(body),
        Outcome::Failed if body.is_empty() => Err(ClientError::Gone),
        Outcome::Failed => Err(ClientError::Failed(decode(body)?)),
    }
}

/// A value of the API as bytes.
pub fn encode<T: serde::Serialize + ?Sized>(value: &T) -> Bytes {
    postcard::to_stdvec(value).expect("the API's types have no failing serializer").into()
}

/// A value of the API from bytes.
///
/// # Errors
/// When the bytes are not one.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ClientError> {
    postcard::from_bytes(bytes).map_err(|_| ClientError::Garbled)
}
