//! `lakehouse publish`: the datamarts that have changed, without a run.

use std::process::ExitCode;

use super::{Context, progress};
use crate::{
    cli::{PublishArgs, RunArgs},
    output,
};

/// Publishes and prints what was done.
pub async fn run(context: &Context<'_>, arguments: PublishArgs) -> anyhow::Result<ExitCode> {
    let PublishArgs { domain, json } = arguments;
    let job = context.job(&RunArgs { domain, sources: None, from: None, to: None, skip_training: true, json })?;
    let metadata = context.metadata().await?;
    let (progress, display) = progress::display(true);
    let outcome = lakehouse_pipeline::publish(&job, &metadata, &progress).await;
    metadata.close().await;
    display.finish();
    let reports = outcome?;
    if json {
        output::line(serde_json::to_string_pretty(&reports)?);
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["table", "version", "rows", "what"].map(str::to_owned).to_vec()];
    rows.extend(reports.into_iter().map(|report| {
        let (count, what) =
            if report.is_new { (output::grouped(report.rows), "published") } else { (String::new(), "unchanged") };
        vec![report.table, report.version.to_string(), count, what.to_owned()]
    }));
    output::table(&rows, &[1, 2]);
    Ok(ExitCode::SUCCESS)
}
