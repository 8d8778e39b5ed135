//! What a training run found, to read: a table, the precision-recall curves, the scores side by side.

mod bars;
mod curves;
mod table;

pub use bars::comparison_svg;
pub use curves::curves_svg;
pub use table::markdown;

use plotters::style::RGBColor;

/// A chart could not be drawn.
#[derive(Debug, thiserror::Error)]
#[error("failed to draw the {chart}: {reason}")]
pub struct ReportError {
    chart: &'static str,
    reason: String,
}

impl ReportError {
    fn new(chart: &'static str, reason: impl std::fmt::Display) -> Self {
        Self { chart, reason: reason.to_string() }
    }
}

/// Told apart by readers with any kind of colour vision (Okabe and Ito).
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];

fn colour(position: usize) -> RGBColor {
    COLOURS[position % COLOURS.len()]
}

/// A name for each candidate: the family, numbered when it competes more than once.
fn names(outcome: &crate::TrainingOutcome) -> Vec<String> {
    let families: Vec<&str> = outcome.candidates.iter().map(|candidate| candidate.family.as_str()).collect();
    let name = |(position, family): (usize, &&str)| {
        let before = families.iter().take(position).filter(|other| *other == family).count();
        let is_alone = families.iter().filter(|other| *other == family).count() == 1;
        if is_alone { (*family).to_owned() } else { format!("{family} {}", before + 1) }
    };
    families.iter().enumerate().map(name).collect()
}
