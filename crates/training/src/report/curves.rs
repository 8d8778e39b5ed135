//! Precision-recall curves of all candidates.

use plotters::prelude::*;

use super::{ReportError, colour, names};
use crate::TrainingOutcome;

const CHART: &str = "precision-recall curves";

/// The curves in one SVG. Text is written as text: no font file is needed here, the reader's is used.
pub fn curves_svg(outcome: &TrainingOutcome) -> Result<String, ReportError> {
    let mut svg = String::new();
    draw(outcome, &mut svg).map_err(|source| ReportError::new(CHART, source))?;
    Ok(svg)
}

fn draw(outcome: &TrainingOutcome, svg: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(svg, (800, 500)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Precision and recall on the test rows", ("sans-serif", 20))
        .margin(15)
        .x_label_area_size(45)
        .y_label_area_size(55)
        .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
    chart.configure_mesh().x_desc("recall").y_desc("precision").light_line_style(WHITE).draw()?;
    for (position, (candidate, name)) in outcome.candidates.iter().zip(names(outcome)).enumerate() {
        let metrics = candidate.metrics();
        let style = colour(position).stroke_width(2);
        let points = metrics.curve.iter().map(|point| (point.recall, point.precision));
        chart
            .draw_series(LineSeries::new(points, style))?
            .label(format!("{name}, AP {:.3}", metrics.average_precision.value))
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], style));
    }
    chart.configure_series_labels().background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.3)).draw()?;
    area.present()?;
    Ok(())
}
