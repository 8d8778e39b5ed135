//! The verbs, one a file.

pub mod care;
pub mod config;
pub mod doctor;
pub mod generate;
pub mod health;
pub mod keys;
pub mod models;
pub mod plan;
mod progress;
pub mod publish;
mod report;
pub mod restore;
pub mod run;
pub mod runs;
pub mod schedule;
pub mod serve;
pub mod smoke;
pub mod split;
pub mod sql;
pub mod users;

use std::{io, ops::RangeInclusive, path::Path, time::Duration};

use jiff::civil::Date;
use lakehouse_lake::{Lake, LakeOptions};
use lakehouse_landing::Landing;
use lakehouse_metadata::Metadata;
use lakehouse_mlflow::Mirror;
use lakehouse_pipeline::{RunJob, Sources, StepPolicy};
use lakehouse_postgres::{Database, Target};
use lakehouse_registry::Registry;
use lakehouse_service::stop_on_signal;
use lakehouse_settings::Settings;
use lakehouse_spec::{Domain, SpecError, find_domain};

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::{cli::RunArgs, output};

/// The exit code of what was told to stop, as shells give it to what Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Cancelled by the first Ctrl-C, which lets the step that is under way finish. The second one ends the process: the next run makes
/// good what it left.
fn stop_between_steps() -> io::Result<CancellationToken> {
    let stop = stop_on_signal()?;
    let told = stop.clone();
    tokio::spawn(async move {
        told.cancelled().await;
        // Before the note: whoever reads it can rely on it.
        let Ok(mut again) = signal(SignalKind::interrupt()) else { return };
        output::note("finishing the step that is under way; Ctrl-C once more stops at once");
        again.recv().await;
        exit_at_once();
    });
    Ok(stop)
}

#[expect(clippy::disallowed_methods, reason = "fits and sorts on threads of their own would be waited for, perhaps for minutes")]
fn exit_at_once() {
    std::process::exit(INTERRUPTED.into());
}

/// What every verb may need.
pub struct Context<'a> {
    /// The effective settings.
    pub settings: &'a Settings,
    /// Where more domain folders are.
    pub domains: Option<&'a Path>,
}

impl Context<'_> {
    fn domain(&self, name: &str) -> Result<Domain, SpecError> {
        find_domain(name, self.domains)
    }

    fn lake(&self) -> anyhow::Result<Lake> {
        let options = LakeOptions::new(self.settings.lake.as_str(), self.settings.memory_limit_mb)?;
        Ok(Lake::open(options, self.settings.open_store(&self.settings.lake)?)?)
    }

    fn registry(&self) -> anyhow::Result<Registry> {
        let uri = &self.settings.registry;
        Ok(Registry::open(self.settings.open_store(uri)?, uri)?)
    }

    async fn metadata(&self) -> anyhow::Result<Metadata> {
        Ok(Metadata::open(self.settings.database_url.expose()).await?)
    }

    /// The PostgreSQL of sources, if there is one.
    fn source_database(&self) -> anyhow::Result<Option<Database>> {
        let url = self.settings.source_database_url.as_ref();
        Ok(url.map(|url| Database::parse("source_database_url", url.expose())).transpose()?)
    }

    fn publish_target(&self, domain: &str) -> anyhow::Result<Option<Target>> {
        let Some(url) = &self.settings.publish_database_url else { return Ok(None) };
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Ok(Some(Target {
            database: Database::parse("publish_database_url", url.expose())?,
            schema: given(&self.settings.publish_schema).unwrap_or_else(|| domain.to_owned()),
            reader: given(&self.settings.publish_reader),
        }))
    }

    fn again(&self, arguments: &RunArgs) -> anyhow::Result<Option<RangeInclusive<Date>>> {
        let (Some(from), Some(to)) = (arguments.from, arguments.to) else { return Ok(None) };
        anyhow::ensure!(from <= to, "--from {from} is after --to {to}");
        anyhow::ensure!(
            self.settings.source_database_url.is_some(),
            "only a database has dates to read again: set `source_database_url`"
        );
        Ok(Some(from..=to))
    }

    fn job(&self, arguments: &RunArgs) -> anyhow::Result<RunJob> {
        let sources = match &arguments.sources {
            Some(given) => given.parse::<Sources>()?,
            None => Sources::Folder(self.settings.sources.clone()),
        };
        let runs = &self.settings.runs;
        Ok(RunJob {
            domain: self.domain(&arguments.domain)?,
            lake: self.lake()?,
            registry: self.registry()?,
            sources,
            landing: Landing::open(self.settings.open_store(&self.settings.lake)?, &self.settings.lake)?,
            again: self.again(arguments)?,
            database: self.source_database()?,
            publish: self.publish_target(&arguments.domain)?,
            mirror: Mirror::open(&self.settings.mlflow)?,
            skip_training: arguments.skip_training,
            policy: StepPolicy {
                tries: runs.step_tries,
                pause: Duration::from_secs(runs.step_pause_seconds),
                timeout: Duration::from_secs(runs.step_timeout_seconds),
            },
            resumes: None,
        })
    }
}
