//! Who asks, as far as rows are concerned: the lake as it is shown to that one.

use std::sync::Arc;

use axum::{extract::FromRequestParts, http::request::Parts};
use lakehouse_lake::Lake;
use lakehouse_service::Problem;

use crate::{ApiState, seen::Seen};

/// Who asks: part of the name of every answer, so that nobody is given what another one may see.
#[derive(Debug, Clone)]
pub(crate) struct Principal(Arc<Lake>);

impl Principal {
    /// Whoever is shown this of the lake.
    pub(crate) fn seeing(lake: Arc<Lake>) -> Self {
        Self(lake)
    }

    /// The name: the same for all to whom the same is shown.
    pub(crate) fn name(&self) -> &str {
        self.0.access_key()
    }

    /// The lake as it is shown to whoever asks.
    pub(crate) fn lake(&self) -> &Lake {
        &self.0
    }
}

impl FromRequestParts<ApiState> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState) -> Result<Self, Problem> {
        Seen::from_request_parts(parts, state).await.map(|Seen(seen)| Self(seen.lake))
    }
}
