//! `lakehouse generate`: a sample source set.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use lakehouse_generate::{FraudSample, FraudSummary, generate_fraud};
use serde_json::{Value, json};

use crate::{cli::GenerateArgs, output};

/// Writes the files.
pub async fn run(arguments: GenerateArgs) -> anyhow::Result<ExitCode> {
    if arguments.domain != "fraud" {
        bail!("no sample is known for the domain `{}`; known: fraud", arguments.domain);
    }
    let is_json = arguments.json;
    let summary = tokio::task::spawn_blocking(move || {
        let sample = FraudSample { transactions: arguments.transactions, seed: arguments.seed, dirty_share: arguments.dirty };
        let bar = bar(arguments.transactions);
        let written = generate_fraud(&sample, &arguments.out, &mut |rows| bar.set_position(rows));
        bar.finish_and_clear();
        written.with_context(|| format!("no sample was written to `{}`", arguments.out.display()))
    });
    let summary = summary.await??;
    if is_json {
        output::line(as_json(&summary));
    } else {
        output::line(format_args!(
            "{} transactions of {} cards, {} frauds, {} labelled, {} damaged rows",
            output::grouped(summary.transactions),
            output::grouped(summary.cards),
            output::grouped(summary.frauds),
            output::grouped(summary.labels),
            output::grouped(summary.dirty_rows),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(summary: &FraudSummary) -> Value {
    json!({
        "transactions": summary.transactions,
        "rows": summary.rows,
        "dirty_rows": summary.dirty_rows,
        "clients": summary.clients,
        "cards": summary.cards,
        "merchants": summary.merchants,
        "labels": summary.labels,
        "frauds": summary.frauds,
        "labelled_frauds": summary.labelled_frauds,
        "days": summary.days,
        "bytes": summary.bytes,
    })
}

fn bar(transactions: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} rows, {per_sec}");
    ProgressBar::new(transactions).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
