//! Do the records that are scored still look like those the model was fitted to?
//!
//! Records are counted into the bins that the manifest's statistics have: deciles of numbers, named texts, flags, and one bin
//! more for absent values. A window of them is compared with the reference by the population stability index and by tests.
//! An input is called drifted when its index is large and chance does not explain it: a large index alone is what few records
//! give anyway, and a small chance alone is what many records give of differences that do not matter.

mod tests_of_shares;

use serde::Serialize;

use crate::{Description, InputStatistics, NumberStatistics, Statistics, Value, fold};
use tests_of_shares::{chi_squared, jensen_shannon, kolmogorov_smirnov, stability_index};

/// An index from here on is a large one, by the convention of the field.
pub const LARGE_INDEX: f64 = 0.2;
/// Chance of calling any of a model's inputs drifted in a window in which none has.
const CHANCE: f64 = 0.01;
/// A share of texts that training hardly saw, from which on it is worth telling.
const NEW_TEXTS: f64 = 0.01;

/// What windows of one model's records are compared with.
#[derive(Debug)]
pub struct DriftReference {
    /// In the order of the encoder's inputs; `None` where the manifest says nothing of one.
    inputs: Vec<Option<Measure>>,
    scores: Measure,
}

/// One input, or the score.
#[derive(Debug)]
struct Measure {
    name: String,
    bins: Bins,
    /// One share per bin, the absent last.
    shares: Vec<f64>,
}

#[derive(Debug)]
enum Bins {
    /// Inner edges: a number belongs to the first bin whose edge is above it.
    Numbers(Vec<f64>),
    /// Each named text in lower case, in order, with its bin; the bin behind them is of all others.
    Texts(Vec<(String, usize)>),
    /// False, true.
    Flags,
}

/// Records counted.
#[derive(Debug, Clone)]
pub struct DriftWindow {
    rows: u64,
    /// One count per bin of each measured input, the score's last.
    counts: Vec<Vec<u64>>,
}

/// How a window compares with the reference.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DriftReport {
    /// Records in the window.
    pub rows: u64,
    /// One for every input, and one for the score, which is called `score`.
    pub features: Vec<FeatureDrift>,
}

/// How one input of a window compares.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureDrift {
    /// The input, or `score`.
    pub feature: String,
    /// Population stability index over all bins: below 0.1 nothing, from 0.2 on a large change.
    pub stability_index: f64,
    /// Jensen-Shannon distance, 0 to 1.
    pub jensen_shannon: f64,
    /// Of numbers, the largest distance of the two distributions at an edge of a bin.
    pub kolmogorov_smirnov: Option<f64>,
    /// Chance of a difference like this without any drift, by the chi-squared test.
    pub p_value: f64,
    /// Share of absent values.
    pub absent_share: f64,
    /// The same in training.
    pub expected_absent_share: f64,
    /// Of texts, the share of those that training did not name.
    pub new_text_share: Option<f64>,
    /// Does it call for somebody to look?
    pub is_drifted: bool,
}

impl DriftReference {
    /// The reference that a model carries.
    pub fn new<'a>(description: &Description, inputs: impl Iterator<Item = &'a str>) -> Self {
        let find = |name: &str| description.inputs.iter().find(|statistics| statistics.input == name).and_then(Measure::of_input);
        Self { inputs: inputs.map(find).collect(), scores: Measure::of_scores(&description.scores) }
    }

    /// A window without records.
    pub fn window(&self) -> DriftWindow {
        DriftWindow { rows: 0, counts: self.measures().map(|measure| vec![0; measure.shares.len()]).collect() }
    }

    /// Counts a record: its values in the order of the inputs, and its score.
    pub fn add<'a>(&self, window: &mut DriftWindow, value: impl Fn(usize) -> Value<'a>, score: f64) {
        window.rows += 1;
        let measured = self.inputs.iter().enumerate().filter_map(|(input, measure)| Some((measure.as_ref()?, value(input))));
        let all = measured.chain([(&self.scores, Value::Number(score))]);
        for ((measure, value), counts) in all.zip(&mut window.counts) {
            if let Some(count) = counts.get_mut(measure.bin(value)) {
                *count += 1;
            }
        }
    }

    /// Compares a window.
    pub fn compare(&self, window: &DriftWindow) -> DriftReport {
        let chance = CHANCE / window.counts.len() as f64;
        let compare = |(measure, counts): (&Measure, &Vec<u64>)| measure.compare(counts, window.rows, chance);
        DriftReport { rows: window.rows, features: self.measures().zip(&window.counts).map(compare).collect() }
    }

    fn measures(&self) -> impl Iterator<Item = &Measure> {
        self.inputs.iter().flatten().chain([&self.scores])
    }
}

