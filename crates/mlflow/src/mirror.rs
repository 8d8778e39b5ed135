//! Following the registry without ever holding it up.

use std::{error::Error, time::Duration};

use lakehouse_registry::{Registry, VersionNumber};
use lakehouse_settings::MlflowSettings;
use lakehouse_spec::ModelName;
use metrics::counter;
use tokio::time::timeout;

use crate::{Exporter, MlflowError, Sent};

/// Tells MLflow what has just changed; a server that is away costs a warning. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Mirror {
    exporter: Exporter,
    patience_seconds: u64,
}

impl Mirror {
    /// What the settings ask for, if they name a server.
    pub fn open(settings: &MlflowSettings) -> Result<Option<Self>, MlflowError> {
        let Some(address) = &settings.tracking_uri else { return Ok(None) };
        let exporter = Exporter::new(address, settings)?;
        Ok(Some(Self { exporter, patience_seconds: settings.timeout_seconds }))
    }

    /// What tells, for whoever wants to know whether it worked.
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// Tells a version, if one is named, and where the model's aliases point now. Tells whether MLflow knows them; if not, the
    /// log says why, and what sends them again.
    pub async fn follow(&self, registry: &Registry, model: &ModelName, version: Option<VersionNumber>) -> bool {
        let telling = async {
            let mut versions = 0;
            if let Some(version) = version {
                versions += usize::from(self.exporter.version(registry, model, version).await?.1);
            }
            let sent = self.exporter.aliases(registry, model).await?;
            Ok::<_, MlflowError>(Sent { versions: versions + sent.versions, ..sent })
        };
        let told = timeout(Duration::from_secs(self.patience_seconds), telling).await;
        match told.unwrap_or(Err(MlflowError::TimedOut(self.patience_seconds))) {
            Ok(Sent { versions, aliases }) => {
                counter!("mlflow_exports_total", "result" => "done").increment(1);
                tracing::info!(%model, versions, aliases, "MLflow has been told");
                true
            }
            Err(error) => {
                counter!("mlflow_exports_total", "result" => "failed").increment(1);
                tracing::warn!(
                    %model,
                    error = %with_causes(&error),
                    "MLflow has not been told; the registry is up to date, and `lakehouse models export {model}` sends it again"
                );
                false
            }
        }
    }
}

fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (**error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
