//! A registry with small models of the domain's own inputs, and states of the domain's own signals.

use std::{fs, path::PathBuf, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use lakehouse_models::{
    Column, Columns, Combine, Description, Encoder, FlatForest, Forest, Metrics, Model, NumberStatistics, ScoringForm, Serving,
    Source, Split, SplitPart,
};
use lakehouse_registry::{AliasName, NewVersion, Registry, VersionNumber};
use lakehouse_settings::{Overrides, Settings};
use lakehouse_signals::{Event, Kernel, Key, Plan, Snapshot};
use lakehouse_spec::{FeatureSpec, ModelName, SignalsSpec, TrainingSpec, Transform};
use object_store::local::LocalFileSystem;
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

pub struct Shelf {
    pub folder: TempDir,
    /// Of the journal and the lake.
    others: TempDir,
}

impl Shelf {
    pub fn new() -> Self {
        Self { folder: TempDir::new().expect("folder"), others: TempDir::new().expect("folder") }
    }

    /// The defaults, with everything in folders of this test.
    pub fn settings(&self) -> Settings {
        let place = |name: &str| Url::from_file_path(self.others.path().join(name)).expect("url");
        let overrides =
            Overrides { registry: Some(self.url().to_string()), lake: Some(place("lake").to_string()), ..Overrides::default() };
        let mut settings = Settings::load(None, overrides).expect("settings");
        settings.api_ml.journal = self.journal();
        settings
    }

    pub fn journal(&self) -> PathBuf {
        self.others.path().join("journal")
    }

    pub fn url(&self) -> Url {
        Url::from_file_path(self.folder.path()).expect("url")
    }

    pub fn registry(&self) -> Registry {
        Registry::open(Arc::new(LocalFileSystem::new()), &self.url()).expect("registry")
    }

    /// Makes a model the champion, whatever it was made of; gives its version.
    pub async fn promote(&self, model: &Model) -> u32 {
        let version = self.register(model).await;
        self.point(&AliasName::champion(), &model.manifest().description.model, version).await;
        version
    }

    /// The same with any files.
    pub async fn promote_files(&self, model: &str, files: Vec<(String, Bytes)>) -> u32 {
        let version = self.register_files(model, files).await;
        self.point(&AliasName::champion(), model, version).await;
        version
    }

    /// Makes a model a version that nothing points at.
    pub async fn register(&self, model: &Model) -> u32 {
        let files = model.to_files().expect("files").into_iter();
        let files = files.map(|(name, bytes)| (name.to_owned(), Bytes::from(bytes))).collect();
        self.register_files(&model.manifest().description.model, files).await
    }

    async fn register_files(&self, model: &str, files: Vec<(String, Bytes)>) -> u32 {
        let new = NewVersion { manifest: json!({}), files, created_at: Timestamp::UNIX_EPOCH };
        self.registry().register(&model.parse().expect("name"), new).await.expect("version").version.0
    }

    /// Has an alias point at a version.
    pub async fn point(&self, alias: &AliasName, model: &str, version: u32) {
        let (registry, model) = (self.registry(), model.parse::<ModelName>().expect("name"));
        let held = registry.alias(&model, alias).await.expect("alias").map(|held| held.number);
        registry.promote(&model, alias, VersionNumber(version), held, "a test").await.expect("promotion");
    }

    /// What waits in the landing place of the lake, in order.
    pub fn delivered_predictions(&self) -> Vec<Value> {
        let folder = self.others.path().join("lake/landing/fraud/predictions/rows");
        let mut pushes: Vec<PathBuf> = fs::read_dir(folder).expect("rows").map(|entry| entry.expect("entry").path()).collect();
        pushes.sort();
        let bytes = pushes.iter().flat_map(|push| zstd::decode_all(fs::File::open(push).expect("push")).expect("zstd"));
        let text = String::from_utf8(bytes.collect()).expect("text");
        text.lines().map(|line| serde_json::from_str(line).expect("row")).collect()
    }

    /// Stores a state of the signals that has seen these purchases, in order.
    pub async fn put_state(&self, purchases: &[Purchase]) {
        self.put_state_of(&signals(), purchases).await;
    }

    pub async fn put_state_of(&self, spec: &SignalsSpec, purchases: &[Purchase]) {
        let mut kernel = Kernel::new(&Plan::compile(spec).expect("plan"));
        purchases.iter().for_each(|purchase| purchase.observe(&mut kernel));
        self.put(spec, &kernel).await;
    }

    /// Stores a state of the domain's signals.
    pub async fn put_kernel(&self, kernel: &Kernel) {
        self.put(&signals(), kernel).await;
    }

    async fn put(&self, spec: &SignalsSpec, kernel: &Kernel) {
        let mut bytes = Vec::new();
        Snapshot::write(spec, kernel, &mut bytes).expect("snapshot");
        self.put_bytes(bytes).await;
    }

    pub async fn put_bytes(&self, bytes: Vec<u8>) {
        self.put_online("fraud", "transactions", bytes).await;
    }

    /// Stores an online state of any domain.
    pub async fn put_online(&self, domain: &str, name: &str, bytes: Vec<u8>) {
        let (domain, name) = (domain.parse().expect("name"), name.parse().expect("name"));
        self.registry().put_online(&domain, &name, bytes.into()).await.expect("state");
    }
}

/// An earlier purchase.
#[derive(Clone, Copy)]
pub struct Purchase {
    pub at: &'static str,
    pub card: i64,
    pub merchant: i64,
    pub category: i64,
    pub state: &'static str,
    pub is_fraud: bool,
}

impl Purchase {
    fn observe(self, kernel: &mut Kernel) {
        let inputs = kernel.plan().inputs().clone();
        let number = |name: &str| match name {
            "amount" => 10.0,
            "label" => f64::from(u8::from(self.is_fraud)),
            other => panic!("no number `{other}`"),
        };
        let key = |name: &str| match name {
            "tx_card_id" => Key::from_integer(self.card),
            "merchant_id" => Key::from_integer(self.merchant),
            "mcc_code" => Key::from_integer(self.category),
            "merchant_state" => Key::from_text(self.state),
            other => panic!("no key `{other}`"),
        };
        let numbers: Vec<f64> = inputs.numbers.iter().map(|name| number(name.as_str())).collect();
        let keys: Vec<Key> = inputs.keys.iter().map(|name| key(name.as_str())).collect();
        let flags = vec![false; inputs.flags.len()];
        let time = self.at.parse::<Timestamp>().expect("instant").as_microsecond();
        let mut out = vec![0.0; kernel.plan().outputs().count()];
        let event = Event { time, id: time, numbers: &numbers, keys: &keys, flags: &flags };
        kernel.observe(&event, &mut out).expect("in order");
    }
}

/// The signals file of the domain.
pub fn signals() -> SignalsSpec {
    toml::from_str(&domain_file("signals/transactions.toml")).expect("signals")
}

/// The inputs that the domain's training file gives a model.
pub fn features(model: &str) -> Vec<FeatureSpec> {
    let spec: TrainingSpec = toml::from_str(&domain_file(&format!("training/{model}.toml"))).expect("training");
    spec.features
}

fn domain_file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../domains/fraud").join(name);
    fs::read_to_string(path).expect(name)
}

