//! Records and columns become the same numbers.

use lakehouse_models::{Column, Columns, Encoder, EncoderError, Field, InputError, InputKind, Layout, Record, TextColumn, Value};
use lakehouse_spec::FeatureSpec;

fn features(text: &str) -> Vec<FeatureSpec> {
    #[derive(serde::Deserialize)]
    struct File {
        feature: Vec<FeatureSpec>,
    }
    toml::from_str::<File>(text).expect("valid features").feature
}

const FEATURES: &str = r#"
feature = [
  { column = "amount", transform = "number", required = true },
  { column = "amount", transform = "log1p" },
  { column = "amount", transform = "ratio", to = "limit" },
  { column = "time", transform = "hour" },
  { column = "time", transform = "weekday" },
  { column = "card_brand", transform = "one_hot", max_categories = 2 },
  { column = "use_chip", transform = "text_flag", words = ["true"], parts = ["chip"] },
  { column = "has_chip", transform = "flag" },
]"#;

fn columns() -> Columns {
    let texts = |texts: &[Option<&str>]| Column::Text(texts.iter().copied().collect::<TextColumn>());
    Columns::new(vec![
        ("amount".into(), Column::Number(vec![1.0, 2.5, -3.0, 1e9])),
        ("limit".into(), Column::Number(vec![10.0, 0.0, f64::NAN, 1e4])),
        ("time".into(), Column::Number(vec![0.0, 1.5e15, f64::NAN, 1.25e15])),
        ("card_brand".into(), texts(&[Some("Visa"), Some("AMEX"), Some("visa"), None])),
        ("use_chip".into(), texts(&[Some("Chip Transaction"), Some("TRUE"), None, Some("Swipe")])),
        ("has_chip".into(), Column::Flag(vec![Some(true), None, Some(false), None])),
    ])
    .expect("columns fit")
}

struct Row<'a>(&'a Columns, usize);

impl Record for Row<'_> {
    fn value(&self, input: &str) -> Option<Value<'_>> {
        self.0.get(input).map(|column| column.value(self.1))
    }
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

#[test]
fn a_record_and_its_row_of_columns_give_the_same_numbers() {
    let columns = columns();
    let encoder = Encoder::fit(&features(FEATURES), &columns, &[0, 1, 2, 3]).expect("fits");
    let names = [
        "amount",
        "log1p(amount)",
        "amount/limit",
        "hour(time)",
        "weekday(time)",
        "card_brand=visa",
        "card_brand=amex",
        "card_brand=*",
        "use_chip~true|chip",
        "has_chip",
    ];
    assert_eq!(encoder.output_names(), names);

    let bound = encoder.bind(&columns).expect("binds");
    let rows = [3, 0, 2, 1];
    let matrix = bound.matrix(&rows, Layout::RowMajor);
    let transposed = bound.matrix(&rows, Layout::ColumnMajor);
    let mut numbers = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        encoder.encode(&Row(&columns, *row as usize), &mut numbers).expect("encodes");
        assert_eq!(bits(&numbers), bits(&matrix[position * names.len()..][..names.len()]), "row {row}");
        let column: Vec<f64> = (0..names.len()).map(|output| transposed[output * rows.len() + position]).collect();
        assert_eq!(bits(&numbers), bits(&column), "row {row}");
    }
    assert_eq!(matrix[names.len()..][..8], [1.0, 2_f64.ln(), 0.1, 0.0, 4.0, 1.0, 0.0, 0.0]);
}

#[test]
fn an_encoder_is_the_same_after_saving_and_keeps_its_schema_hash() {
    let columns = columns();
    let encoder = Encoder::fit(&features(FEATURES), &columns, &[0, 1, 2, 3]).expect("fits");
    let text = serde_json::to_string(&encoder).expect("saves");
    let loaded: Encoder = serde_json::from_str(&text).expect("loads");
    assert_eq!(loaded, encoder);
    assert_eq!(serde_json::to_string(&loaded).expect("saves"), text);
    // Other rows give other categories but take the same records.
    let other = Encoder::fit(&features(FEATURES), &columns, &[0]).expect("fits");
    assert_ne!(other, encoder);
    assert_eq!(other.schema_hash(), encoder.schema_hash());
    assert_eq!(encoder.schema_hash().len(), 64);
}

#[test]
fn records_are_refused_with_the_input_named() {
    let encoder = Encoder::fit(&features(FEATURES), &columns(), &[0, 1, 2, 3]).expect("fits");
    let mut record = std::collections::BTreeMap::from([("amount".to_owned(), Field::Number(5.0))]);
    let mut out = Vec::new();
    encoder.encode(&record, &mut out).expect("the others may be absent");
    record.insert("has_chip".into(), Field::Text("yes".into()));
    let wrong_kind = InputError::WrongKind { input: "has_chip".into(), expected: InputKind::Flag };
    assert_eq!(encoder.encode(&record, &mut out), Err(wrong_kind));
    for absent in [Field::Absent, Field::Number(f64::NAN)] {
        record.insert("amount".into(), absent);
        assert_eq!(encoder.encode(&record, &mut out), Err(InputError::Missing("amount".into())));
    }
}

#[test]
fn features_that_do_not_fit_the_columns_are_refused() {
    let fit = |text| Encoder::fit(&features(text), &columns(), &[0]).expect_err("refused");
    assert_eq!(fit(r#"feature = [{ column = "no", transform = "number" }]"#), EncoderError::UnknownColumn("no".into()));
    let wrong_kind = EncoderError::WrongKind { column: "card_brand".into(), expected: InputKind::Number, found: "text" };
    assert_eq!(fit(r#"feature = [{ column = "card_brand", transform = "number" }]"#), wrong_kind);
    let twice = r#"feature = [{ column = "amount", transform = "log1p" }, { column = "amount", transform = "log1p" }]"#;
    assert_eq!(fit(twice), EncoderError::Twice("log1p(amount)".into()));
}

#[test]
fn corrupt_encoders_are_refused() {
    let good = r#"{"inputs":[{"name":"a","kind":"number","nullable":true}],"features":[["a",{"transform":"number"}]]}"#;
    assert!(serde_json::from_str::<Encoder>(good).is_ok());
    for (from, to) in
        [(r#"["a""#, r#"["b""#), (r#""kind":"number""#, r#""kind":"text""#), (r#"transform":"number""#, r#"transform":"new""#)]
    {
        assert!(serde_json::from_str::<Encoder>(&good.replace(from, to)).is_err(), "{to}");
    }
}
