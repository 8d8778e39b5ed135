//! Judges the candidates of a training TOML on a CSV, without a lake: `judge_families TOML CSV [SCORES_OUT]`.
//!
//! Columns that a feature reads as text are texts, `true` and `false` are flags, everything else is a number; empty is absent.
//! Scores of all rows go to SCORES_OUT, one column a candidate.
#![expect(clippy::print_stderr, reason = "an example tells how far it is")]

use std::{collections::BTreeMap, error::Error, fs, io::Write as _, time::Instant};

use lakehouse_models::{Column, Columns, Field, TextColumn};
use lakehouse_spec::{TrainingSpec, Transform, parse_timestamp};
use lakehouse_training::{Context, Progress, TrainingOutcome, TrainingRows, train};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (toml, csv) = (arguments.next().ok_or("no TOML")?, arguments.next().ok_or("no CSV")?);
    let spec: TrainingSpec = toml::from_str(&fs::read_to_string(toml)?)?;
    let rows = read(&spec, &csv)?;
    let context = Context { model: "bench", source: Default::default(), champion: None };
    let mut out = std::io::stdout().lock();
    let outcome = train(&spec, &rows, context, &mut |progress| {
        if let Progress::Judged { family, fit_seconds, .. } = progress {
            eprintln!("{family} fitted in {fit_seconds:.1} s");
        }
    })?;
    writeln!(out, "train {:?}\ntest {:?}", outcome.split.train, outcome.split.test)?;
    for (position, candidate) in outcome.candidates.iter().enumerate() {
        let metrics = candidate.metrics();
        let (ap, auc) = (metrics.average_precision, metrics.roc_auc);
        writeln!(
            out,
            "{position} {:20} AP {:.3} [{:.3}-{:.3}] AUC {:.3} [{:.3}-{:.3}] ECE {:.5} fit {:.1} s",
            candidate.family,
            ap.value,
            ap.interval.low,
            ap.interval.high,
            auc.value,
            auc.interval.low,
            auc.interval.high,
            metrics.calibration_error,
            candidate.fit_seconds
        )?;
    }
    writeln!(out, "one thread, µs a row: {}", speeds(&outcome, &rows)?)?;
    if let Some(path) = arguments.next() {
        let all: Vec<u32> = (0..u32::try_from(rows.columns().rows())?).collect();
        let mut file = std::io::BufWriter::new(fs::File::create(path)?);
        let scores = outcome.candidates.iter().map(|candidate| candidate.model.score_columns(rows.columns(), &all));
        let scores: Vec<Vec<f64>> = scores.collect::<Result<_, _>>()?;
        for row in 0..all.len() {
            let line: Vec<String> = scores.iter().map(|scores| scores[row].to_string()).collect();
            writeln!(file, "{}", line.join(","))?;
        }
    }
    Ok(())
}

/// What scoring and explaining a row costs, encoder included: the best of five rounds over the first thousand rows.
fn speeds(outcome: &TrainingOutcome, rows: &TrainingRows) -> Result<String, Box<dyn Error>> {
    let count = rows.columns().rows().min(1000);
    let record = |row: usize| -> BTreeMap<String, Field> {
        rows.columns().iter().map(|(name, column)| (name.to_owned(), Field::from(column.value(row)))).collect()
    };
    let records: Vec<_> = (0..count).map(record).collect();
    let mut told = Vec::new();
    for candidate in &outcome.candidates {
        let (mut score, mut explain) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..5 {
            let started = Instant::now();
            for record in &records {
                candidate.model.score(record)?;
            }
            score = score.min(started.elapsed().as_secs_f64());
            let started = Instant::now();
            for record in &records {
                candidate.model.explain(record)?;
            }
            explain = explain.min(started.elapsed().as_secs_f64());
        }
        let micros = |seconds: f64| seconds * 1e6 / count as f64;
        told.push(format!("{} score {:.1}, explain {:.1}", candidate.family, micros(score), micros(explain)));
    }
    Ok(told.join("; "))
}

fn read(spec: &TrainingSpec, path: &str) -> Result<TrainingRows, Box<dyn Error>> {
    let mut reader = csv::Reader::from_path(path)?;
    let head: Vec<String> = reader.headers()?.iter().map(str::to_owned).collect();
    let at = |name: &str| head.iter().position(|column| column == name).ok_or_else(|| format!("no column `{name}`"));
    let (time, label) = (at(spec.time.as_str())?, at(spec.label.as_str())?);
    let mut columns: Vec<(String, usize, Column, bool)> = Vec::new();
    for feature in &spec.features {
        for name in feature.columns() {
            let column = match feature.transform {
                Transform::OneHot { .. } | Transform::TextFlag { .. } => Column::Text(TextColumn::default()),
                Transform::Flag => Column::Flag(Vec::new()),
                _ => Column::Number(Vec::new()),
            };
            if !columns.iter().any(|(known, ..)| known == name.as_str()) {
                columns.push((name.to_string(), at(name.as_str())?, column, feature.is_of_time()));
            }
        }
    }
    let (mut times, mut labels) = (Vec::new(), Vec::new());
    for record in reader.records() {
        let record = record?;
        let field = |position: usize| record.get(position).unwrap_or_default();
        let instant = |text: &str| parse_timestamp(text.as_bytes()).map_err(|error| format!("{text}: {error:?}"));
        times.push(instant(field(time))?);
        labels.push(match field(label) {
            "" => None,
            text => Some(text != "0" && text != "false"),
        });
        for (_, position, column, is_time) in &mut columns {
            let text = field(*position);
            match column {
                Column::Number(numbers) if *is_time => numbers.push(instant(text)? as f64),
                Column::Number(numbers) => numbers.push(if text.is_empty() { f64::NAN } else { text.parse()? }),
                Column::Flag(flags) => flags.push((!text.is_empty()).then_some(text == "true" || text == "1")),
                Column::Text(texts) => texts.push(Some(text)),
            }
        }
    }
    let columns = columns.into_iter().map(|(name, _, column, _)| (name, column)).collect();
    Ok(TrainingRows::new(times, labels, Columns::new(columns)?)?)
}
