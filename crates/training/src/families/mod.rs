//! Families of models. Each is a file: checked parameters, `fit` with a library, export to a scoring form.
//!
//! Adding one takes its file and a line in [`FAMILIES`]; the contract suite in `tests/` then runs on it.

mod binned;
mod gradient_boosting;
mod grow;
mod isolation_forest;
mod logistic_loss;
mod logistic_regression;
mod parameters;
mod random_forest;
mod rules;

use std::{collections::BTreeMap, fmt};

use lakehouse_models::{FormError, ScoringForm};

use crate::Examples;
pub use gradient_boosting::GradientBoosting;
pub use isolation_forest::IsolationForest;
pub use logistic_regression::LogisticRegression;
pub use parameters::ParameterError;
pub use random_forest::RandomForest;
pub use rules::RulesOfThumb;

/// A kind of model that can be fitted.
pub trait ModelFamily: Sync {
    /// The name in `training/*.toml`.
    fn name(&self) -> &'static str;

    /// Does it learn from labels? The scores of a family that does not are no probabilities until they are calibrated.
    fn is_supervised(&self) -> bool {
        true
    }

    /// Checks parameters; absent ones take the family's defaults. Only what comes out can fit.
    fn check(&self, parameters: &toml::Table) -> Result<Box<dyn Trainer>, ParameterError>;
}

/// A family with checked parameters.
pub trait Trainer: fmt::Debug + Send + Sync {
    /// All parameters, defaults included.
    fn parameters(&self) -> BTreeMap<String, serde_json::Value>;

    /// Fits on examples of both classes. The same examples and seed give the same form.
    fn fit(&self, examples: &Examples<'_>, seed: u64) -> Result<ScoringForm, FitError>;
}

/// Every family.
pub const FAMILIES: &[&dyn ModelFamily] =
    &[&LogisticRegression, &RandomForest, &GradientBoosting, &IsolationForest, &RulesOfThumb];

/// The family with this name.
pub fn find(name: &str) -> Option<&'static dyn ModelFamily> {
    FAMILIES.iter().copied().find(|family| family.name() == name)
}

/// Fitting failed.
#[derive(Debug, thiserror::Error)]
pub enum FitError {
    /// There is nothing to tell apart.
    #[error("{positives} of {rows} training labels are positive: both classes are needed")]
    SingleClass {
        /// The number of rows.
        rows: usize,
        /// The number of positive ones.
        positives: usize,
    },
    /// No input varies over the training rows.
    #[error("no input varies over the training rows")]
    NothingVaries,
    /// A rule is about a number that the rows do not have.
    #[error("there is no number `{0}` among the inputs")]
    UnknownNumber(String),
    /// The library refused.
    #[error("the fitting library failed: {0}")]
    Library(String),
    /// What came out cannot be scored.
    #[error("the fitted model cannot be scored")]
    Form(#[source] FormError),
}
