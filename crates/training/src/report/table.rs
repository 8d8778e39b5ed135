//! The metrics table.

use lakehouse_models::{Metrics, SplitPart, metrics::Estimate};

use super::names;
use crate::TrainingOutcome;

/// Split, metrics of every candidate and of the champion, and the figures of the best one's alerts, as Markdown.
pub fn markdown(outcome: &TrainingOutcome) -> String {
    let part = |name: &str, part: &SplitPart| format!("- {name}: {} rows, {} positive\n", part.rows, part.positives);
    let mut text = part("training", &outcome.split.train) + &part("test", &outcome.split.test);
    let Some(best) = outcome.best() else { return text };
    let chance = best.metrics().positive_share();
    text += &format!("- average precision of chance: {chance:.5}\n\n");
    text += "| model | AP | 95 % | ROC AUC | 95 % | recall at 0.1 % | 0.5 % | 1 % | calibration error | log loss | fit s |\n";
    text += "|---|---:|---|---:|---|---:|---:|---:|---:|---:|---:|\n";
    for (position, (candidate, name)) in outcome.candidates.iter().zip(names(outcome)).enumerate() {
        let name = if position == outcome.best { format!("**{name}**") } else { name };
        text += &row(&name, candidate.metrics(), &format!("{:.1}", candidate.fit_seconds));
    }
    if let Some(metrics) = outcome.champion.as_ref().and_then(|champion| champion.metrics()) {
        text += &row("present champion", metrics, "");
    }
    text
}

fn row(name: &str, metrics: &Metrics, fit_seconds: &str) -> String {
    let estimate =
        |estimate: &Estimate| format!("{:.4} | {:.4} to {:.4}", estimate.value, estimate.interval.low, estimate.interval.high);
    let recalls: Vec<String> = metrics.alert_rates.iter().map(|alerts| format!("{:.3}", alerts.recall)).collect();
    format!(
        "| {name} | {} | {} | {} | {:.5} | {:.5} | {fit_seconds} |\n",
        estimate(&metrics.average_precision),
        estimate(&metrics.roc_auc),
        recalls.join(" | "),
        metrics.calibration_error,
        metrics.log_loss,
    )
}
