//! Predictions counted, for each version.

use std::sync::OnceLock;

use lakehouse_registry::VersionNumber;
use metrics::{Counter, Histogram, counter, gauge, histogram};

use super::{Prediction, team::Role};

/// The metrics of one version.
#[derive(Debug)]
pub struct Tally {
    model: String,
    version: VersionNumber,
    /// Made with the first prediction: a version may be loaded before the recorder is there.
    answers: OnceLock<Handles>,
    shadows: OnceLock<Handles>,
}

#[derive(Debug)]
struct Handles {
    honest: Counter,
    fraud: Counter,
    scores: Histogram,
}

impl Tally {
    pub fn new(model: &str, version: VersionNumber) -> Self {
        Self { model: model.to_owned(), version, answers: OnceLock::new(), shadows: OnceLock::new() }
    }

    /// Counts a prediction.
    pub fn count(&self, prediction: Prediction, role: Role) {
        let handles = match role {
            Role::Champion | Role::Canary => self.answers.get_or_init(|| self.register("predictions_total", "prediction_score")),
            Role::Shadow => self.shadows.get_or_init(|| self.register("shadow_predictions_total", "shadow_prediction_score")),
        };
        let counter = if prediction.is_fraud() { &handles.fraud } else { &handles.honest };
        counter.increment(1);
        handles.scores.record(prediction.probability());
    }

    /// Says which version serves, and which one would like to.
    pub fn report(&self, role: Role) {
        let version = f64::from(self.version.0);
        match role {
            Role::Champion => gauge!("model_version", "model" => self.model.clone()).set(version),
            Role::Canary | Role::Shadow => gauge!("challenger_version", "model" => self.model.clone()).set(version),
        }
    }

    fn register(&self, count: &'static str, score: &'static str) -> Handles {
        let of = |is_fraud: &'static str| {
            let (model, version) = (self.model.clone(), self.version.to_string());
            counter!(count, "model" => model, "version" => version, "is_fraud" => is_fraud)
        };
        let (honest, fraud) = (of("false"), of("true"));
        let scores = histogram!(score, "model" => self.model.clone(), "version" => self.version.to_string());
        Handles { honest, fraud, scores }
    }
}
