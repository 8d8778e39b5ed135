//! A connection as messages: what is sent is gathered and written at once, what comes is checked for its length first.

use std::{future::pending, io, pin::Pin, time::Duration};

use bytes::BytesMut;
use lakehouse_wire::{Frontend, ProtocolError, Startup, message, startup, write};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use super::fault::{Fault, Stop};

/// Bytes of a message: values of a long statement have to fit beside it.
const MOST_MESSAGE: usize = 4 << 20;
/// The same before it is known who is there.
const MOST_UNKNOWN: usize = 10_000;
/// A client may send so much ahead while a query runs; more waits in its own buffers.
const MOST_AHEAD: usize = 64 << 10;
/// What is gathered before it is written.
const WRITE_AT: usize = 64 << 10;

trait Socket: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Socket for S {}

/// A connection.
pub(super) struct Link {
    socket: Pin<Box<dyn Socket>>,
    input: BytesMut,
    /// What is to be sent.
    pub out: Vec<u8>,
    most: usize,
    stall: Duration,
}

impl Link {
    pub(super) fn new(stream: TcpStream, stall: Duration) -> Self {
        Self { socket: Box::pin(stream), input: BytesMut::new(), out: Vec::new(), most: MOST_UNKNOWN, stall }
    }

    /// Accepts longer messages: it is known now who sends them.
    pub(super) fn trust(&mut self) {
        self.most = MOST_MESSAGE;
    }

    /// The same connection with TLS. What came before must not be read as if it had been protected.
    pub(super) async fn secured(self, tls: &TlsAcceptor) -> io::Result<Self> {
        if !self.input.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "unprotected bytes came before TLS"));
        }
        Ok(Self { socket: Box::pin(tls.accept(self.socket).await?), ..self })
    }

    /// The first message, or the one after an offer of TLS.
    pub(super) async fn startup(&mut self) -> Result<Startup, Stop> {
        self.read(|input, _| startup(input)).await
    }

    /// The next message; nothing is lost if the future is dropped.
    pub(super) async fn next(&mut self) -> Result<Frontend, Stop> {
        self.read(message).await
    }

    async fn read<T>(&mut self, take: impl Fn(&mut BytesMut, usize) -> Result<Option<T>, ProtocolError>) -> Result<T, Stop> {
        loop {
            if let Some(message) = take(&mut self.input, self.most).map_err(Fault::protocol)? {
                return Ok(message);
            }
            match self.socket.read_buf(&mut self.input).await {
                Ok(1..) => {}
                _ => return Err(Stop::Gone),
            }
        }
    }

    /// Returns when the client is gone; meanwhile takes what it sends.
    pub(super) async fn gone(&mut self) {
        while self.input.len() < MOST_AHEAD {
            match self.socket.read_buf(&mut self.input).await {
                Ok(1..) => {}
                _ => return,
            }
        }
        pending().await
    }

    /// Writes what is gathered. A client that does not read is gone.
    pub(super) async fn flush(&mut self) -> Result<(), Stop> {
        let work = async {
            self.socket.write_all(&self.out).await?;
            self.socket.flush().await
        };
        match timeout(self.stall, work).await {
            Ok(Ok(())) => {
                self.out.clear();
                self.out.shrink_to(2 * WRITE_AT);
                Ok(())
            }
            _ => Err(Stop::Gone),
        }
    }

    /// Writes what is gathered, if it is much.
    pub(super) async fn flush_much(&mut self) -> Result<(), Stop> {
        if self.out.len() < WRITE_AT { Ok(()) } else { self.flush().await }
    }

    /// Says a last word.
    pub(super) async fn part(&mut self, fault: &Fault) {
        write::error(&mut self.out, &fault.fields());
        if self.flush().await.is_ok() {
            let _ = timeout(self.stall, self.socket.shutdown()).await;
        }
    }
}
