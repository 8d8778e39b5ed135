//! How good scores are, measured on rows the model never saw.
//!
//! Everything that ranks shares one sort ([`Ranking`]); everything that reads probabilities as such is in `calibration`.
//! Rows with equal scores never have an order of their own: no metric changes when they are swapped.

mod bootstrap;
mod calibration;
mod ranking;
mod summary;

pub use bootstrap::{Interval, Intervals, RESAMPLES, intervals};
pub use calibration::{ReliabilityBin, brier, calibration_error, log_loss, reliability};
pub use ranking::{AlertRate, AtThreshold, CurvePoint, Ranking};
pub use summary::{ALERT_RATES, CURVE_POINTS, Estimate, Metrics, MetricsError, RELIABILITY_BINS};
