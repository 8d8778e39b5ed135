//! `lakehouse schedule`: runs a domain whenever its schedule says so.

use std::process::ExitCode;

use lakehouse_pipeline::{Alerts, keep_schedule};
use lakehouse_service::stop_on_signal;

use super::{Context, progress};
use crate::cli::RunArgs;

/// Keeps the schedule until Ctrl-C, which lets the step that is under way finish.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let metadata = context.metadata().await?;
    let alerts = Alerts::start(&context.settings.alerts)?;
    let (progress, display) = progress::display(arguments.json);
    let outcome = keep_schedule(&job, &metadata, &stop_on_signal()?, &alerts, &progress).await;
    drop(progress);
    alerts.finish().await;
    metadata.close().await;
    display.finish();
    outcome?;
    Ok(ExitCode::SUCCESS)
}
