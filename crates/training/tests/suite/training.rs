//! Whole training runs.

use std::collections::BTreeMap;

use lakehouse_models::{Column, Columns, FORM_FILE, Field, MANIFEST_FILE, Model, Source};
use lakehouse_spec::TrainingSpec;
use lakehouse_training::{Champion, Context, Progress, TrainingError, TrainingOutcome, TrainingRows, decide, train};

use crate::data::{Made, made, spec};

pub const ALL: [(&str, &str); 3] =
    [("logistic_regression", ""), ("random_forest", "trees = 20"), ("gradient_boosting", "rounds = 30")];

fn context<'a>(champion: Option<&'a Model>) -> Context<'a> {
    let tables = [("gold.fraud_training".to_owned(), 12)].into_iter().collect();
    Context { model: "fraud", source: Source { code_version: "0.1.0".into(), tables }, champion }
}

pub fn run(spec: &TrainingSpec, rows: &TrainingRows, champion: Option<&Model>) -> Result<TrainingOutcome, TrainingError> {
    train(spec, rows, context(champion), &mut |_| {})
}

fn file<'a>(outcome: &'a TrainingOutcome, candidate: usize, name: &str) -> &'a [u8] {
    let files = &outcome.candidates[candidate].files;
    files.iter().find(|(file, _)| *file == name).map(|(_, bytes)| bytes.as_slice()).expect("the file")
}

#[test]
fn every_candidate_is_judged_and_the_best_one_told() {
    let mut told = Vec::new();
    let rows = made(4000, 1).rows();
    let outcome = train(&spec(&ALL), &rows, context(None), &mut |progress| {
        told.push(match progress {
            Progress::Fitting { family, candidate, candidates } => format!("{family} {candidate}/{candidates}"),
            Progress::Judged { family, average_precision, .. } => format!("{family} {}", average_precision > 0.5),
            Progress::LeftOut { family, reason } => format!("{family} {reason}"),
        });
    })
    .expect("trains");
    assert_eq!(
        told,
        [
            "logistic_regression 1/3",
            "logistic_regression true",
            "random_forest 2/3",
            "random_forest true",
            "gradient_boosting 3/3",
            "gradient_boosting true",
        ]
    );
    assert_eq!((outcome.split.train.rows, outcome.split.test.rows), (3000, 1000));
    assert!(outcome.split.train.to < outcome.split.test.from);
    let best = outcome.best().expect("a best one").metrics().average_precision.value;
    assert!(outcome.candidates.iter().all(|candidate| candidate.metrics().average_precision.value <= best));
    let decision = decide(&spec(&ALL).gate, outcome.best().expect("a best one").metrics(), None);
    assert!(decision.promote, "{}", decision.sentence);

    let manifest = outcome.candidates[0].model.manifest();
    assert_eq!(manifest.samples.len(), 16);
    assert_eq!(manifest.description.source.tables["gold.fraud_training"], 12);
    let never_known = manifest.description.inputs.iter().find(|input| input.input == "never_known").expect("listed");
    assert_eq!(never_known.absent_share, 1.0);
}

#[test]
fn the_order_rows_arrive_in_changes_no_byte() {
    let made = made(2000, 2);
    let order: Vec<usize> = (0..2000).map(|row| row * 1_237 % 2000).collect();
    let shuffled = Made {
        times: order.iter().map(|row| made.times[*row]).collect(),
        labels: order.iter().map(|row| made.labels[*row]).collect(),
        columns: made.columns.iter().map(|(name, column)| (name.clone(), take(column, &order))).collect(),
    };
    let one = run(&spec(&ALL), &made.rows(), None).expect("trains");
    let other = run(&spec(&ALL), &shuffled.rows(), None).expect("trains");
    for (candidate, (family, _)) in ALL.iter().enumerate() {
        for name in [MANIFEST_FILE, FORM_FILE] {
            assert!(file(&one, candidate, name) == file(&other, candidate, name), "{name} of {family}");
        }
    }
}

fn take(column: &Column, rows: &[usize]) -> Column {
    match column {
        Column::Number(values) => Column::Number(rows.iter().map(|row| values[*row]).collect()),
        Column::Flag(values) => Column::Flag(rows.iter().map(|row| values[*row]).collect()),
        Column::Text(values) => Column::Text(rows.iter().map(|row| values.get(*row)).collect()),
    }
}

#[test]
fn a_model_is_refused_when_any_byte_that_matters_changes() {
    let outcome = run(&spec(&ALL[..1]), &made(2000, 3).rows(), None).expect("trains");
    let (manifest, form) = (file(&outcome, 0, MANIFEST_FILE), file(&outcome, 0, FORM_FILE));
    let model = Model::load(manifest, form).expect("loads");
    assert_eq!(model, outcome.candidates[0].model);

    let text = std::str::from_utf8(manifest).expect("text");
    let replaced = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        Model::load(text.replacen(from, to, 1).as_bytes(), form).expect_err("refused").to_string()
    };
    assert_eq!(replaced("\"format\": 1", "\"format\": 2"), "the manifest has format 2; this program reads format 1");
    assert_eq!(replaced("\"state=tx\"", "\"state=rome\""), "`outputs` does not follow from the encoder");
    assert_eq!(replaced("\"nullable\": true", "\"nullable\": false"), "`schema_hash` does not follow from the encoder");
    let score = model.manifest().samples[0].score;
    let sample = replaced(&format!("\"score\": {score}"), "\"score\": 0.123");
    assert!(sample.starts_with("sample row 0 scores"), "{sample}");
    let mut other_form = form.to_vec();
    other_form[20] ^= 1;
    let refused = Model::load(manifest, &other_form).expect_err("refused").to_string();
    assert_eq!(refused, "`form.json` is not the file that `manifest.json` describes");
}

