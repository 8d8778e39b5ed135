//! `lakehouse run` and `lakehouse resume`: all stages of a domain, or those that are left, and a report.

use std::process::ExitCode;

use lakehouse_metadata::{Metadata, RunTrigger};
use lakehouse_pipeline::{Alerts, Occasion, RunError, RunJob, RunReport, resumable, supervise};

use super::{Context, INTERRUPTED, progress, report, stop_between_steps};
use crate::{cli::RunArgs, output};

/// Runs the stages and prints the report. The first Ctrl-C lets the step that is under way finish, the second does not.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let metadata = context.metadata().await?;
    start(context, job, metadata, Occasion::manual(), arguments.json).await
}

/// Goes on with the last run, which ended early.
pub async fn resume(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let mut job = context.job(&arguments)?;
    let metadata = context.metadata().await?;
    job.resumes = Some(resumable(&job, &metadata).await?);
    let occasion = Occasion { trigger: RunTrigger::Resume, ..Occasion::manual() };
    start(context, job, metadata, occasion, arguments.json).await
}

async fn start(
    context: &Context<'_>,
    job: RunJob,
    metadata: Metadata,
    occasion: Occasion,
    is_json: bool,
) -> anyhow::Result<ExitCode> {
    let (progress, display) = progress::display(is_json);
    let alerts = Alerts::start(&context.settings.alerts)?;
    let outcome = supervise(&job, &metadata, occasion, stop_between_steps()?, &alerts, &progress).await;
    metadata.close().await;
    display.finish();
    drop(progress);
    let code = tell(context, is_json, outcome);
    // Whoever waits for the report does not wait for a mail server.
    alerts.finish().await;
    code
}

fn tell(context: &Context<'_>, is_json: bool, outcome: Result<RunReport, RunError>) -> anyhow::Result<ExitCode> {
    let done = match outcome {
        Err(stopped @ RunError::Stopped) => {
            output::note(stopped);
            return Ok(ExitCode::from(INTERRUPTED));
        }
        outcome => outcome?,
    };
    if is_json {
        output::line(serde_json::to_string_pretty(&done)?);
    } else {
        report::print(&done, context.settings);
    }
    Ok(ExitCode::SUCCESS)
}
