//! `lakehouse generate`: a sample source set.

use std::process::ExitCode;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use lakehouse_generate::{FraudSample, FraudSummary, generate_fraud};
use lakehouse_network::{
    generator::{NetworkSample, NetworkSummary, generate_network},
    topology::{DerivationSettings, read_topology_file},
};
use serde_json::{Value, json};

use crate::{
    cli::{FraudArgs, GenerateArgs, NetworkArgs, SampleArgs},
    output,
};

/// Writes the files.
pub async fn run(arguments: GenerateArgs) -> anyhow::Result<ExitCode> {
    match arguments.domain {
        SampleArgs::Fraud(arguments) => fraud(arguments).await,
        SampleArgs::Network(arguments) => network(arguments).await,
    }
}

async fn network(arguments: NetworkArgs) -> anyhow::Result<ExitCode> {
    let is_json = arguments.json;
    let written = tokio::task::spawn_blocking(move || {
        let read = |file| read_topology_file(file, &DerivationSettings::default());
        let topology = arguments.topology.as_deref().map(read).transpose()?;
        let sample = NetworkSample {
            seed: arguments.seed,
            num_sites: arguments.num_sites,
            nodes_per_site: arguments.nodes_per_site,
            duration_min: arguments.duration_min,
            freq_min: arguments.freq_min,
            incident_rate: arguments.incident_rate,
            start: arguments.start,
            firewall_rows_per_min: arguments.firewall_rows_per_min,
        };
        let written = generate_network(&sample, topology.as_ref(), &arguments.out);
        written.with_context(|| format!("no sample was written to `{}`", arguments.out.display()))
    });
    let summary = written.await??;
    if is_json {
        output::line(network_as_json(&summary));
    } else {
        output::line(format_args!(
            "{} rows of telemetry, {} incidents of which {} announced themselves, {} firewall lines of which {} are damaged",
            output::grouped(summary.telemetry_rows),
            output::grouped(summary.incidents),
            output::grouped(summary.announced_incidents),
            output::grouped(summary.firewall_rows),
            output::grouped(summary.damaged_rows),
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn network_as_json(summary: &NetworkSummary) -> Value {
    json!({
        "telemetry_rows": summary.telemetry_rows,
        "incidents": summary.incidents,
        "announced_incidents": summary.announced_incidents,
        "caused_incidents": summary.caused_incidents,
        "false_alarms": summary.false_alarms,
        "firewall_rows": summary.firewall_rows,
        "attack_rows": summary.attack_rows,
        "damaged_rows": summary.damaged_rows,
        "bytes": summary.bytes,
    })
}

async fn fraud(arguments: FraudArgs) -> anyhow::Result<ExitCode> {
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