#[test]
fn a_record_scores_like_its_row() {
    let made = made(2000, 4);
    let outcome = run(&spec(&ALL), &made.rows(), None).expect("trains");
    let columns = made.columns();
    let rows: Vec<u32> = (0..200).collect();
    for candidate in &outcome.candidates {
        let scores = candidate.model.score_columns(&columns, &rows).expect("scores");
        for (row, expected) in rows.iter().zip(scores) {
            let named = columns.iter().map(|(name, column)| (name.to_owned(), Field::from(column.value(*row as usize))));
            let record: BTreeMap<String, Field> = named.collect();
            let score = candidate.model.score(&record).expect("scores");
            assert_eq!(score.to_bits(), expected.to_bits(), "{}", candidate.family);
        }
    }
}

#[test]
fn a_score_is_explained_by_its_inputs() {
    let made = made(2000, 4);
    let outcome = run(&spec(&ALL), &made.rows(), None).expect("trains");
    let columns = made.columns();
    for candidate in &outcome.candidates {
        let mut by_input = BTreeMap::<String, f64>::new();
        for row in 0..200 {
            let named = columns.iter().map(|(name, column)| (name.to_owned(), Field::from(column.value(row))));
            let record: BTreeMap<String, Field> = named.collect();
            let why = candidate.model.explain(&record).expect("explains");
            let sum = why.inputs.iter().fold(why.base, |sum, input| sum + input.contribution);
            assert!((candidate.model.form().probability(sum) - why.score).abs() < 1e-9, "{}", candidate.family);
            assert_eq!(why.score, candidate.model.score(&record).expect("scores"));
            assert!(why.inputs.is_sorted_by(|one, next| one.contribution.abs() >= next.contribution.abs()));
            assert_eq!((why.inputs.len(), why.reasons(2).len()), (5, 2));
            for input in &why.inputs {
                *by_input.entry(input.input.clone()).or_default() += input.contribution.abs();
            }
        }
        // The made-up fraud shows in amounts and velocities; one input is never known.
        assert!(by_input["amount"] > by_input["is_online"], "{}: {by_input:?}", candidate.family);
        assert!(by_input["velocity"] > by_input["is_online"], "{}: {by_input:?}", candidate.family);
        assert_eq!(by_input["never_known"], 0.0, "{}", candidate.family);
    }
}

#[test]
fn the_champion_is_judged_on_the_same_rows() {
    let rows = made(3000, 5).rows();
    let first = run(&spec(&ALL[..1]), &rows, None).expect("trains");
    let champion = &first.candidates[0].model;
    let second = run(&spec(&ALL[..1]), &rows, Some(champion)).expect("trains");
    let judged = second.champion.as_ref().and_then(Champion::metrics).expect("judged");
    assert_eq!(judged, first.candidates[0].metrics());

    let mut fewer = made(3000, 5);
    fewer.columns.retain(|(name, _)| name != "velocity");
    let mut without_velocity = spec(&ALL[..1]);
    without_velocity.features.retain(|feature| feature.column.as_str() != "velocity");
    let third = run(&without_velocity, &fewer.rows(), Some(champion)).expect("trains");
    assert!(matches!(third.champion, Some(Champion::NotComparable(_))));
}

#[test]
fn runs_that_make_no_sense_are_refused_before_anything_is_fitted() {
    let rows = made(300, 7).rows();
    let refuse = |candidates: &[(&str, &str)]| run(&spec(candidates), &rows, None).expect_err("refused").to_string();
    let unknown =
        "no family is called `magic`; known: logistic_regression, random_forest, gradient_boosting, isolation_forest, rules";
    assert_eq!(refuse(&[ALL[0], ("magic", "")]), unknown);
    assert_eq!(refuse(&[ALL[0], ("random_forest", "trees = 0")]), "candidate 2 has invalid parameters");

    let with_labels = |label: fn(usize) -> Option<bool>, time: fn(i64) -> i64| {
        let columns = made(300, 7).columns();
        let rows = TrainingRows::new((0..300).map(time).collect(), (0..300).map(label).collect(), columns).expect("fit together");
        run(&spec(&ALL[..1]), &rows, None).expect_err("refused").to_string()
    };
    assert_eq!(with_labels(|row| Some(row < 100), |row| row), "0 of 75 test rows are positive: both classes are needed");
    assert_eq!(with_labels(|row| Some(row > 280), |row| row), "0 of 225 training rows are positive: both classes are needed");
    let one_time = "300 labelled rows cannot be split by time: there is nothing before the test part";
    assert_eq!(with_labels(|row| Some(row % 2 == 0), |_| 5), one_time);
    assert!(with_labels(|_| None, |row| row).starts_with("0 labelled rows"));

    let none = TrainingRows::new(vec![], vec![], Columns::new(vec![]).expect("no column")).expect("fit together");
    assert!(run(&spec(&ALL[..1]), &none, None).is_err());
}
