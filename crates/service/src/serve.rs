//! Accepting connections until told to stop, then letting them finish.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{Router, body::Body, extract::Request};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{admission, metrics};

/// A client that has not sent the head of a request by then is cut off, so that silent connections cannot pile up.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// Out of file descriptors, say: accepting again at once would only spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Measurements wait in memory until they are counted in.
const METRICS_PAUSE: Duration = Duration::from_secs(5);

/// Serves `router` until `stop` is cancelled. Requests under way then get `drain` to finish; what is left is cut off.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken, drain: Duration) {
    let connections = TaskTracker::new();
    let cut_off = CancellationToken::new();
    let mut counting = interval(METRICS_PAUSE);
    counting.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = counting.tick() => metrics::recorder().run_upkeep(),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    connections.spawn(connection(stream, Peer::new(peer), router.clone(), stop.clone(), cut_off.clone()));
                }
                Err(error) if is_connection_error(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "failed to accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    connections.close();
    if timeout(drain, connections.wait()).await.is_err() {
        tracing::warn!(count = connections.len(), "cut off connections that did not finish in time");
        cut_off.cancel();
        connections.wait().await;
    }
    admission::write_trails().await;
}

/// Who is at the other end of a connection: a client, or the proxy before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(SocketAddr);

impl Peer {
    /// The other end of a connection.
    pub fn new(address: SocketAddr) -> Self {
        Self(address)
    }

    /// The address without its port, which a client chooses.
    pub fn address(self) -> IpAddr {
        self.0.ip().to_canonical()
    }
}

async fn connection(stream: TcpStream, peer: Peer, router: Router, stop: CancellationToken, cut_off: CancellationToken) {
    // Answers are small and written at once: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.map(Body::new)
    }));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = connection.as_mut() => outcome,
                () = cut_off.cancelled() => Ok(()),
            }
        }
    };
    if let Err(error) = outcome {
        tracing::trace!(%error, "a connection ended early");
    }
}

/// Is an error of accepting a connection the client's fault, not the listener's?
pub fn is_connection_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// A token that SIGINT and SIGTERM cancel.
pub fn stop_on_signal() -> io::Result<CancellationToken> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = CancellationToken::new();
    let token = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = token.cancelled() => return,
        }
        tracing::info!("told to stop: letting requests finish");
        token.cancel();
    });
    Ok(stop)
}
