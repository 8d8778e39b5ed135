//! The report of a run, for people.

use lakehouse_pipeline::RunReport;
use lakehouse_settings::Settings;

use crate::output::{grouped, line, table};

/// Prints what a run did.
pub fn print(report: &RunReport, settings: &Settings) {
    line(format_args!("\nrun {} of {} in {:.1} s", report.run, report.domain, report.seconds));
    stages(report);
    sources(report);
    tables(report);
    published(report);
    models(report);
    line(format_args!("\nlake {}", settings.lake));
}

fn texts<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

fn stages(report: &RunReport) {
    let mut rows = vec![texts(["stage", "seconds"])];
    rows.extend(report.stages.iter().map(|(stage, seconds)| vec![(*stage).to_owned(), format!("{seconds:.2}")]));
    line("");
    table(&rows, &[1]);
}

fn sources(report: &RunReport) {
    let mut rows = vec![texts(["source", "rows read", "bronze", "quarantine", "version", "files"])];
    for source in &report.sources {
        let files = match source.landed.len() {
            0 => format!("{} unchanged", source.unchanged_files),
            _ => source.landed.join(", "),
        };
        rows.push(vec![
            source.source.to_string(),
            grouped(source.rows_read),
            grouped(source.rows),
            grouped(source.rows_quarantined()),
            source.version.to_string(),
            files,
        ]);
    }
    line("");
    table(&rows, &[1, 2, 3, 4]);
    for source in &report.sources {
        for (reason, rows) in &source.quarantined {
            line(format_args!("  {}: {} rows quarantined: {reason}", source.source, grouped(*rows)));
        }
        if !source.ignored_columns.is_empty() {
            line(format_args!(
                "  {}: columns ignored, the contract has none: {}",
                source.source,
                source.ignored_columns.join(", ")
            ));
        }
    }
}

fn published(report: &RunReport) {
    for done in report.published.iter().filter(|done| done.is_new) {
        line(format_args!("  published {} with {} rows", done.table, grouped(done.rows)));
    }
}

fn tables(report: &RunReport) {
    let mut rows = vec![texts(["table", "rows", "MiB", "version", "seconds", "decision"])];
    for step in &report.tables {
        rows.push(vec![
            step.table.to_string(),
            grouped(step.rows),
            format!("{:.1}", step.bytes as f64 / 1_048_576.0),
            step.version.to_string(),
            format!("{:.2}", step.seconds),
            step.decision.clone(),
        ]);
    }
    line("");
    table(&rows, &[1, 2, 3, 4]);
    for step in &report.tables {
        for (check, rows) in &step.broken {
            line(format_args!("  {}: {} rows break the check {check}", step.table, grouped(*rows)));
        }
    }
}

fn models(report: &RunReport) {
    if report.models.is_empty() {
        return;
    }
    let mut rows = vec![texts(["model", "family", "fit s", "average precision (95 %)", "ROC AUC (95 %)", ""])];
    for model in &report.models {
        for candidate in &model.candidates {
            let estimate = |[value, low, high]: [f64; 3]| format!("{value:.4} ({low:.4} to {high:.4})");
            rows.push(vec![
                model.model.to_string(),
                candidate.family.clone(),
                format!("{:.1}", candidate.fit_seconds),
                estimate(candidate.average_precision),
                estimate(candidate.roc_auc),
                if candidate.is_best { "best".to_owned() } else { String::new() },
            ]);
        }
    }
    line("");
    if rows.len() > 1 {
        table(&rows, &[2]);
    }
    for model in &report.models {
        let rows = match model.rows {
            (0, 0) => String::new(),
            (train, test) => format!(" ({} training rows, {} later test rows)", grouped(train as u64), grouped(test as u64)),
        };
        line(format_args!("  {}{rows}: {}", model.model, model.decision));
    }
}
