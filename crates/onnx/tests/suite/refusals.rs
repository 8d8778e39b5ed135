//! What is not taken, and what is said then.

use lakehouse_models::{Field, Random};
use lakehouse_onnx::{Import, MAX_FILE_BYTES, MAX_SAMPLE_ROWS};
use serde_json::json;

use crate::golden::{golden, import};

fn refused(import: Import, file: &[u8]) -> String {
    import.read("fraud", file).unwrap_err().to_string()
}

#[test]
fn a_file_that_is_not_supported_is_refused_with_the_reason() {
    let network = refused(import("sklearn_network"), &golden("sklearn_network.onnx"));
    assert!(network.starts_with("the operator `Add` is not supported") || network.contains("`Sub`"), "{network}");
    assert_eq!(refused(import("xgboost"), b""), "this is no ONNX file, or a damaged one: it has no graph");
    assert!(refused(import("xgboost"), b"PK\x03\x04 not ONNX at all").contains("damaged"));
    assert!(refused(import("xgboost"), &vec![0; MAX_FILE_BYTES + 1]).contains("16777216 are the most that is taken"));
    let file = golden("xgboost.onnx");
    assert!(refused(import("xgboost"), &file[..file.len() / 2]).contains("it ends in the middle of a field"));
}

#[test]
fn a_sample_that_does_not_fit_is_refused_with_the_row() {
    let file = golden("xgboost.onnx");
    let mut wrong = import("xgboost");
    wrong.sample[7].score += 1e-4;
    let said = refused(wrong, &file);
    assert!(said.starts_with("sample row 7 scores 0.") && said.contains("and 1e-5 is the most"), "{said}");

    let mut short = import("xgboost");
    short.sample[3].values.pop();
    assert_eq!(refused(short, &file), "sample row 3 has 3 values for 4 inputs");
    let mut absent = import("xgboost");
    absent.sample[3].values[0] = Field::Absent;
    assert_eq!(refused(absent, &file), "sample row 3: input `amount` is required");
    let mut long = import("xgboost");
    long.sample = long.sample.iter().cycle().take(MAX_SAMPLE_ROWS + 1).cloned().collect();
    assert_eq!(refused(long, &file), "the sample has 10001 rows, and 10000 are the most that is taken");
    let mut one_class = import("xgboost");
    one_class.sample.iter_mut().for_each(|row| row.label = false);
    assert!(refused(one_class, &file).contains("both classes are needed"));
}

#[test]
fn inputs_that_are_not_the_files_are_refused_with_both() {
    let mut fewer = import("xgboost");
    fewer.encoder = serde_json::from_value(json!({
        "inputs": [{"name": "amount", "kind": "number", "nullable": false}], "features": [["amount", {"transform": "number"}]],
    }))
    .unwrap();
    let said = refused(fewer, &golden("xgboost.onnx"));
    assert_eq!(said, "the file takes `rows` of 4 columns, and the declared inputs give 1 numbers: amount");
}

/// Any damage gives a model that scores the sample as it should, or a refusal; never a panic, a hang or a wrong score.
#[test]
fn damaged_files_are_refused_or_score_the_same() {
    let mut random = Random::new(11, 0);
    let (mut refused, mut same) = (0, 0);
    let small: Vec<(Vec<u8>, Import)> = ["sklearn_logistic", "lightgbm", "xgboost", "sklearn_forest"]
        .map(|name| {
            let mut import = import(name);
            import.sample.truncate(40);
            (golden(&format!("{name}.onnx")), import)
        })
        .into();
    for round in 0..2_000 {
        let (file, import) = &small[round % small.len()];
        let mut damaged = file.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(damaged.len());
            damaged[at] = (random.below(256)) as u8;
        }
        if random.below(5) == 0 {
            damaged.truncate(random.below(damaged.len()));
        }
        match import.clone().read("fraud", &damaged) {
            Ok(imported) => {
                assert!(imported.max_difference <= 1e-5);
                same += 1;
            }
            Err(_) => refused += 1,
        }
    }
    println!("2000 damaged files: {refused} refused, {same} whose sample scores as it should");
    assert!(refused > 500 && same > 100, "{refused}, {same}");
}
