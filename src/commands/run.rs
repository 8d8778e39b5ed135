//! `lakehouse run`: all stages of a domain, and a report.

use std::process::ExitCode;

use lakehouse_pipeline::{Alerts, Occasion, RunError, RunReport, supervise};

use super::{Context, INTERRUPTED, progress, report, stop_between_steps};
use crate::{cli::RunArgs, output};

/// Runs the stages and prints the report. The first Ctrl-C lets the step that is under way finish, the second does not.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let (progress, display) = progress::display(arguments.json);
    let metadata = context.metadata().await?;
    let alerts = Alerts::start(&context.settings.alerts)?;
    let outcome = supervise(&job, &metadata, Occasion::manual(), stop_between_steps()?, &alerts, &progress).await;
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
