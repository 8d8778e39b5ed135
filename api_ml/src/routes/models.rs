//! `GET /models` and what is below it

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use jiff::Timestamp;
use lakehouse_registry::{AliasMove, AliasName, FileRecord, ModelVersion, Registry, RegistryError, VersionNumber, VersionPage};
use lakehouse_service::{ApiResult, PathParams, Problem, Problems, QueryParams};
use lakehouse_spec::ModelName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::AppState;

const DEFAULT_PAGE: u16 = 20;
const LONGEST_PAGE: u16 = 100;

/// The models of the registry.
#[derive(Serialize, ToSchema)]
pub struct ModelList {
    /// By name.
    models: Vec<RegisteredModel>,
}

/// A model of the registry.
#[derive(Serialize, ToSchema)]
pub struct RegisteredModel {
    /// Its name.
    #[schema(example = "fraud")]
    name: String,
    /// Its newest version.
    newest_version: Option<u32>,
    /// What points at a version: `champion`, `challenger`.
    aliases: BTreeMap<String, AliasInfo>,
}

/// Where an alias points.
#[derive(Serialize, ToSchema)]
struct AliasInfo {
    /// The version.
    version: u32,
    /// Moves so far, this one included.
    moves: u32,
    /// When it was moved.
    #[schema(value_type = String, format = DateTime)]
    moved_at: Timestamp,
    /// Why it was moved.
    reason: String,
}

/// A page of versions, newest first.
#[derive(Serialize, ToSchema)]
pub struct VersionList {
    /// The versions.
    versions: Vec<VersionInfo>,
    /// Give this as `before` to get the next page; null on the last one.
    next_before: Option<u32>,
}

/// A version of a model.
#[derive(Serialize, ToSchema)]
pub struct VersionInfo {
    /// The model.
    #[schema(example = "fraud")]
    model: String,
    /// The version.
    version: u32,
    /// When it was trained.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// Its files.
    files: Vec<FileInfo>,
    /// How it came to be: family, parameters, metrics, table versions read, the gate's verdict.
    #[schema(value_type = Object)]
    manifest: Value,
}

/// A file of a version.
#[derive(Serialize, ToSchema)]
struct FileInfo {
    /// Its name.
    #[schema(example = "manifest.json")]
    name: String,
    /// SHA-256 of its content, in hexadecimal.
    sha256: String,
    /// Bytes.
    size_bytes: u64,
}

/// A model.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ModelPath {
    /// The model.
    #[param(value_type = String, example = "fraud")]
    pub(super) model: ModelName,
}

/// A version of a model.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct VersionPath {
    /// The model.
    #[param(value_type = String, example = "fraud")]
    model: ModelName,
    /// The version.
    #[param(minimum = 0, example = 1)]
    version: u32,
}

/// Which part of the versions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// Only versions below this one.
    #[param(minimum = 0)]
    before: Option<u32>,
    /// At most so many, 20 unless said, 100 at most.
    #[param(minimum = 0)]
    limit: Option<u16>,
}

/// Lists the models of the registry, with what points at their versions.
#[utoipa::path(get, path = "/models", tag = "models", responses((status = 200, body = ModelList), Problems))]
pub async fn list_models(State(AppState { registry, .. }): State<AppState>) -> ApiResult<Json<ModelList>> {
    let mut models = Vec::new();
    for name in registry.models().await.map_err(refusal)? {
        models.push(RegisteredModel::find(&registry, name).await?);
    }
    Ok(Json(ModelList { models }))
}

/// Lists a model's versions, newest first.
#[utoipa::path(
    get, path = "/models/{model}/versions", tag = "models", params(ModelPath, PageQuery),
    responses((status = 200, body = VersionList), (status = 404, description = "There is no such model"), Problems)
)]
pub async fn list_versions(
    State(AppState { registry, .. }): State<AppState>,
    PathParams(ModelPath { model }): PathParams<ModelPath>,
    QueryParams(PageQuery { before, limit }): QueryParams<PageQuery>,
) -> ApiResult<Json<VersionList>> {
    let limit = usize::from(limit.unwrap_or(DEFAULT_PAGE).min(LONGEST_PAGE));
    let page = VersionPage { before: before.map(VersionNumber), limit };
    let versions = registry.versions(&model, page).await.map_err(refusal)?;
    if versions.is_empty() && before.is_none() && limit > 0 {
        return Err(Problem::not_found(format!("there is no model `{model}`")).with_code("unknown_model"));
    }
    let last = versions.last().map(|version| version.version.0);
    let next_before = last.filter(|last| *last > 1 && versions.len() == limit);
    Ok(Json(VersionList { versions: versions.into_iter().map(VersionInfo::from).collect(), next_before }))
}

/// Describes a version.
#[utoipa::path(
    get, path = "/models/{model}/versions/{version}", tag = "models", params(VersionPath),
    responses((status = 200, body = VersionInfo), (status = 404, description = "There is no such version"), Problems)
)]
pub async fn show_version(
    State(AppState { registry, .. }): State<AppState>,
    PathParams(VersionPath { model, version }): PathParams<VersionPath>,
) -> ApiResult<Json<VersionInfo>> {
    let version = registry.version(&model, VersionNumber(version)).await.map_err(refusal)?;
    Ok(Json(version.into()))
}

impl RegisteredModel {
    async fn find(registry: &Registry, name: ModelName) -> ApiResult<Self> {
        let newest = registry.versions(&name, VersionPage { before: None, limit: 1 }).await.map_err(refusal)?;
        let mut aliases = BTreeMap::new();
        for alias in [AliasName::champion(), AliasName::challenger()] {
            if let Some(current) = registry.alias(&name, &alias).await.map_err(refusal)? {
                aliases.insert(alias.to_string(), AliasInfo::from(current));
            }
        }
        let newest_version = newest.first().map(|version| version.version.0);
        Ok(Self { name: name.to_string(), newest_version, aliases })
    }
}

impl From<AliasMove> for AliasInfo {
    fn from(AliasMove { version, number, moved_at, reason, .. }: AliasMove) -> Self {
        Self { version: version.0, moves: number.0, moved_at, reason }
    }
}

impl From<ModelVersion> for VersionInfo {
    fn from(ModelVersion { model, version, created_at, files, manifest, .. }: ModelVersion) -> Self {
        let file = |FileRecord { name, sha256, size_bytes }: FileRecord| FileInfo { name, sha256: sha256.into(), size_bytes };
        let files = files.into_iter().map(file).collect();
        Self { model: model.to_string(), version: version.0, created_at, files, manifest }
    }
}

fn refusal(error: RegistryError) -> Problem {
    match &error {
        RegistryError::UnknownVersion { .. } => Problem::not_found(error.to_string()).with_code("unknown_version"),
        _ => Problem::internal(error),
    }
}
