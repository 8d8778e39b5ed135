//! `GET /drift`

use axum::{Json, extract::State};
use jiff::Timestamp;
use lakehouse_models::{DriftReport, FeatureDrift};
use lakehouse_service::Problems;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    AppState,
    scoring::{ClosedWindow, Scorer},
};

/// How what is scored compares with what the models were trained on.
#[derive(Serialize, ToSchema)]
pub struct Drift {
    /// One for each version that serves.
    models: Vec<ModelDrift>,
}

/// The drift of one version.
#[derive(Serialize, ToSchema)]
struct ModelDrift {
    /// The model.
    #[schema(example = "fraud")]
    model: String,
    /// Its version.
    version: u32,
    /// The last whole window; null before the first.
    last: Option<WindowDrift>,
    /// The window under way: fewer records, and so less certain.
    current: WindowDrift,
}

/// A window of scored transactions.
#[derive(Serialize, ToSchema)]
struct WindowDrift {
    /// When it began; null while it is under way.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended; null while it is under way.
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Timestamp>,
    /// Transactions in it.
    rows: u64,
    /// Does anything call for somebody to look?
    is_drifted: bool,
    /// One for every input, and one for the score, which is called `score`.
    features: Vec<FeatureInfo>,
}

/// How one input compares.
#[derive(Serialize, ToSchema)]
struct FeatureInfo {
    /// The input, or `score`.
    #[schema(example = "amount")]
    feature: String,
    /// Population stability index: below 0.1 nothing, from 0.2 on a large change.
    stability_index: f64,
    /// Jensen-Shannon distance, 0 to 1.
    jensen_shannon: f64,
    /// Of numbers, the largest distance of the two distributions at a decile.
    kolmogorov_smirnov: Option<f64>,
    /// Chance of such a difference without any drift, by the chi-squared test.
    p_value: f64,
    /// Share of absent values.
    absent_share: f64,
    /// The same in training.
    expected_absent_share: f64,
    /// Of texts, the share of those that training did not name.
    new_text_share: Option<f64>,
    /// A large change that chance does not explain?
    is_drifted: bool,
}

/// Compares what is scored with what the models were trained on.
#[utoipa::path(get, path = "/drift", tag = "models", responses((status = 200, body = Drift), Problems))]
pub async fn drift(State(AppState { serving, .. }): State<AppState>) -> Json<Drift> {
    Json(Drift { models: serving.load().scorers().map(|(scorer, ..)| ModelDrift::new(scorer)).collect() })
}

impl ModelDrift {
    fn new(scorer: &Scorer) -> Self {
        let promotion = &scorer.champion().promotion;
        let (last, current) = scorer.drift().look();
        let of_closed = |ClosedWindow { started_at, ended_at, report, .. }: ClosedWindow| WindowDrift {
            started_at: Some(started_at),
            ended_at: Some(ended_at),
            ..WindowDrift::from(report)
        };
        Self {
            model: promotion.model.to_string(),
            version: promotion.version.0,
            last: last.map(of_closed),
            current: current.into(),
        }
    }
}

impl From<DriftReport> for WindowDrift {
    fn from(report: DriftReport) -> Self {
        let is_drifted = report.drifted().next().is_some();
        let features = report.features.into_iter().map(FeatureInfo::from).collect();
        Self { started_at: None, ended_at: None, rows: report.rows, is_drifted, features }
    }
}

impl From<FeatureDrift> for FeatureInfo {
    fn from(drift: FeatureDrift) -> Self {
        let FeatureDrift {
            feature,
            stability_index,
            jensen_shannon,
            kolmogorov_smirnov,
            p_value,
            absent_share,
            expected_absent_share,
            new_text_share,
            is_drifted,
        } = drift;
        Self {
            feature,
            stability_index,
            jensen_shannon,
            kolmogorov_smirnov,
            p_value,
            absent_share,
            expected_absent_share,
            new_text_share,
            is_drifted,
        }
    }
}
