//! Predictions counted, for each version.

use std::sync::OnceLock;

use lakehouse_registry::VersionNumber;
use metrics::{Counter, Histogram, counter, gauge, histogram};

use super::Prediction;

/// The metrics of one version.
#[derive(Debug)]
pub struct Tally {
    model: String,
    version: VersionNumber,
    /// Made with the first prediction: a version may be loaded before the recorder is there.
    handles: OnceLock<Handles>,
}

#[derive(Debug)]
struct Handles {
    honest: Counter,
    fraud: Counter,
    scores: Histogram,
}

impl Tally {
    pub fn new(model: &str, version: VersionNumber) -> Self {
        Self { model: model.to_owned(), version, handles: OnceLock::new() }
    }

    /// Counts a prediction.
    pub fn count(&self, prediction: Prediction) {
        let handles = self.handles.get_or_init(|| self.register());
        let counter = if prediction.is_fraud() { &handles.fraud } else { &handles.honest };
        counter.increment(1);
        handles.scores.record(prediction.probability());
    }

    /// Says which version serves.
    pub fn report(&self) {
        gauge!("model_version", "model" => self.model.clone()).set(f64::from(self.version.0));
    }

    fn register(&self) -> Handles {
        let of = |is_fraud: &'static str| {
            let (model, version) = (self.model.clone(), self.version.to_string());
            counter!("predictions_total", "model" => model, "version" => version, "is_fraud" => is_fraud)
        };
        let (honest, fraud) = (of("false"), of("true"));
        Handles { honest, fraud, scores: histogram!("prediction_score", "model" => self.model.clone()) }
    }
}
