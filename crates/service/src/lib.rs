//! The HTTP plumbing every service shares.
//!
//! A service hands its routes to [`Service`] and gets a router that also answers `/health/live`, `/health/ready`, `/metrics`,
//! `/openapi.json` and `/docs`, gives every request an id, a span, a deadline and a body limit, turns panics and refusals into
//! [`Problem`]s and counts what it answered. [`serve()`] runs that router until it is told to stop, and then drains.
//!
//! Every operation says what it needs with [`Permitted`]; one that says nothing is closed to everybody.
//!
//! Cross-origin requests are not allowed: no header says that they are.

mod admission;
mod arrow_frames;
mod arrow_stream;
mod docs;
mod extract;
mod gate;
mod health;
mod metrics;
mod probe;
mod problem;
mod request_id;
mod serve;
mod service;

pub use admission::{Admission, AuditObject, Caller, Pass, Permitted, Visitor, write_trails};
pub use arrow_stream::ArrowStream;
pub use extract::{IdempotencyKey, JsonBody, PathParams, QueryParams};
pub use metrics::rendered_metrics;
pub use probe::{Probe, ProbeAddress, answer_health_verb, seconds_of, told};
pub use problem::{ApiResult, Problem, ProblemBody, Problems, causes};
pub use request_id::REQUEST_ID;
pub use serve::{is_connection_error, serve, stop_on_signal};
pub use service::Service;

/// Any error, for those that are logged and never shown.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
