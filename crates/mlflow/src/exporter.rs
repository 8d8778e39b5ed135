//! Versions and aliases of the registry, made so in MLflow.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lakehouse_models::{ArtifactError, FORM_FILE, MANIFEST_FILE, Manifest};
use lakehouse_registry::{AliasName, ModelVersion, Registry, VersionNumber, VersionPage};
use lakehouse_settings::MlflowSettings;
use lakehouse_spec::ModelName;
use reqwest::Url;
use serde_json::{Value, json};

use crate::{MlflowError, client::Client, described};

/// Versions that are read from the registry at once.
const PAGE: usize = 100;
/// What one `log-batch` takes.
const BATCH: usize = 100;

/// Tells one MLflow server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Exporter {
    client: Client,
    experiment: String,
}

/// What MLflow was told that it had not known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Versions.
    pub versions: usize,
    /// Moves of aliases.
    pub aliases: usize,
}

/// A run in MLflow.
struct Run {
    id: String,
    artifact_uri: String,
    is_finished: bool,
}

impl Exporter {
    /// Tells the server at `address`.
    pub fn new(address: &Url, settings: &MlflowSettings) -> Result<Self, MlflowError> {
        Ok(Self { client: Client::new(address, settings)?, experiment: settings.experiment.clone() })
    }

    /// All versions of a model, oldest first, and where its aliases point.
    pub async fn model(&self, registry: &Registry, model: &ModelName) -> Result<Sent, MlflowError> {
        let mut versions = Vec::new();
        let mut before = None;
        loop {
            let page = registry.versions(model, VersionPage { before, limit: PAGE }).await?;
            let Some(last) = page.last() else { break };
            before = Some(last.version);
            versions.extend(page.into_iter().map(|version| version.version));
        }
        let mut sent = Sent::default();
        for version in versions.into_iter().rev() {
            sent.versions += usize::from(self.version(registry, model, version).await?.1);
        }
        let aliases = self.aliases(registry, model).await?;
        Ok(Sent { versions: sent.versions + aliases.versions, ..aliases })
    }

    /// One version; gives its number in MLflow, which counts for itself, and whether it was new there.
    pub async fn version(
        &self,
        registry: &Registry,
        model: &ModelName,
        version: VersionNumber,
    ) -> Result<(String, bool), MlflowError> {
        let version = registry.version(model, version).await?;
        let experiment = self.experiment().await?;
        let run = match self.find_run(&experiment, &version).await? {
            Some(run) if run.is_finished => run,
            begun => self.log_run(registry, &experiment, &version, begun).await?,
        };
        let name = model.as_str();
        let filter = format!("name = '{name}' and run_id = '{}'", run.id);
        let found = self.client.get("model-versions/search", &[("filter", filter.as_str())]).await?;
        if let Some(number) = found["model_versions"][0]["version"].as_str() {
            return Ok((number.to_owned(), false));
        }
        self.client.create("registered-models/create", &json!({ "name": name })).await?;
        let tags = pairs(&described::identity(&version));
        let new = json!({ "name": name, "source": run.artifact_uri, "run_id": run.id, "tags": tags });
        let made = self.client.post("model-versions/create", &new).await?;
        Ok((text(&made["model_version"], "model-versions/create", "version")?, true))
    }

    /// Points the aliases where they point in the registry; a version they point at is told first.
    pub async fn aliases(&self, registry: &Registry, model: &ModelName) -> Result<Sent, MlflowError> {
        let mut sent = Sent::default();
        for alias in [AliasName::champion(), AliasName::challenger()] {
            let Some(holds) = registry.alias(model, &alias).await? else { continue };
            let (number, is_new) = self.version(registry, model, holds.version).await?;
            sent.versions += usize::from(is_new);
            let (name, alias) = (model.as_str(), alias.as_str());
            let there = self.client.find("registered-models/alias", &[("name", name), ("alias", alias)]).await?;
            if there.is_none_or(|there| there["model_version"]["version"] != number.as_str()) {
                let moved = json!({ "name": name, "alias": alias, "version": number });
                self.client.post("registered-models/alias", &moved).await?;
                sent.aliases += 1;
            }
        }
        Ok(sent)
    }

