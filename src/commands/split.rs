//! `lakehouse split`: one CSV file in parts.

use std::{path::Path, process::ExitCode};

use lakehouse_sources_api::split_csv;

use crate::{cli::SplitArgs, output};

/// Writes the parts.
pub async fn run(arguments: SplitArgs) -> anyhow::Result<ExitCode> {
    let parts = tokio::task::spawn_blocking(move || {
        let beside = arguments.file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let out = arguments.out.as_deref().unwrap_or(beside);
        split_csv(&arguments.file, out, arguments.parts)
    });
    for part in parts.await?? {
        output::line(format_args!("{}  {} rows", part.name, output::grouped(part.rows)));
    }
    Ok(ExitCode::SUCCESS)
}