impl DriftWindow {
    /// Records in it.
    pub fn rows(&self) -> u64 {
        self.rows
    }
}

impl DriftReport {
    /// What calls for somebody to look.
    pub fn drifted(&self) -> impl Iterator<Item = &FeatureDrift> {
        self.features.iter().filter(|feature| feature.is_drifted)
    }
}

impl Measure {
    fn of_input(statistics: &InputStatistics) -> Option<Self> {
        let (bins, present) = match &statistics.values {
            Statistics::Number(numbers) => (Bins::Numbers(numbers.edges.clone()), numbers.shares.clone()),
            Statistics::Text { shares, other_share } => {
                let mut names: Vec<_> = shares.iter().enumerate().map(|(bin, (text, _))| (text.clone(), bin)).collect();
                names.sort();
                let present = shares.iter().map(|(_, share)| *share).chain([*other_share]).collect();
                (Bins::Texts(names), present)
            }
            Statistics::Flag { true_share } => (Bins::Flags, vec![1.0 - true_share, *true_share]),
        };
        let absent = statistics.absent_share;
        let shares: Vec<f64> = present.iter().map(|share| share * (1.0 - absent)).chain([absent]).collect();
        // Without a row there is nothing to compare with.
        (shares.iter().sum::<f64>() > 0.5).then(|| Self { name: statistics.input.clone(), bins, shares })
    }

    fn of_scores(scores: &NumberStatistics) -> Self {
        let shares = scores.shares.iter().copied().chain([0.0]).collect();
        Self { name: "score".to_owned(), bins: Bins::Numbers(scores.edges.clone()), shares }
    }

    fn bin(&self, value: Value<'_>) -> usize {
        let absent = self.shares.len() - 1;
        match (&self.bins, value) {
            (Bins::Numbers(edges), Value::Number(number)) if number.is_finite() => edges.partition_point(|edge| *edge <= number),
            (Bins::Texts(names), Value::Text(text)) => {
                let place = names.binary_search_by(|(name, _)| fold::compare(name, text)).ok();
                place.and_then(|place| names.get(place)).map_or(names.len(), |(_, bin)| *bin)
            }
            (Bins::Flags, Value::Flag(flag)) => usize::from(flag),
            _ => absent,
        }
    }

    fn compare(&self, counts: &[u64], rows: u64, chance: f64) -> FeatureDrift {
        let share = |count: Option<&u64>| count.map_or(0.0, |count| *count as f64 / rows.max(1) as f64);
        let found: Vec<f64> = counts.iter().map(|count| share(Some(count))).collect();
        let new_text_share = if let Bins::Texts(names) = &self.bins { Some(share(counts.get(names.len()))) } else { None };
        let named = if let Bins::Texts(names) = &self.bins { self.shares.get(names.len()) } else { None };
        let stability_index = stability_index(&self.shares, &found);
        let p_value = chi_squared(&self.shares, counts);
        let is_new = new_text_share.zip(named).is_some_and(|(found, expected)| found >= expected * 2.0 + NEW_TEXTS);
        FeatureDrift {
            feature: self.name.clone(),
            stability_index,
            jensen_shannon: jensen_shannon(&self.shares, &found),
            kolmogorov_smirnov: matches!(self.bins, Bins::Numbers(_)).then(|| kolmogorov_smirnov(&self.shares, &found)),
            p_value,
            absent_share: share(counts.last()),
            expected_absent_share: self.shares.last().copied().unwrap_or_default(),
            new_text_share,
            is_drifted: (stability_index >= LARGE_INDEX || is_new) && p_value < chance,
        }
    }
}
