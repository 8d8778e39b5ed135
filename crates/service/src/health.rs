//! Is the process alive, and can it work?

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use futures::future::{BoxFuture, join_all};
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{ApiResult, BoxError, Permitted as _, Problem, Problems, problem::causes};

/// A probe that asks more often than this takes would pile up.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks one dependency whether it works.
pub struct ReadyCheck {
    pub dependency: &'static str,
    pub ask: Box<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>,
}

/// How the service is.
#[derive(Serialize, ToSchema)]
struct Health {
    /// `live` or `ready`.
    status: &'static str,
    /// What was asked.
    dependencies: Vec<&'static str>,
}

pub fn routes(checks: Vec<ReadyCheck>) -> OpenApiRouter {
    OpenApiRouter::default().routes(routes!(live)).routes(routes!(ready)).open_to_all().with_state(checks.into())
}

/// Answers as long as the process can answer at all.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = 200, body = Health)))]
async fn live() -> Json<Health> {
    Json(Health { status: "live", dependencies: Vec::new() })
}

/// Asks every dependency; 503 names those that do not work.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = 200, body = Health), Problems))]
async fn ready(State(checks): State<Arc<[ReadyCheck]>>) -> ApiResult<Json<Health>> {
    let answers = join_all(checks.iter().map(ReadyCheck::works)).await;
    let (dependencies, is_working): (Vec<_>, Vec<_>) = answers.into_iter().unzip();
    if is_working.iter().all(|works| *works) {
        return Ok(Json(Health { status: "ready", dependencies }));
    }
    let broken = dependencies.iter().zip(is_working).filter(|(_, works)| !works).map(|(name, _)| *name);
    let names = broken.collect::<Vec<_>>().join(", ");
    Err(Problem::unavailable(format!("not ready: {names}")).with_code("not_ready"))
}

impl ReadyCheck {
    async fn works(&self) -> (&'static str, bool) {
        let answer = timeout(CHECK_TIMEOUT, (self.ask)()).await.unwrap_or_else(|elapsed| Err(elapsed.into()));
        if let Err(error) = &answer {
            let cause = causes(error.as_ref());
            tracing::warn!(dependency = self.dependency, error = cause, "{} is not ready", self.dependency);
        }
        (self.dependency, answer.is_ok())
    }
}
