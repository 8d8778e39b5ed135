//! An answer that is still being sent counts as under way.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};

use crate::admission::Admitted;

/// A body that holds its principal's place until it is sent or given up.
pub(crate) struct Held {
    body: Body,
    _place: Admitted,
}

impl Held {
    /// A body whose length is known is in memory, and sent as fast as the client takes it.
    pub fn wrap(body: Body, place: Admitted) -> Body {
        if body.size_hint().exact().is_some() { body } else { Body::new(Self { body, _place: place }) }
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
