//! Log-odds and probabilities.

/// The logistic function, without overflow.
pub(super) fn sigmoid(log_odds: f64) -> f64 {
    if log_odds >= 0.0 {
        1.0 / (1.0 + (-log_odds).exp())
    } else {
        let odds = log_odds.exp();
        odds / (1.0 + odds)
    }
}

/// A probability whose odds are multiplied by `factor`; 0 and 1 stay.
pub(super) fn multiply_odds(probability: f64, factor: f64) -> f64 {
    let scaled = probability * factor;
    (scaled / (scaled + (1.0 - probability))).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logistic_function_reaches_its_ends_quietly() {
        assert_eq!(sigmoid(0.0), 0.5);
        assert_eq!(sigmoid(1e308), 1.0);
        assert_eq!(sigmoid(-1e308), 0.0);
        assert!((sigmoid(2.0) - 0.880_797_077_977_882_3).abs() < 1e-15);
        assert!((sigmoid(-2.0) + sigmoid(2.0) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn odds_are_multiplied() {
        assert!((multiply_odds(0.5, 0.1) - 1.0 / 11.0).abs() < 1e-15);
        assert_eq!(multiply_odds(0.0, 0.1), 0.0);
        assert_eq!(multiply_odds(1.0, 0.1), 1.0);
    }
}
