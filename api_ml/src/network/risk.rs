//! The risk of an outage: by rule, by model, or the higher of the two.

use std::collections::BTreeMap;

use lakehouse_models::{ExplanationError, InputError};
use lakehouse_network::Risks;
use lakehouse_settings::{NetworkSettings, RiskMode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    curve::Curve,
    rules::{self, Verdict},
    snapshot::{Features, Kind, Snapshot},
    state::Current,
};

/// Reasons told beside a score.
const REASONS: usize = 3;

/// By what a score is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Limits on the latest values.
    Rule,
    /// The champions.
    Ml,
    /// The higher of both: rules see what is wrong now, models what is coming. Rules alone while there is no champion.
    Hybrid,
}

impl From<RiskMode> for Mode {
    fn from(mode: RiskMode) -> Self {
        match mode {
            RiskMode::Rule => Self::Rule,
            RiskMode::Ml => Self::Ml,
            RiskMode::Hybrid => Self::Hybrid,
        }
    }
}

/// A score in a word. Where one begins is a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Band {
    /// Below `networks.medium_from`.
    Low,
    /// Below `networks.high_from`.
    Medium,
    /// Below `networks.critical_from`.
    High,
    /// From there on.
    Critical,
}

impl Band {
    fn of(score: f64, settings: &NetworkSettings) -> Self {
        match score {
            score if score >= settings.critical_from => Self::Critical,
            score if score >= settings.high_from => Self::High,
            score if score >= settings.medium_from => Self::Medium,
            _ => Self::Low,
        }
    }

    /// As in an answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
            Self::Critical => "CRITICAL",
        }
    }
}

/// The risk of a node or link.
#[derive(Debug, Clone)]
pub struct Risk {
    /// Between 0 and 1.
    pub score: f64,
    /// The score in a word.
    pub band: Band,
    /// After how many minutes a failure is as likely as not; none beyond a day, or where only rules speak.
    pub eta_failure_min: Option<u32>,
    /// What that rests on.
    pub eta_basis: String,
    /// Why, the weightiest first.
    pub reasons: Vec<String>,
}

/// A risk that cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum RiskError {
    /// There is no champion and rules were not asked for.
    #[error("no model of outages has been loaded yet")]
    NoChampion,
    /// The features are not those of a champion.
    #[error("failed to score")]
    Input(#[from] InputError),
    /// A champion cannot say why.
    #[error("failed to explain")]
    Explanation(#[from] ExplanationError),
}

impl Current {
    /// The mode that is asked for, or else that of the settings.
    pub fn mode(&self, asked: Option<Mode>) -> Mode {
        asked.unwrap_or_else(|| self.settings.mode.into())
    }

    /// The risk within a horizon, with reasons.
    pub fn risk(&self, features: &Features, horizon_min: u32, mode: Mode) -> Result<Risk, RiskError> {
        let verdict = self.verdict(features);
        let Some(curve) = self.curve(features, mode)? else {
            let eta_basis = "rules say nothing about time".to_owned();
            let (score, reasons) = (verdict.score, verdict.reasons());
            return Ok(Risk { score, band: Band::of(score, &self.settings), eta_failure_min: None, eta_basis, reasons });
        };
        let by_model = curve.within(horizon_min);
        let score = if mode == Mode::Hybrid { by_model.max(verdict.score) } else { by_model };
        let mut reasons = if score > by_model { verdict.reasons() } else { Vec::new() };
        if let Some((_, champion)) = self.nearest(horizon_min) {
            reasons.extend(champion.model.explain(features)?.reasons(REASONS));
        }
        let (eta_failure_min, eta_basis) = (curve.even_odds_min(), self.basis());
        Ok(Risk { score, band: Band::of(score, &self.settings), eta_failure_min, eta_basis, reasons })
    }

    /// The scores of all nodes and links that have telemetry: without reasons, which take longer than everything else.
    pub fn risks(&self, snapshot: &Snapshot, horizon_min: u32, mode: Mode) -> Result<Risks, RiskError> {
        let mut risks = Risks::default();
        for ((kind, id), features) in &snapshot.features {
            let score = self.score(features, horizon_min, mode)?;
            let of_kind: &mut BTreeMap<String, f64> = match kind {
                Kind::Node => &mut risks.nodes,
                Kind::Link => &mut risks.links,
            };
            of_kind.insert(id.clone(), score);
        }
        Ok(risks)
    }

    /// The score alone.
    pub fn score(&self, features: &Features, horizon_min: u32, mode: Mode) -> Result<f64, RiskError> {
        let by_model = self.curve(features, mode)?.map(|curve| curve.within(horizon_min));
        Ok(match (by_model, mode) {
            (Some(score), Mode::Ml) => score,
            (by_model, _) => self.verdict(features).score.max(by_model.unwrap_or(0.0)),
        })
    }

    /// What the rules say.
    pub fn verdict(&self, features: &Features) -> Verdict {
        rules::judge(features, &self.settings)
    }

    /// The champion of the horizon that is nearest.
    pub fn nearest(&self, horizon_min: u32) -> Option<&(u32, std::sync::Arc<crate::models::Champion>)> {
        self.champions.iter().min_by_key(|(minutes, _)| minutes.abs_diff(horizon_min))
    }

    fn curve(&self, features: &Features, mode: Mode) -> Result<Option<Curve>, RiskError> {
        if mode == Mode::Rule {
            return Ok(None);
        }
        let mut buffer = Vec::new();
        let mut points = Vec::with_capacity(self.champions.len());
        for (minutes, champion) in &self.champions {
            points.push((*minutes, champion.model.score_with(features, &mut buffer)?));
        }
        match Curve::new(points) {
            None if mode == Mode::Ml => Err(RiskError::NoChampion),
            curve => Ok(curve),
        }
    }

    /// The models behind a time.
    fn basis(&self) -> String {
        let names = self
            .champions
            .iter()
            .map(|(_, champion)| format!("{} version {}", champion.promotion.model, champion.promotion.version.0));
        let names: Vec<String> = names.collect();
        format!("even odds by the hazards of {}", names.join(" and "))
    }
}
