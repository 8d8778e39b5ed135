//! Which inputs a score comes from.

use serde::Serialize;

use crate::{ExplainError, Field, InputError, Model, Record, Scale, Value};

/// Where one score comes from: `base` and all contributions add up to `total`, which becomes the score as
/// [`ScoringForm::probability`](crate::ScoringForm::probability) and the model's calibration say.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contributions {
    /// What the numbers are measured on.
    pub scale: Scale,
    /// What the model gives without knowing any input.
    pub base: f64,
    /// What it gives for this record.
    pub total: f64,
    /// The probability, as [`Model::score`] gives it.
    pub score: f64,
    /// One for every input, those that move the score most first.
    pub inputs: Vec<Contribution>,
}

/// What one input adds to a score or takes from it: its Shapley value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contribution {
    /// The input.
    pub input: String,
    /// Its value in the record.
    pub value: Field,
    /// What it adds, on the scale of the whole.
    pub contribution: f64,
}

/// A score that cannot be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplanationError {
    /// The record cannot be read.
    #[error("the record cannot be scored")]
    Input(#[from] InputError),
    /// The form cannot say where its scores come from.
    #[error("the model cannot be explained")]
    Form(#[from] ExplainError),
}

impl Model {
    /// Exact Shapley values of one record's score, by input: all numbers that one input is encoded as are added up, and a
    /// ratio counts half for each of its two inputs. Takes some hundred times as long as scoring.
    pub fn explain(&self, record: &(impl Record + ?Sized)) -> Result<Contributions, ExplanationError> {
        let mut numbers = Vec::new();
        self.encoder().encode(record, &mut numbers)?;
        let mut by_number = Vec::new();
        let base = self.form().contributions(&numbers, &mut by_number)?;
        let described = self.inputs().iter().zip(self.encoder().by_input(&by_number));
        let contribution = |(input, contribution): (&crate::Input, f64)| Contribution {
            value: Field::from(record.value(&input.name).unwrap_or(Value::Absent)),
            input: input.name.clone(),
            contribution,
        };
        let mut inputs: Vec<Contribution> = described.map(contribution).collect();
        inputs.sort_by(|one, other| other.contribution.abs().total_cmp(&one.contribution.abs()));
        let total = by_number.iter().fold(base, |sum, part| sum + part);
        Ok(Contributions { scale: self.form().scale(), base, total, score: self.score(record)?, inputs })
    }
}

impl Contributions {
    /// The inputs that move the score most, at most `count`, as sentences: "`amount` = 950 raises the log-odds by 1.204".
    pub fn reasons(&self, count: usize) -> Vec<String> {
        let scale = match self.scale {
            Scale::LogOdds => "the log-odds",
            Scale::LeafMean => "the mean of the trees",
            Scale::Isolation => "how quickly the row is isolated",
            Scale::Score => "the score",
        };
        let sentence = |Contribution { input, value, contribution }: &Contribution| {
            let verb = if *contribution > 0.0 { "raises" } else { "lowers" };
            let value = match value {
                Field::Absent => "absent".to_owned(),
                Field::Number(number) => format!("{number}"),
                Field::Flag(flag) => format!("{flag}"),
                Field::Text(text) => text.clone(),
            };
            format!("`{input}` = {value} {verb} {scale} by {:.3}", contribution.abs())
        };
        self.inputs.iter().filter(|input| input.contribution != 0.0).take(count).map(sentence).collect()
    }
}
