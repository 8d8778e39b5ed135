//! `lakehouse runs`: what ran, when, and how it ended.

use std::process::ExitCode;

use anyhow::Context as _;
use jiff::Timestamp;
use lakehouse_metadata::{EventFilter, Metadata, RunFilter, RunRecord};
use serde_json::json;

use super::Context;
use crate::{
    cli::RunsArgs,
    output::{self, line},
};

/// Events of a run that are shown.
const EVENTS: u32 = 10_000;

/// Lists runs, newest first, or shows one.
pub async fn run(context: &Context<'_>, arguments: RunsArgs) -> anyhow::Result<ExitCode> {
    let metadata = context.metadata().await?;
    let outcome = match &arguments.run {
        Some(run) => show(&metadata, run, arguments.json).await,
        None => list(&metadata, &arguments).await,
    };
    metadata.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn list(metadata: &Metadata, arguments: &RunsArgs) -> anyhow::Result<()> {
    let domain = arguments.domain.as_deref().map(str::parse).transpose()?;
    let runs = metadata.runs(&RunFilter { domain, status: None, before: None, limit: arguments.limit }).await?;
    if arguments.json {
        line(serde_json::to_string_pretty(&runs)?);
        return Ok(());
    }
    let mut rows = vec![["run", "status", "trigger", "seconds", "error"].map(str::to_owned).to_vec()];
    rows.extend(runs.iter().map(|run| {
        let error = run.error.as_deref().unwrap_or_default().to_owned();
        vec![run.run.clone(), run.status.to_string(), run.trigger.to_string(), seconds(run.started_at, run.finished_at), error]
    }));
    output::table(&rows, &[3]);
    Ok(())
}

async fn show(metadata: &Metadata, name: &str, is_json: bool) -> anyhow::Result<()> {
    let run = metadata.run(name).await?.with_context(|| format!("no run is called `{name}`; `lakehouse runs` lists them"))?;
    let steps = metadata.steps(name).await?;
    if is_json {
        let filter = EventFilter { run: Some(name.to_owned()), domain: None, after: 0, limit: EVENTS };
        let events = metadata.events(&filter).await?;
        line(serde_json::to_string_pretty(&json!({ "run": run, "steps": steps, "events": events }))?);
        return Ok(());
    }
    head(&run);
    let mut rows = vec![["stage", "step", "status", "rows", "version", "seconds", "why"].map(str::to_owned).to_vec()];
    rows.extend(steps.into_iter().map(|step| {
        let number = |number: Option<u64>| number.map(output::grouped).unwrap_or_default();
        let took = seconds(step.started_at, step.finished_at);
        let why = step.error.or(step.decision).unwrap_or_default();
        vec![step.stage, step.step, step.status.to_string(), number(step.rows), number(step.version), took, why]
    }));
    output::table(&rows, &[3, 4, 5]);
    Ok(())
}

fn head(run: &RunRecord) {
    let took = seconds(run.started_at, run.finished_at);
    line(format_args!("{} {} ({}), started {}, {took} s", run.run, run.status, run.trigger, run.started_at));
    if let Some(error) = &run.error {
        line(format_args!("  {error}"));
    }
}

fn seconds(started: Timestamp, finished: Option<Timestamp>) -> String {
    finished.map(|finished| format!("{:.2}", finished.duration_since(started).as_secs_f64())).unwrap_or_default()
}
