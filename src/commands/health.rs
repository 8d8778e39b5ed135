//! `lakehouse health`: is a service well?

use std::{process::ExitCode, time::Duration};

use clap::Args;
use lakehouse_service::{Probe, ProbeAddress, seconds_of, told};

/// `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// What to ask, such as http://127.0.0.1:9999/health/ready
    pub url: ProbeAddress,
    /// Seconds one answer may take
    #[arg(long, value_name = "SECONDS", value_parser = seconds_of, default_value = Probe::TIMEOUT_SECONDS)]
    pub timeout: Duration,
    /// Seconds to go on asking until the answer is good
    #[arg(long, value_name = "SECONDS", value_parser = seconds_of, default_value = "0")]
    pub wait: Duration,
}

/// Asks, and prints what was said.
pub async fn run(arguments: HealthArgs) -> ExitCode {
    let HealthArgs { url, timeout, wait } = arguments;
    told(Probe { address: url, timeout, wait }.ask().await)
}
