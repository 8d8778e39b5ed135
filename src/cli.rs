//! The command line.

mod accounts;
mod generate;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;
use lakehouse_lake::At;
use lakehouse_settings::{LogOverrides, Overrides};
use lakehouse_spec::TableName;

use crate::commands::{health::HealthArgs, smoke::SmokeArgs};
pub use accounts::{KeysArgs, KeysVerb, UsersArgs, UsersVerb};
pub use generate::{FraudArgs, GenerateArgs, NetworkArgs, SampleArgs};

/// From raw files to Delta tables, datamarts, models and scores.
#[derive(Debug, Parser)]
#[command(name = "lakehouse", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// A settings file instead of ./lakehouse.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where the tables are: a folder, or a URI such as s3://bucket/prefix
    #[arg(long, global = true, value_name = "URI")]
    pub lake: Option<String>,
    /// A folder of domain folders that add to or override the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    pub domains: Option<PathBuf>,
    /// What is logged to standard error: error, warn, info, debug or trace
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log: Option<String>,
}

impl Cli {
    /// What the flags override in the settings.
    pub fn overrides(&self) -> Overrides {
        let sources = match &self.command {
            Command::Serve(arguments) => arguments.sources.clone(),
            _ => None,
        };
        Overrides {
            lake: self.lake.clone(),
            sources,
            log: LogOverrides { level: self.log.clone(), format: None },
            ..Overrides::default()
        }
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a sample source set
    Generate(GenerateArgs),
    /// Tell what a run would do, and why
    Plan(RunArgs),
    /// Publish the datamarts that have changed to the database of the settings
    Publish(PublishArgs),
    /// Run a domain's stages: ingestion, preprocessing, signals, datamarts, training
    Run(RunArgs),
    /// Go on with a domain's last run where it failed or was stopped
    Resume(RunArgs),
    /// Run domains whenever their schedules say so or the API is asked to, and care for their tables, until Ctrl-C
    Schedule(ScheduleArgs),
    /// List runs, or show one
    Runs(RunsArgs),
    /// Put small files of tables together, checkpoint logs, remove files nobody needs; runs may go on meanwhile
    Care(CareArgs),
    /// Put a table back to an earlier version
    Restore(RestoreArgs),
    /// Run one read-only query over the lake
    Sql(SqlArgs),
    /// Serve the APIs until Ctrl-C
    Serve(ServeArgs),
    /// Look at registered models and move their champion
    Models(ModelsArgs),
    /// Say who may ask the services: users, their roles and passwords
    Users(UsersArgs),
    /// Make, list and revoke API keys
    Keys(KeysArgs),
    /// Split a CSV file into parts of near-equal row counts
    Split(SplitArgs),
    /// Check settings, store, space and versions
    Doctor(DoctorArgs),
    /// Ask a service how it is: exit code 0 if it is well
    Health(HealthArgs),
    /// Use a running stack as its users do, harmlessly: exit code 0 if all of it works
    Smoke(SmokeArgs),
    /// Print the effective settings
    Config,
}

/// `plan`, `run` and `resume`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The domain: fraud
    pub domain: String,
    /// A folder of source files, or the address of a sources API [default: the setting `sources`]
    #[arg(long, value_name = "DIR|URL")]
    pub sources: Option<String>,
    /// Read batches from this date on again from the sources' database, and replace what has landed of them
    #[arg(long, value_name = "DATE", requires = "to")]
    pub from: Option<Date>,
    /// Up to this date
    #[arg(long, value_name = "DATE", requires = "from")]
    pub to: Option<Date>,
    /// Stop after the datamarts
    #[arg(long)]
    pub skip_training: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `schedule`.
#[derive(Debug, Args)]
pub struct ScheduleArgs {
    /// The domains, such as fraud
    #[arg(required = true, value_name = "DOMAIN")]
    pub names: Vec<String>,
    /// A folder of source files, or the address of a sources API [default: the setting `sources`]
    #[arg(long, value_name = "DIR|URL")]
    pub sources: Option<String>,
    /// Stop after the datamarts
    #[arg(long)]
    pub skip_training: bool,
}

/// `publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The domain: fraud
    pub domain: String,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `runs`.
#[derive(Debug, Args)]
pub struct RunsArgs {
    /// The run to show [default: list the latest]
    pub run: Option<String>,
    /// Only runs of this domain
    #[arg(long)]
    pub domain: Option<String>,
    /// How many to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `care`.
#[derive(Debug, Args)]
pub struct CareArgs {
    /// The domain: fraud [default: all that have tables]
    pub domain: Option<String>,
    /// Only this table, such as bronze.transactions
    #[arg(long, value_name = "TABLE")]
    pub table: Option<TableName>,
    /// Tell what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Hours that files are kept which the present version does not need [default: the setting `care.retention_hours`]
    #[arg(long, value_name = "HOURS")]
    pub retention_hours: Option<u64>,
    /// Accept less than the setting `care.min_retention_hours`: only while nothing writes
    #[arg(long, requires = "retention_hours")]
    pub allow_short_retention: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The domain: fraud
    pub domain: String,
    /// The table, such as bronze.transactions
    pub table: TableName,
    /// A version, or an instant such as 2026-11-21T12:00:00Z
    #[arg(long, value_name = "VERSION|INSTANT")]
    pub to: At,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// `sql`.
#[derive(Debug, Args)]
pub struct SqlArgs {
    /// One select; tables are bronze, silver, signals, gold or quarantine and a name: `select * from gold.dm_mcc_fraud_risk`
    pub query: String,
    /// The domain whose tables need no prefix
    #[arg(long, default_value = "fraud")]
    pub domain: String,
    /// Tables as they were: a version, or an instant such as 2026-11-21T12:00:00Z
    #[arg(long, value_name = "VERSION|INSTANT")]
    pub at: Option<At>,
    /// How to print the rows
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// A file to write to instead of standard output; needed for parquet
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How rows are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// Comma-separated, with a header
    Csv,
    /// One JSON object a line
    Json,
    /// Apache Parquet
    Parquet,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Which services
    #[arg(value_enum, default_value_t = Which::All)]
    pub which: Which,
    /// The folder of the sources API [default: the setting `sources`]
    #[arg(long, value_name = "DIR")]
    pub sources: Option<String>,
}

/// Which services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// The datamart API
    Api,
    /// The sources API
    Sources,
    /// The scoring API
    Ml,
    /// All three
    All,
}

/// `models`.
#[derive(Debug, Args)]
pub struct ModelsArgs {
    /// What to do
    #[command(subcommand)]
    pub verb: ModelsVerb,
}

/// The verbs of `models`.
#[derive(Debug, Subcommand)]
pub enum ModelsVerb {
    /// List models, or the versions of one
    List {
        /// The model
        model: Option<String>,
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Show a version: how it was made, how good it is
    Show {
        /// The model
        model: String,
        /// The version [default: the champion]
        version: Option<u32>,
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Make a version the champion
    Promote {
        /// The model
        model: String,
        /// The version
        version: u32,
        /// Why, for the history
        #[arg(long, default_value = "promoted by hand")]
        reason: String,
    },
    /// Make a version of an ONNX file, if its sample scores here as it did where it was fitted; nothing points at it yet
    Import {
        /// The model
        model: String,
        /// The ONNX file: trees, or a linear classifier
        #[arg(long, value_name = "FILE")]
        onnx: PathBuf,
        /// JSON with `about`, `threshold`, `encoder` and `sample`, as `POST /models/{model}/versions` takes it
        #[arg(long, value_name = "FILE")]
        with: PathBuf,
    },
    /// Send what MLflow does not know yet: versions, and where the aliases point
    Export {
        /// The model [default: all]
        model: Option<String>,
    },
    /// Put the champion back to the version before
    Rollback {
        /// The model
        model: String,
    },
}

/// `split`.
#[derive(Debug, Args)]
pub struct SplitArgs {
    /// The CSV file, plain or gzip
    pub file: PathBuf,
    /// How many parts
    #[arg(long, default_value_t = 4)]
    pub parts: u32,
    /// Where the parts go [default: beside the file]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        super::Cli::command().debug_assert();
    }
}