    /// The experiment's id; it is made if it is not there.
    async fn experiment(&self) -> Result<String, MlflowError> {
        const BY_NAME: &str = "experiments/get-by-name";
        let name = self.experiment.as_str();
        let mut found = self.client.find(BY_NAME, &[("experiment_name", name)]).await?;
        if found.is_none() {
            // Somebody else may be quicker: whoever made it, there is one now.
            self.client.create("experiments/create", &json!({ "name": name })).await?;
            found = Some(self.client.get(BY_NAME, &[("experiment_name", name)]).await?);
        }
        let experiment = &found.unwrap_or_default()["experiment"];
        if experiment["lifecycle_stage"] == "deleted" {
            return Err(MlflowError::DeletedExperiment(name.to_owned()));
        }
        text(experiment, BY_NAME, "experiment_id")
    }

    async fn find_run(&self, experiment: &str, version: &ModelVersion) -> Result<Option<Run>, MlflowError> {
        let tags = described::identity(version);
        let filter: Vec<String> = tags.iter().map(|(key, value)| format!("tags.`{key}` = '{value}'")).collect();
        let filter = filter.join(" and ");
        // The first of them, should two programs ever have told the same version at the same time.
        let search = json!({
            "experiment_ids": [experiment], "filter": filter, "max_results": 1, "order_by": ["attributes.start_time ASC"],
        });
        let found = self.client.post("runs/search", &search).await?;
        found["runs"].get(0).map(|run| Run::read(run, "runs/search")).transpose()
    }

    /// Everything about a version as a run. Telling it again writes the same over the same.
    async fn log_run(
        &self,
        registry: &Registry,
        experiment: &str,
        version: &ModelVersion,
        begun: Option<Run>,
    ) -> Result<Run, MlflowError> {
        let read = registry.read_file(&version.model, version.version, MANIFEST_FILE).await?;
        let manifest: Manifest =
            serde_json::from_slice(&read).map_err(|source| MlflowError::Manifest(ArtifactError::Manifest(source)))?;
        let registered_at = version.created_at.as_millisecond();
        let run = match begun {
            Some(run) => run,
            None => {
                let run_name = format!("{} {}", version.model, version.version);
                let tags = pairs(&described::identity(version));
                let new = json!({
                    "experiment_id": experiment, "run_name": run_name, "start_time": registered_at, "tags": tags,
                });
                Run::read(&self.client.post("runs/create", &new).await?["run"], "runs/create")?
            }
        };
        self.log_numbers(&run, version, &manifest, registered_at).await?;
        for file in &version.files {
            let bytes = registry.read_file(&version.model, version.version, &file.name).await?;
            self.client.upload(&run.artifact_uri, &place(&file.name), bytes).await?;
        }
        let record = serde_json::to_vec_pretty(version).unwrap_or_default();
        self.client.upload(&run.artifact_uri, "version.json", record.into()).await?;
        let finished = json!({ "run_id": run.id, "status": "FINISHED", "end_time": Timestamp::now().as_millisecond() });
        self.client.post("runs/update", &finished).await?;
        Ok(Run { is_finished: true, ..run })
    }

    async fn log_numbers(
        &self,
        run: &Run,
        version: &ModelVersion,
        manifest: &Manifest,
        timestamp: i64,
    ) -> Result<(), MlflowError> {
        let metric = |(key, value): (String, f64)| json!({ "key": key, "value": value, "timestamp": timestamp, "step": 0 });
        let metrics: Vec<Value> = described::metrics(&manifest.description.metrics).into_iter().map(metric).collect();
        for (kind, entries) in [
            ("metrics", metrics),
            ("params", pairs(&described::parameters(manifest))),
            ("tags", pairs(&described::tags(version, manifest))),
        ] {
            for batch in entries.chunks(BATCH) {
                let mut body = json!({ "run_id": run.id });
                body[kind] = json!(batch);
                self.client.post("runs/log-batch", &body).await?;
            }
        }
        Ok(())
    }
}

impl Run {
    fn read(run: &Value, path: &str) -> Result<Self, MlflowError> {
        let info = &run["info"];
        let is_finished = info["status"] == "FINISHED";
        Ok(Self { id: text(info, path, "run_id")?, artifact_uri: text(info, path, "artifact_uri")?, is_finished })
    }
}

/// What can be scored is in a folder of its own, reports beside it.
fn place(file: &str) -> String {
    if [MANIFEST_FILE, FORM_FILE].contains(&file) { format!("model/{file}") } else { file.to_owned() }
}

fn pairs(entries: &BTreeMap<String, String>) -> Vec<Value> {
    entries.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
}

fn text(value: &Value, path: &str, member: &'static str) -> Result<String, MlflowError> {
    let text = value[member].as_str().map(str::to_owned);
    text.ok_or_else(|| MlflowError::Answer { path: path.to_owned(), member })
}
