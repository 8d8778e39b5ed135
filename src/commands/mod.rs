//! The verbs, one a file.

pub mod config;
pub mod doctor;
pub mod generate;
pub mod models;
pub mod plan;
mod progress;
mod report;
pub mod run;
pub mod runs;
pub mod schedule;
pub mod serve;
pub mod split;
pub mod sql;

use std::path::Path;

use lakehouse_lake::{Lake, LakeOptions};
use lakehouse_metadata::Metadata;
use lakehouse_pipeline::{RunJob, Sources};
use lakehouse_registry::Registry;
use lakehouse_settings::Settings;
use lakehouse_spec::{Domain, SpecError, find_domain};

use crate::cli::RunArgs;

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

    fn job(&self, arguments: &RunArgs) -> anyhow::Result<RunJob> {
        let sources = match &arguments.sources {
            Some(given) => given.parse::<Sources>()?,
            None => Sources::Folder(self.settings.sources.clone()),
        };
        Ok(RunJob {
            domain: self.domain(&arguments.domain)?,
            lake: self.lake()?,
            registry: self.registry()?,
            sources,
            skip_training: arguments.skip_training,
        })
    }
}