/// A model that gives every transaction one probability.
pub fn constant(model: &str, probability: f64) -> Model {
    constant_of(model, &features(model), probability)
}

/// The same, with other inputs than the domain's.
pub fn constant_of(model: &str, features: &[FeatureSpec], probability: f64) -> Model {
    build(model, encoder(features), |forest| forest.push_leaf(probability, 2.0))
}

/// A model that gives 0.9 where a number is at or above `threshold`, else 0.1. The number is named as the encoder names it.
pub fn split_on(model: &str, number: &str, threshold: f64) -> Model {
    split_of(model, &features(model), number, threshold)
}

/// The same, with other inputs than the domain's.
pub fn split_of(model: &str, features: &[FeatureSpec], number: &str, threshold: f64) -> Model {
    let encoder = encoder(features);
    let position = encoder.output_names().iter().position(|name| name == number).expect(number);
    build(model, encoder, |forest| {
        forest.push_split(u32::try_from(position).expect("position"), threshold, [1, 2], true, 2.0);
        forest.push_leaf(0.1, 1.0);
        forest.push_leaf(0.9, 1.0);
    })
}

/// A model of one tree.
fn build(model: &str, encoder: Encoder, grow: impl FnOnce(&mut FlatForest)) -> Model {
    let mut forest = FlatForest::new(u32::try_from(encoder.width()).expect("width"), Combine::Mean { odds_factor: 1.0 });
    forest.start_tree();
    grow(&mut forest);
    let form = ScoringForm::Forest(Forest::try_from(forest).expect("forest"));
    Model::new(description(model), encoder, form, Serving::default(), Vec::new()).expect("model")
}

/// An encoder whose texts know four categories.
fn encoder(features: &[FeatureSpec]) -> Encoder {
    let texts = || ["Visa", "Credit", "CA", "ONLINE"].into_iter().map(Some).collect();
    let column = |feature: &FeatureSpec| match feature.transform {
        Transform::Flag => Column::Flag(vec![None; 4]),
        Transform::TextFlag { .. } | Transform::OneHot { .. } => Column::Text(texts()),
        _ => Column::Number(vec![1.0; 4]),
    };
    let mut columns: Vec<(String, Column)> = Vec::new();
    for feature in features {
        for name in feature.columns().filter(|name| !columns.iter().any(|(known, _)| known == name.as_str())).collect::<Vec<_>>()
        {
            columns.push((name.to_string(), column(feature)));
        }
    }
    Encoder::fit(features, &Columns::new(columns).expect("columns"), &[0, 1, 2, 3]).expect("encoder")
}

fn description(model: &str) -> Description {
    let part = SplitPart { rows: 2, positives: 1, from: 0, to: 1 };
    Description {
        model: model.to_owned(),
        about: "a test".to_owned(),
        family: "gradient_boosting".to_owned(),
        parameters: Default::default(),
        seed: 1,
        source: Source::default(),
        split: Split { train: part.clone(), test: part },
        metrics: Metrics::new(&[0.9, 0.1], &[true, false], 0.5, 1).expect("metrics"),
        inputs: Vec::new(),
        scores: NumberStatistics::new(vec![0.1, 0.9]),
    }
}
