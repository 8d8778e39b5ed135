//! `lakehouse models`: what is registered, and which version is champion.

use std::{path::Path, process::ExitCode};

use anyhow::{Context as _, bail};
use lakehouse_mlflow::Mirror;
use lakehouse_onnx::Import;
use lakehouse_registry::{AliasName, ModelVersion, Registry, VersionNumber, VersionPage};
use lakehouse_spec::ModelName;
use serde_json::{Value, json};

use super::Context;
use crate::{
    cli::{ModelsArgs, ModelsVerb},
    output::{self, line},
};

/// Versions that a list shows.
const LISTED: usize = 50;

/// Runs the verb.
pub async fn run(context: &Context<'_>, arguments: ModelsArgs) -> anyhow::Result<ExitCode> {
    let registry = context.registry()?;
    match arguments.verb {
        ModelsVerb::List { model: None, json } => list_models(&registry, json).await?,
        ModelsVerb::List { model: Some(model), json } => list_versions(&registry, &model.parse()?, json).await?,
        ModelsVerb::Show { model, version, json } => show(&registry, &model.parse()?, version, json).await?,
        ModelsVerb::Promote { model, version, reason } => {
            let model = model.parse()?;
            promote(&registry, &model, version, &reason).await?;
            follow(context, &registry, &model, None).await?;
        }
        ModelsVerb::Import { model, onnx, with } => import(context, &registry, &model.parse()?, &onnx, &with).await?,
        ModelsVerb::Export { model } => export(context, &registry, model).await?,
        ModelsVerb::Rollback { model } => {
            let model: ModelName = model.parse()?;
            let moved = registry.rollback(&model, &AliasName::champion()).await?;
            line(format_args!("the champion of {model} is version {} again", moved.version));
            follow(context, &registry, &model, None).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn champion(registry: &Registry, model: &ModelName) -> anyhow::Result<Option<VersionNumber>> {
    Ok(registry.alias(model, &AliasName::champion()).await?.map(|current| current.version))
}

async fn list_models(registry: &Registry, is_json: bool) -> anyhow::Result<()> {
    let mut models = Vec::new();
    for model in registry.models().await? {
        let latest = registry.versions(&model, VersionPage { before: None, limit: 1 }).await?.pop();
        let champion = champion(registry, &model).await?;
        models.push(json!({ "model": model, "latest": latest.map(|latest| latest.version), "champion": champion }));
    }
    if is_json {
        line(serde_json::to_string_pretty(&models)?);
        return Ok(());
    }
    let mut rows = vec![["model", "latest", "champion"].map(str::to_owned).to_vec()];
    rows.extend(models.iter().map(|model| ["model", "latest", "champion"].map(|key| text(&model[key])).to_vec()));
    output::table(&rows, &[1, 2]);
    Ok(())
}

async fn list_versions(registry: &Registry, model: &ModelName, is_json: bool) -> anyhow::Result<()> {
    let versions = registry.versions(model, VersionPage { before: None, limit: LISTED }).await?;
    if versions.is_empty() {
        bail!("no version of `{model}` is registered; `lakehouse models list` shows the models");
    }
    let champion = champion(registry, model).await?;
    if is_json {
        let versions: Vec<Value> = versions.iter().map(|version| described(version, champion)).collect();
        line(serde_json::to_string_pretty(&versions)?);
        return Ok(());
    }
    let mut rows = vec![["version", "family", "average precision", "created", ""].map(str::to_owned).to_vec()];
    for version in &versions {
        let best = version.manifest["candidates"].as_array().and_then(|all| all.iter().find(|one| one["is_best"] == true));
        let precision = best.and_then(|best| best["average_precision"][0].as_f64());
        rows.push(vec![
            version.version.to_string(),
            text(&version.manifest["family"]),
            precision.map(|precision| format!("{precision:.4}")).unwrap_or_default(),
            version.created_at.to_string(),
            if champion == Some(version.version) { "champion".to_owned() } else { String::new() },
        ]);
    }
    output::table(&rows, &[0, 2]);
    Ok(())
}

async fn show(registry: &Registry, model: &ModelName, version: Option<u32>, is_json: bool) -> anyhow::Result<()> {
    let champion = champion(registry, model).await?;
    let wanted = version.map(VersionNumber).or(champion);
    let wanted = wanted.with_context(|| format!("`{model}` has no champion; name a version"))?;
    let version = registry.version(model, wanted).await?;
    if is_json {
        line(serde_json::to_string_pretty(&described(&version, champion))?);
        return Ok(());
    }
    let is_champion = if champion == Some(wanted) { ", the champion" } else { "" };
    line(format_args!("{model} version {wanted}{is_champion}: {}", text(&version.manifest["description"])));
    line(format_args!(
        "family {}, created {}, by run {}",
        text(&version.manifest["family"]),
        version.created_at,
        text(&version.manifest["run"])
    ));
    for (table, at) in version.manifest["made_from"]["tables"].as_object().into_iter().flatten() {
        line(format_args!("made from {table} at version {at}"));
    }
    for file in &version.files {
        line(format_args!("file {} ({} bytes, sha256 {})", file.name, file.size_bytes, file.sha256.as_str()));
    }
    if version.files.iter().any(|file| file.name == "report.md") {
        let report = registry.read_file(model, wanted, "report.md").await?;
        line(format_args!("\n{}", String::from_utf8_lossy(&report)));
    }
    Ok(())
}

async fn promote(registry: &Registry, model: &ModelName, version: u32, reason: &str) -> anyhow::Result<()> {
    let current = registry.alias(model, &AliasName::champion()).await?;
    let expected = current.map(|current| current.number);
    let moved = registry.promote(model, &AliasName::champion(), VersionNumber(version), expected, reason).await?;
    line(format_args!("the champion of {model} is version {}", moved.version));
    Ok(())
}

async fn import(context: &Context<'_>, registry: &Registry, model: &ModelName, onnx: &Path, with: &Path) -> anyhow::Result<()> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("failed to read {}", path.display()));
    let file = read(onnx)?;
    let import: Import = serde_json::from_slice(&read(with)?).with_context(|| format!("failed to read {}", with.display()))?;
    let rows = import.sample.len();
    let imported = import.read(model.as_str(), &file).with_context(|| format!("{} was not imported", onnx.display()))?;
    let difference = imported.max_difference;
    let version = registry.register(model, imported.into_version(file)?).await?.version;
    line(format_args!("{model} version {version}: {rows} sample rows score as they should, at most {difference:e} apart"));
    line(format_args!("`lakehouse models promote {model} {version}` makes it the champion"));
    follow(context, registry, model, Some(version)).await
}

/// Tells MLflow, if there is one, a new version, and where the aliases point now. The registry has moved already: a server that is away is a warning.
async fn follow(
    context: &Context<'_>,
    registry: &Registry,
    model: &ModelName,
    version: Option<VersionNumber>,
) -> anyhow::Result<()> {
    if let Some(mirror) = Mirror::open(&context.settings.mlflow)? {
        mirror.follow(registry, model, version).await;
    }
    Ok(())
}

async fn export(context: &Context<'_>, registry: &Registry, model: Option<String>) -> anyhow::Result<()> {
    let mirror = Mirror::open(&context.settings.mlflow)?;
    let mirror = mirror.context("there is no MLflow server: `mlflow.tracking_uri` names one")?;
    let models = match model {
        Some(model) => {
            let model = model.parse()?;
            if registry.versions(&model, VersionPage { before: None, limit: 1 }).await?.is_empty() {
                bail!("no version of `{model}` is registered; `lakehouse models list` shows the models");
            }
            vec![model]
        }
        None => registry.models().await?,
    };
    for model in models {
        let sent = mirror.exporter().model(registry, &model).await.with_context(|| format!("failed to export `{model}`"))?;
        line(format_args!("{model}: new to MLflow are {} versions and {} moves of aliases", sent.versions, sent.aliases));
    }
    Ok(())
}

fn described(version: &ModelVersion, champion: Option<VersionNumber>) -> Value {
    json!({
        "model": version.model,
        "version": version.version,
        "is_champion": champion == Some(version.version),
        "created_at": version.created_at,
        "manifest": version.manifest,
        "files": version.files,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
