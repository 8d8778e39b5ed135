//! Average precision and ROC AUC of all candidates, side by side, with their intervals.

use lakehouse_models::{Metrics, metrics::Estimate};
use plotters::prelude::*;

use super::{ReportError, colour, names};
use crate::TrainingOutcome;

const CHART: &str = "comparison";
const NAME_WIDTH: f64 = 0.32;

/// A panel for each of the two metrics, in one SVG.
pub fn comparison_svg(outcome: &TrainingOutcome) -> Result<String, ReportError> {
    let mut svg = String::new();
    draw(outcome, &mut svg).map_err(|source| ReportError::new(CHART, source))?;
    Ok(svg)
}

fn draw(outcome: &TrainingOutcome, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let mut models: Vec<(String, &Metrics)> =
        names(outcome).into_iter().zip(outcome.candidates.iter().map(|candidate| candidate.metrics())).collect();
    models.extend(outcome.champion.as_ref().and_then(|champion| Some(("present champion".to_owned(), champion.metrics()?))));
    let panel_height = 60 + 40 * u32::try_from(models.len())?;
    let area = SVGBackend::with_string(svg, (800, 2 * panel_height)).into_drawing_area();
    area.fill(&WHITE)?;
    let (above, below) = area.split_vertically(panel_height);
    let estimates = |pick: fn(&Metrics) -> Estimate| -> Vec<(&str, Estimate)> {
        models.iter().map(|(name, metrics)| (name.as_str(), pick(metrics))).collect()
    };
    panel(&above, "Average precision, with 95 % intervals", &estimates(|metrics| metrics.average_precision))?;
    panel(&below, "ROC AUC, with 95 % intervals", &estimates(|metrics| metrics.roc_auc))?;
    area.present()?;
    Ok(())
}

/// One bar for each model on a scale from 0 to 1, its name at the left.
fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    title: &str,
    estimates: &[(&str, Estimate)],
) -> Result<(), Box<dyn std::error::Error>> {
    let area = area.titled(title, ("sans-serif", 18))?.margin(5, 5, 10, 10);
    let (width, _) = area.dim_in_pixel();
    let start = (f64::from(width) * NAME_WIDTH) as i32;
    let scale = f64::from(width) * (1.0 - NAME_WIDTH) * 0.85;
    let at = |value: f64| start + (value * scale).round() as i32;
    for ((position, (name, estimate)), top) in estimates.iter().enumerate().zip((5..).step_by(40)) {
        let text = ("sans-serif", 14).into_font();
        area.draw(&Text::new((*name).to_owned(), (0, top + 6), text.clone()))?;
        area.draw(&Rectangle::new([(start, top), (at(estimate.value), top + 26)], colour(position).mix(0.7).filled()))?;
        let (low, high) = (at(estimate.interval.low), at(estimate.interval.high));
        area.draw(&PathElement::new([(low, top + 13), (high, top + 13)], BLACK.stroke_width(2)))?;
        for end in [low, high] {
            area.draw(&PathElement::new([(end, top + 8), (end, top + 18)], BLACK.stroke_width(2)))?;
        }
        let label = at(estimate.value.max(estimate.interval.high)) + 6;
        area.draw(&Text::new(format!("{:.3}", estimate.value), (label, top + 6), text))?;
    }
    Ok(())
}
