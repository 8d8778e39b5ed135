//! `lakehouse config`: the effective settings, as a `lakehouse.toml` that gives them again.

use std::process::ExitCode;

use super::Context;
use crate::output;

/// Prints the settings.
pub fn run(context: &Context<'_>) -> anyhow::Result<ExitCode> {
    output::line(context.settings.to_string().trim_end());
    Ok(ExitCode::SUCCESS)
}
