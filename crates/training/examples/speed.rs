//! How fast boosted trees are fitted and score: the half of `bench/trees.py` that is ours.
//!
//! `cargo run --release -p lakehouse-training --example speed -- NUMBERS LABELS ROWS PARAMETERS`: doubles column by column and a byte
//! a label, as files; parameters of `gradient_boosting` as TOML. Prints a JSON line. One thread does everything.
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::{error::Error, fs, time::Instant};

use lakehouse_models::{Column, Columns, Encoder, Layout};
use lakehouse_spec::FeatureSpec;
use lakehouse_training::{Examples, families};

/// Scoring is quick: the best of so many rounds is told.
const ROUNDS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [numbers, labels, count, parameters] = arguments.as_slice() else {
        return Err("usage: speed NUMBERS LABELS ROWS PARAMETERS".into());
    };
    let count: usize = count.parse()?;
    let labels: Vec<bool> = fs::read(labels)?.into_iter().map(|label| label > 0).collect();
    let (columns, features) = read(numbers, count)?;
    let rows: Vec<u32> = (0..u32::try_from(count)?).collect();
    let encoder = Encoder::fit(&features, &columns, &rows)?;
    let bound = encoder.bind(&columns)?;
    let examples = Examples::new(&bound, &rows, &labels).with_threads(1);

    let family = families::find("gradient_boosting").ok_or("no gradient boosting")?;
    let trainer = family.check(&toml::from_str(parameters)?)?;
    let started = Instant::now();
    let form = trainer.fit(&examples, 7)?;
    let fit_seconds = started.elapsed().as_secs_f64();

    let matrix = bound.matrix(&rows, Layout::RowMajor);
    let (mut scores, mut score_seconds) = (Vec::new(), f64::INFINITY);
    for _ in 0..ROUNDS {
        scores.clear();
        let started = Instant::now();
        form.score_rows(&matrix, &mut scores);
        score_seconds = score_seconds.min(started.elapsed().as_secs_f64());
    }
    let loss = log_loss(&scores, &labels);
    println!(r#"{{"fit_s": {fit_seconds:.3}, "score_s": {score_seconds:.4}, "rows": {count}, "log_loss": {loss:.5}}}"#);
    Ok(())
}

fn read(path: &str, rows: usize) -> Result<(Columns, Vec<FeatureSpec>), Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let (doubles, _) = bytes.as_chunks::<8>();
    let numbers: Vec<f64> = doubles.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let columns = numbers.chunks_exact(rows).enumerate();
    let columns: Vec<_> = columns.map(|(column, numbers)| (format!("f{column}"), Column::Number(numbers.to_vec()))).collect();
    let feature = |(name, _): &(String, Column)| toml::from_str(&format!("column = \"{name}\"\ntransform = \"number\""));
    let features = columns.iter().map(feature).collect::<Result<_, _>>()?;
    Ok((Columns::new(columns)?, features))
}

fn log_loss(scores: &[f64], labels: &[bool]) -> f64 {
    let losses = scores.iter().zip(labels).map(|(score, label)| -if *label { score.ln() } else { (1.0 - score).ln() });
    losses.sum::<f64>() / scores.len() as f64
}
