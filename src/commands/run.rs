//! `lakehouse run`: all stages of a domain, and a report.

use std::process::ExitCode;

use lakehouse_pipeline::{Alerts, Occasion, RunError, RunReport, supervise};
use lakehouse_service::stop_on_signal;

use super::{Context, progress, report};
use crate::{cli::RunArgs, output};

/// The exit code of a run that was told to stop, as shells give it to one that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs the stages and prints the report. The first Ctrl-C lets the step that is under way finish.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let (progress, display) = progress::display(arguments.json);
    let metadata = context.metadata().await?;
    let alerts = Alerts::start(&context.settings.alerts)?;
    let outcome = supervise(&job, &metadata, Occasion::manual(), stop_on_signal()?, &alerts, &progress).await;
    metadata.close().await;
    display.finish();
    drop(progress);
    let code = tell(context, arguments.json, outcome);
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
