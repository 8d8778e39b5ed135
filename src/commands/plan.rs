//! `lakehouse plan`: what a run would do, and why.

use std::process::ExitCode;

use super::Context;
use crate::{cli::RunArgs, output};

/// Prints the plan.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let lines = lakehouse_pipeline::plan(&job).await?;
    if arguments.json {
        output::line(serde_json::to_string_pretty(&lines)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["stage", "what", "runs", "why"].map(str::to_owned).to_vec()];
    rows.extend(lines.into_iter().map(|line| {
        let runs = if line.runs { "yes" } else { "no" };
        vec![line.stage.to_owned(), line.name, runs.to_owned(), line.reason]
    }));
    output::table(&rows, &[]);
    Ok(ExitCode::SUCCESS)
}
