//! `lakehouse run`: all stages of a domain, and a report.

use std::process::ExitCode;

use super::{Context, progress, report};
use crate::{cli::RunArgs, output};

/// Runs the stages and prints the report.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let (progress, display) = progress::display(arguments.json);
    let outcome = lakehouse_pipeline::run(&job, &progress).await;
    display.finish();
    let done = outcome?;
    if arguments.json {
        output::line(serde_json::to_string_pretty(&done)?);
    } else {
        report::print(&done, context.settings);
    }
    Ok(ExitCode::SUCCESS)
}
