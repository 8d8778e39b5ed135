//! Predictions counted, for each version.

use std::sync::OnceLock;

use lakehouse_registry::VersionNumber;
use metrics::{Counter, Histogram, counter, gauge, histogram};

use super::{Prediction, team::Role};

const VERDICTS: [Option<&str>; 2] = [Some("false"), Some("true")];

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
            Role::Champion | Role::Canary => self.answers.get_or_init(|| self.of_answers()),
            Role::Shadow => self.shadows.get_or_init(|| self.of_shadows()),
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

    fn of_answers(&self) -> Handles {
        let [honest, fraud] = VERDICTS.map(|is_fraud| counter!("predictions_total", &self.labels(is_fraud)));
        Handles { honest, fraud, scores: histogram!("prediction_score", &self.labels(None)) }
    }

    fn of_shadows(&self) -> Handles {
        let [honest, fraud] = VERDICTS.map(|is_fraud| counter!("shadow_predictions_total", &self.labels(is_fraud)));
        Handles { honest, fraud, scores: histogram!("shadow_prediction_score", &self.labels(None)) }
    }

    fn labels(&self, is_fraud: Option<&'static str>) -> Vec<(&'static str, String)> {
        let mut labels = vec![("model", self.model.clone()), ("version", self.version.to_string())];
        labels.extend(is_fraud.map(|is_fraud| ("is_fraud", is_fraud.to_owned())));
        labels
    }
}
