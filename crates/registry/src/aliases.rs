//! What points at a version: moved by at most one of several at a time, never forgotten, and taken back.

use futures::TryStreamExt;
use jiff::Timestamp;
use lakehouse_spec::ModelName;

use crate::{AliasMove, AliasName, MoveNumber, Registry, RegistryError, VersionNumber, numbered::Numbered, record::write_id};

impl Registry {
    fn alias_records(&self, model: &ModelName, alias: &AliasName) -> Numbered<'_> {
        self.numbered(&["models", model.as_str(), "aliases", alias.as_str()])
    }

    /// Where `alias` points, by the move that put it there; `None` when it was never moved.
    pub async fn alias(&self, model: &ModelName, alias: &AliasName) -> Result<Option<AliasMove>, RegistryError> {
        self.alias_records(model, alias).latest().await
    }

    /// Points `alias` at `version`, provided that `expected` is still the move that holds (`None`: that there was none). Of
    /// several callers with the same expectation exactly one succeeds; the others get [`RegistryError::Conflict`] with the
    /// winner's move. Where the alias already points at `version`, nothing is written.
    pub async fn promote(
        &self,
        model: &ModelName,
        alias: &AliasName,
        version: VersionNumber,
        expected: Option<MoveNumber>,
        reason: &str,
    ) -> Result<AliasMove, RegistryError> {
        self.version(model, version).await?;
        let current = self.alias(model, alias).await?;
        if current.as_ref().map(|current| current.number) != expected {
            return Err(conflict(model, alias, current));
        }
        match current {
            Some(current) if current.version == version => Ok(current),
            current => self.shift(model, alias, current.as_ref(), version, None, reason).await,
        }
    }

    /// Points `alias` back at the version it had before the promotion that holds. A second rollback goes one further back.
    pub async fn rollback(&self, model: &ModelName, alias: &AliasName) -> Result<AliasMove, RegistryError> {
        let moves = self.history(model, alias).await?;
        let no_earlier = || RegistryError::NoEarlierVersion { model: model.clone(), alias: alias.clone() };
        let (Some(current), Some(target)) = (moves.first(), earlier(&moves)) else { return Err(no_earlier()) };
        let reason = format!("rolled back from version {}", current.version);
        self.shift(model, alias, Some(current), target.version, Some(target.number), &reason).await
    }

    /// Every move of `alias`, newest first.
    pub async fn history(&self, model: &ModelName, alias: &AliasName) -> Result<Vec<AliasMove>, RegistryError> {
        let records = self.alias_records(model, alias);
        let latest = records.latest_number().await?;
        records.read_all((1..=latest).rev()).try_collect().await
    }

    /// Writes the move after `current`, unless somebody else does first.
    async fn shift(
        &self,
        model: &ModelName,
        alias: &AliasName,
        current: Option<&AliasMove>,
        version: VersionNumber,
        restores: Option<MoveNumber>,
        reason: &str,
    ) -> Result<AliasMove, RegistryError> {
        let number = MoveNumber(current.map_or(1, |current| current.number.0 + 1));
        let record = AliasMove {
            model: model.clone(),
            alias: alias.clone(),
            number,
            version,
            restores,
            reason: reason.to_owned(),
            moved_at: Timestamp::now(),
            write_id: write_id(),
        };
        if self.alias_records(model, alias).create(number.0, &record).await? {
            return Ok(record);
        }
        Err(conflict(model, alias, self.alias(model, alias).await?))
    }
}

/// The promotion to go back to: the latest one with another version before the one that holds. `moves` are newest first.
fn earlier(moves: &[AliasMove]) -> Option<&AliasMove> {
    let holds = promotion(moves, moves.first()?)?;
    let mut at = holds;
    while at.version == holds.version {
        let before = moves.iter().find(|other| other.number < at.number)?;
        at = promotion(moves, before)?;
    }
    Some(at)
}

/// The promotion that `of` is or stands for.
fn promotion<'a>(moves: &'a [AliasMove], mut of: &'a AliasMove) -> Option<&'a AliasMove> {
    while let Some(restored) = of.restores {
        // A record that points forward or at itself was not written here, and would go round for ever.
        of = moves.iter().find(|other| other.number == restored && other.number < of.number)?;
    }
    Some(of)
}

fn conflict(model: &ModelName, alias: &AliasName, winner: Option<AliasMove>) -> RegistryError {
    RegistryError::Conflict { model: model.clone(), alias: alias.clone(), winner: winner.map(Box::new) }
}
