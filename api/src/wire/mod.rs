//! The datamart API for clients of PostgreSQL, such as psql: read-only, and every query goes the way of `POST /sql`.
//!
//! A connection is a [`link::Link`], which reads and writes messages; [`startup`] finds out who is there, and a [`session::Session`]
//! answers statement after statement. What is no query (`begin`, `set`, `show` …) is answered by the session itself.

mod cancel;
mod copy;
mod cursor;
mod extended;
mod fault;
mod lexer;
mod link;
mod session;
mod startup;
mod statement;
mod variables;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use lakehouse_service::{Admission, is_connection_error};
use lakehouse_settings::{PostgresWire, Settings};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig, crypto,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::ApiState;
use cancel::Cancels;
use fault::Fault;
use link::Link;

/// Out of file descriptors, say: accepting again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// A client that has not said who it is by then is cut off.
const STARTUP_TIME: Duration = Duration::from_secs(30);

/// The door for clients of PostgreSQL.
pub(crate) struct Wire {
    state: ApiState,
    admission: Arc<Admission>,
    tls: Option<TlsAcceptor>,
    cancels: Arc<Cancels>,
    places: Arc<Semaphore>,
    stall: Duration,
}

impl Wire {
    pub(crate) fn new(state: ApiState, admission: Arc<Admission>, settings: &Settings) -> anyhow::Result<Arc<Self>> {
        let postgres = &settings.api.postgres;
        let tls = if postgres.has_tls() { Some(acceptor(postgres)?) } else { None };
        Ok(Arc::new(Self {
            state,
            admission,
            tls,
            cancels: Arc::default(),
            places: Arc::new(Semaphore::new(postgres.connections.min(Semaphore::MAX_PERMITS))),
            stall: settings.limits.request_timeout(),
        }))
    }

    /// Answers clients until `stop` is cancelled. Statements under way then get `drain` to end; what is left is cut off.
    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken, drain: Duration) {
        let connections = TaskTracker::new();
        let cut_off = CancellationToken::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let connection = self.clone().connection(stream, peer, stop.clone());
                        let cut_off = cut_off.clone();
                        connections.spawn(async move {
                            tokio::select! {
                                () = connection => {}
                                () = cut_off.cancelled() => {}
                            }
                        });
                    }
                    Err(error) if is_connection_error(&error) => {}
                    Err(error) => {
                        tracing::error!(%error, "failed to accept a connection of a client of PostgreSQL");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        connections.close();
        if timeout(drain, connections.wait()).await.is_err() {
            tracing::warn!(count = connections.len(), "cut off clients of PostgreSQL that did not finish in time");
            cut_off.cancel();
            connections.wait().await;
        }
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, peer: SocketAddr, stop: CancellationToken) {
        // Answers are written at once: waiting to fill a packet only delays them.
        let _ = stream.set_nodelay(true);
        let mut link = Link::new(stream, self.stall);
        let Ok(_place) = self.places.clone().try_acquire_owned() else {
            let full = Fault::new("53300", "more connections are open than allowed; come again").fatal();
            link.part(&full).await;
            return;
        };
        let began = tokio::select! {
            began = timeout(STARTUP_TIME, startup::begin(&self, link, peer)) => began,
            () = stop.cancelled() => return,
        };
        match began {
            Ok(Some(session)) => session.run(stop).await,
            Ok(None) => {}
            Err(_) => tracing::debug!(%peer, "a client of PostgreSQL did not say who it is"),
        }
    }
}

/// TLS with the certificate of the settings.
fn acceptor(settings: &PostgresWire) -> anyhow::Result<TlsAcceptor> {
    let (certificate, key) = (&settings.certificate, &settings.key);
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = chain.with_context(|| format!("failed to read the certificate `{}`", certificate.display()))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| format!("failed to read the key `{}`", key.display()))?;
    let config = ServerConfig::builder_with_provider(Arc::new(crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("TLS cannot be used")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("the certificate `{}` and its key cannot be used", certificate.display()))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
