//! The verb that makes samples.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `generate`.
#[derive(Debug, Args)]
pub struct GenerateArgs {
    /// The domain.
    #[command(subcommand)]
    pub domain: SampleArgs,
}

/// The domains that samples can be made for.
#[derive(Debug, Subcommand)]
pub enum SampleArgs {
    /// Card transactions, cards, clients, merchant categories and verdicts
    Fraud(FraudArgs),
    /// A topology, its telemetry, incidents and firewall logs
    Network(NetworkArgs),
}

/// `generate network`.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// The folder to write to; created if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A topology (GML, GraphML or JSON) instead of a made-up one
    #[arg(long, value_name = "FILE", conflicts_with_all = ["num_sites", "nodes_per_site"])]
    pub topology: Option<PathBuf>,
    /// Sites of a made-up topology, 1 to 50
    #[arg(long, default_value_t = 5)]
    pub num_sites: u32,
    /// Nodes at each of them, 1 to 20
    #[arg(long, default_value_t = 3)]
    pub nodes_per_site: u32,
    /// Minutes of telemetry, from an hour on
    #[arg(long, default_value_t = 1_440)]
    pub duration_min: u32,
    /// Minutes between two measurements, 1 to 60
    #[arg(long, default_value_t = 1)]
    pub freq_min: u32,
    /// Share of time a node spends in incidents of its own, 0 to 1; a link half of that
    #[arg(long, default_value_t = 0.01)]
    pub incident_rate: f64,
    /// The first day
    #[arg(long, default_value = "2025-02-03", value_name = "DATE")]
    pub start: String,
    /// Lines a minute that a firewall logs when its site is busy
    #[arg(long, default_value_t = 6)]
    pub firewall_rows_per_min: u32,
    /// The same seed and arguments give the same bytes
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `generate fraud`.
#[derive(Debug, Args)]
pub struct FraudArgs {
    /// The folder to write to; created if it is not there
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Transactions to write
    #[arg(long, default_value_t = 100_000)]
    pub transactions: u64,
    /// The same seed and arguments give the same bytes
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// Share of rows to damage, 0 to 0.5
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub dirty: f64,
    /// Print a JSON object instead of text
    #[arg(long)]
    pub json: bool,
}
