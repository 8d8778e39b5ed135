//! What a probability means, in the words clients have always been given.

use serde::Serialize;
use utoipa::ToSchema;

/// Above this, a purchase is called fraud.
const MIDDLE: f64 = 0.5;
/// Further than this from it, the call is a confident one.
const CONFIDENT_BEYOND: f64 = 0.3;

/// The answer for one transaction: these fields, in this order, and no other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Prediction {
    /// Between 0 and 1.
    #[schema(minimum = 0, maximum = 1, example = 0.15)]
    fraud_probability: f64,
    /// Is the probability above the model's threshold, 0.5 unless its training chose another?
    #[schema(example = false)]
    is_fraud: bool,
    /// `Haute` when the probability is further than 0.3 from 0.5, else `Moyenne`.
    confidence: Confidence,
}

/// High or medium.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
enum Confidence {
    Haute,
    Moyenne,
}

impl Prediction {
    /// What `fraud_probability` means to a model whose alerts lie above `threshold`.
    pub fn new(fraud_probability: f64, threshold: f64) -> Self {
        // In doubles 0.8 is further from 0.5 than 0.2 is: clients have seen `Haute` for the one and `Moyenne` for the other.
        let is_confident = (fraud_probability - MIDDLE).abs() > CONFIDENT_BEYOND;
        let confidence = if is_confident { Confidence::Haute } else { Confidence::Moyenne };
        Self { fraud_probability, is_fraud: fraud_probability > threshold, confidence }
    }

    /// The probability.
    pub fn probability(self) -> f64 {
        self.fraud_probability
    }

    /// How sure it is, in the word clients know.
    pub fn confidence(self) -> &'static str {
        match self.confidence {
            Confidence::Haute => "Haute",
            Confidence::Moyenne => "Moyenne",
        }
    }

    /// Is it called fraud?
    pub fn is_fraud(self) -> bool {
        self.is_fraud
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_at_the_borders_are_those_of_the_old_service() {
        for (probability, is_fraud, confidence) in [
            (0.0, false, "Haute"),
            (0.19, false, "Haute"),
            (0.2, false, "Moyenne"),
            (0.5, false, "Moyenne"),
            (0.500_000_000_000_000_1, true, "Moyenne"),
            (0.799_999_999_999_999_9, true, "Moyenne"),
            (0.8, true, "Haute"),
            (1.0, true, "Haute"),
        ] {
            let text = serde_json::to_string(&Prediction::new(probability, MIDDLE)).expect("json");
            let number = serde_json::to_string(&probability).expect("json");
            let expected = format!(r#"{{"fraud_probability":{number},"is_fraud":{is_fraud},"confidence":"{confidence}"}}"#);
            assert_eq!(text, expected);
        }
    }
}
