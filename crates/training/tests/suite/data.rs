//! Rows with a signal, and specifications for them.

use lakehouse_models::{Column, Columns, Random, TextColumn};
use lakehouse_spec::{FeatureSpec, TrainingSpec};
use lakehouse_training::TrainingRows;

const FEATURES: &str = r#"
feature = [
  { column = "amount", transform = "log1p", required = true },
  { column = "velocity", transform = "number" },
  { column = "state", transform = "one_hot", max_categories = 3 },
  { column = "is_online", transform = "flag" },
  { column = "never_known", transform = "number" },
]
"#;

/// Columns of a made-up fraud: large amounts at high velocity in Italy. One input is never known, others now and then.
pub struct Made {
    pub times: Vec<i64>,
    pub labels: Vec<bool>,
    pub columns: Vec<(String, Column)>,
}

/// `rows` rows, about 8 % of them positive, several of one instant.
pub fn made(rows: usize, seed: u64) -> Made {
    let mut random = Random::new(seed, 1);
    let mut uniform = || random.next_u64() as f64 / u64::MAX as f64;
    let (mut labels, mut amounts, mut velocities, mut flags) = (vec![], vec![], vec![], vec![]);
    let mut states = TextColumn::default();
    for _ in 0..rows {
        let is_fraud = uniform() < 0.08;
        let push = if is_fraud { 1.0 } else { 0.0 };
        amounts.push((1.0 + uniform() * 4.0 + push * 2.0).exp());
        velocities.push(if uniform() < 0.1 { f64::NAN } else { uniform() + push * 0.7 });
        let place = uniform() + push * 0.4;
        states.push(if place > 0.95 { Some("Italy") } else { [Some("CA"), Some("TX"), None][(place * 2.9) as usize % 3] });
        flags.push((uniform() < 0.9).then(|| uniform() < 0.5));
        labels.push(is_fraud);
    }
    let columns = vec![
        ("amount".to_owned(), Column::Number(amounts)),
        ("velocity".to_owned(), Column::Number(velocities)),
        ("state".to_owned(), Column::Text(states)),
        ("is_online".to_owned(), Column::Flag(flags)),
        ("never_known".to_owned(), Column::Number(vec![f64::NAN; rows])),
    ];
    Made { times: (0..rows as i64).map(|row| row / 3 * 1_000_000).collect(), labels, columns }
}

impl Made {
    /// Moves both numbers of some rows far from those of the others.
    pub fn move_far(&mut self, moves: impl Fn(usize) -> bool) {
        for (_, column) in &mut self.columns {
            if let Column::Number(numbers) = column {
                numbers
                    .iter_mut()
                    .enumerate()
                    .filter(|(row, _)| moves(*row))
                    .for_each(|(_, number)| *number = *number * 100.0 + 50.0);
            }
        }
    }

    pub fn columns(&self) -> Columns {
        Columns::new(self.columns.clone()).expect("fit together")
    }

    pub fn rows(&self) -> TrainingRows {
        let labels = self.labels.iter().copied().map(Some).collect();
        TrainingRows::new(self.times.clone(), labels, self.columns()).expect("fit together")
    }
}

pub fn features() -> Vec<FeatureSpec> {
    #[derive(serde::Deserialize)]
    struct File {
        feature: Vec<FeatureSpec>,
    }
    toml::from_str::<File>(FEATURES).expect("valid features").feature
}

/// A specification over the made columns whose candidates are these families with these parameters.
pub fn spec(candidates: &[(&str, &str)]) -> TrainingSpec {
    let head = "description = \"made-up fraud\"\ntime = \"time\"\nlabel = \"label\"\nseed = 7\nsplit = { test_share = 0.25 }\n";
    let gate = "gate = { min_lift = 3.0, max_regression = 0.01 }\n";
    let candidate =
        |(family, parameters): &(&str, &str)| format!("[[candidate]]\nfamily = \"{family}\"\nparameters = {{ {parameters} }}\n");
    let text = format!("{head}{gate}{FEATURES}{}", candidates.iter().map(candidate).collect::<String>());
    toml::from_str(&text).expect("valid specification")
}
