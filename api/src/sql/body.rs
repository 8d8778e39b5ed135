//! The answer of a query as a body. One that ends early is cut, so that the client sees that something is missing.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Bytes, HttpBody},
    http::{HeaderMap, HeaderName, HeaderValue},
};
use http_body::Frame;
use lakehouse_service::Problem;

use super::{Piece, Pieces, produce::too_late, workers::broken};

/// Says after the last row whether there were more.
pub(crate) const TRUNCATED: HeaderName = HeaderName::from_static("x-truncated");

/// An answer whose first piece is there.
pub(crate) struct Streamed {
    first: Option<Piece>,
    pieces: Pieces,
    is_complete: bool,
}

impl Streamed {
    /// Waits for the first piece.
    pub(super) async fn begin(mut pieces: Pieces) -> Result<Self, Problem> {
        let first = tokio::time::timeout(pieces.patience, pieces.received.recv()).await;
        match first.map_err(|_| too_late(pieces.patience))? {
            Some(Ok(piece)) => Ok(Self { first: Some(piece), pieces, is_complete: false }),
            Some(Err(problem)) => Err(problem),
            None => Err(ended(&mut pieces).await),
        }
    }

    /// All of an answer that is made as a whole.
    pub(crate) async fn whole(mut self) -> Result<Bytes, Problem> {
        let Some(Piece::Bytes(bytes)) = self.first.take() else { return Err(ended(&mut self.pieces).await) };
        match self.pieces.received.recv().await {
            Some(Ok(Piece::End { .. })) => Ok(bytes),
            Some(Err(problem)) => Err(problem),
            _ => Err(ended(&mut self.pieces).await),
        }
    }

    /// The next piece for a client of PostgreSQL; whoever drops the future loses none.
    pub(crate) async fn next(&mut self) -> Result<Piece, Problem> {
        if let Some(piece) = self.first.take() {
            return Ok(piece);
        }
        match self.pieces.received.recv().await {
            Some(piece) => piece,
            None => Err(ended(&mut self.pieces).await),
        }
    }
}

/// Why there is no last piece.
async fn ended(pieces: &mut Pieces) -> Problem {
    match (&mut pieces.worker).await {
        Err(error) => broken(error),
        Ok(()) => Problem::internal("a query ended without an end"),
    }
}

impl HttpBody for Streamed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match self.first.take() {
            Some(piece) => Some(Ok(piece)),
            None if self.is_complete => return Poll::Ready(None),
            None => std::task::ready!(self.pieces.received.poll_recv(context)),
        };
        Poll::Ready(Some(match piece {
            Some(Ok(Piece::Bytes(bytes))) => Ok(Frame::data(bytes)),
            Some(Ok(Piece::End { truncated })) => {
                self.is_complete = true;
                let truncated = HeaderValue::from_static(if truncated { "true" } else { "false" });
                Ok(Frame::trailers(HeaderMap::from_iter([(TRUNCATED, truncated)])))
            }
            Some(Err(problem)) => Err(io::Error::other(problem.code())),
            None => Err(io::Error::other("query_stopped")),
        }))
    }
}
