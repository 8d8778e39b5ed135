//! `GET /model/info`

use axum::{Json, extract::State};
use jiff::Timestamp;
use lakehouse_models::{Input, Metrics};
use lakehouse_service::{ApiResult, Problems};
use serde::Serialize;
use utoipa::ToSchema;

use super::refusal;
use crate::{
    AppState,
    scoring::{OnlineSignals, ScoreError, Scorer},
};

/// The models that serve.
#[derive(Serialize, ToSchema)]
pub struct ModelInfo {
    /// `fraud` for transactions without a card, `fraud_card` for those with one.
    models: Vec<ServedModel>,
}

/// A model that serves.
#[derive(Serialize, ToSchema)]
struct ServedModel {
    /// Its name.
    #[schema(example = "fraud")]
    name: String,
    /// Its version.
    version: u32,
    /// What kind of model it is.
    #[schema(example = "gradient_boosting")]
    family: String,
    /// What made it serve.
    #[schema(example = "champion")]
    alias: String,
    /// When it began to serve.
    #[schema(value_type = String, format = DateTime)]
    promoted_at: Timestamp,
    /// Why it was promoted.
    reason: String,
    /// When it was trained.
    #[schema(value_type = String, format = DateTime)]
    trained_at: Timestamp,
    /// What it reads.
    inputs: Vec<ModelInput>,
    /// How good it was on rows later than those it was trained on.
    metrics: MetricsSummary,
    /// The live signals it reads; null without a card.
    online_state: Option<StateInfo>,
}

/// An input of a model.
#[derive(Serialize, ToSchema)]
struct ModelInput {
    /// The field of a request, or the signal.
    name: String,
    /// `number`, `text` or `flag`.
    kind: &'static str,
    /// May it be absent?
    nullable: bool,
}

/// How good a model is.
#[derive(Serialize, ToSchema)]
struct MetricsSummary {
    /// Rows it was tested on.
    rows: usize,
    /// Of these, the frauds.
    positives: usize,
    /// Average precision: what decided. Chance gives the share of frauds.
    average_precision: f64,
    /// Area under the ROC curve.
    roc_auc: f64,
    /// Expected calibration error.
    calibration_error: f64,
    /// Mean squared error.
    brier: f64,
    /// What is found when a fixed share of the purchases is looked at.
    recall_at: Vec<RecallAt>,
}

/// What looking at the highest scores finds.
#[derive(Serialize, ToSchema)]
struct RecallAt {
    /// Share of the purchases that is looked at.
    alert_rate: f64,
    /// Share of the frauds that is found.
    recall: f64,
}

/// A state of the live signals.
#[derive(Serialize, ToSchema)]
struct StateInfo {
    /// Its number.
    number: u32,
    /// When the pipeline left it.
    #[schema(value_type = String, format = DateTime)]
    stored_at: Timestamp,
}

/// Describes the models that serve.
#[utoipa::path(
    get, path = "/model/info", tag = "models",
    responses(
        (status = 200, body = ModelInfo),
        (status = 503, description = "There is no champion yet"),
        Problems,
    )
)]
pub async fn model_info(State(AppState { serving, .. }): State<AppState>) -> ApiResult<Json<ModelInfo>> {
    let models: Vec<_> = serving.load().scorers().map(|(scorer, _, signals)| ServedModel::new(scorer, signals)).collect();
    if models.is_empty() { Err(refusal(ScoreError::NoChampion)) } else { Ok(Json(ModelInfo { models })) }
}

impl ServedModel {
    fn new(scorer: &Scorer, signals: Option<&OnlineSignals>) -> Self {
        let champion = scorer.champion();
        let (promotion, description) = (&champion.promotion, &champion.model.manifest().description);
        Self {
            name: promotion.model.to_string(),
            version: promotion.version.0,
            family: description.family.clone(),
            alias: promotion.alias.to_string(),
            promoted_at: promotion.moved_at,
            reason: promotion.reason.clone(),
            trained_at: champion.trained_at,
            inputs: champion.model.inputs().iter().map(ModelInput::new).collect(),
            metrics: MetricsSummary::new(&description.metrics),
            online_state: signals.map(StateInfo::new),
        }
    }
}

impl ModelInput {
    fn new(input: &Input) -> Self {
        Self { name: input.name.clone(), kind: input.kind.as_str(), nullable: input.nullable }
    }
}

impl MetricsSummary {
    fn new(metrics: &Metrics) -> Self {
        let recall_at = |rate: &lakehouse_models::metrics::AlertRate| RecallAt { alert_rate: rate.rate, recall: rate.recall };
        Self {
            rows: metrics.rows,
            positives: metrics.positives,
            average_precision: metrics.average_precision.value,
            roc_auc: metrics.roc_auc.value,
            calibration_error: metrics.calibration_error,
            brier: metrics.brier,
            recall_at: metrics.alert_rates.iter().map(recall_at).collect(),
        }
    }
}

impl StateInfo {
    fn new(signals: &OnlineSignals) -> Self {
        Self { number: signals.state.number.0, stored_at: signals.state.stored_at }
    }
}
