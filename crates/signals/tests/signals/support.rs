//! Events by column name, and ways to run them.

use std::sync::LazyLock;

use lakehouse_signals::{Event, EventColumns, Inputs, Kernel, Key, Plan};
use lakehouse_spec::SignalsSpec;

pub const SECOND: i64 = 1_000_000;

/// A purchase, as tests write it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Purchase {
    pub time: i64,
    pub id: i64,
    pub card: Option<i64>,
    pub shop: Option<i64>,
    /// NaN when absent.
    pub amount: f64,
    pub fraud: f64,
    pub refused: bool,
}

impl Purchase {
    /// A purchase of card 1 in shop 1 for 1.00, that many seconds after the epoch.
    pub fn at(seconds: i64) -> Self {
        Self { time: seconds * SECOND, id: seconds, card: Some(1), shop: Some(1), amount: 1.0, fraud: f64::NAN, refused: false }
    }

    pub fn number(&self, column: &str) -> f64 {
        match column {
            "amount" => self.amount,
            "fraud" => self.fraud,
            other => panic!("no number `{other}`"),
        }
    }

    pub fn key(&self, column: &str) -> Key {
        let value = match column {
            "card" => self.card,
            "shop" => self.shop,
            other => panic!("no key `{other}`"),
        };
        value.map_or(Key::NULL, Key::from_integer)
    }

    pub fn flag(&self, column: &str) -> bool {
        match column {
            "refused" => self.refused,
            other => panic!("no flag `{other}`"),
        }
    }

    /// Hands the event to `act` in the order of the plan's inputs.
    pub fn with_event<T>(&self, inputs: &Inputs, act: impl FnOnce(&Event<'_>) -> T) -> T {
        let numbers: Vec<f64> = inputs.numbers.iter().map(|column| self.number(column.as_str())).collect();
        let keys: Vec<Key> = inputs.keys.iter().map(|column| self.key(column.as_str())).collect();
        let flags: Vec<bool> = inputs.flags.iter().map(|column| self.flag(column.as_str())).collect();
        act(&Event { time: self.time, id: self.id, numbers: &numbers, keys: &keys, flags: &flags })
    }
}

/// Purchases of many cards, a few at a time.
pub fn busy(count: i64) -> Vec<Purchase> {
    let purchase = |i: i64| Purchase {
        time: i / 3 * 1_000,
        id: i,
        card: (i % 11 > 0).then_some(i % 700),
        shop: Some(i * i % 1_009),
        amount: i as f64 / 100.0,
        fraud: f64::from(i % 5 == 0),
        refused: i % 7 == 0,
    };
    (0..count).map(purchase).collect()
}

/// A signals file with these entities, each a name, a key column and its signals as TOML.
pub fn spec(entities: &[(&str, &str, &str)]) -> SignalsSpec {
    let mut text = "description = \"\"\nid = \"id\"\ntime = \"time\"\ncarry = []\n".to_owned();
    for (name, key, signals) in entities {
        text += &format!("[[entity]]\nname = \"{name}\"\nkey = \"{key}\"\nsignals = [\n{signals}\n]\n");
    }
    toml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A plan of one entity, the card, with one signal.
pub fn card_plan(signal: &str) -> Plan {
    Plan::compile(&spec(&[("card", "card", &format!("{{ name = \"value\", {signal} }}"))])).unwrap()
}

/// The plan of [`everything`].
pub fn plan() -> &'static Plan {
    static PLAN: LazyLock<Plan> = LazyLock::new(|| Plan::compile(everything()).unwrap());
    &PLAN
}

/// Every way of asking: all aggregates, with and without window, delay and flag.
pub fn everything() -> &'static SignalsSpec {
    static SPEC: LazyLock<SignalsSpec> = LazyLock::new(declare_everything);
    &SPEC
}

fn declare_everything() -> SignalsSpec {
    const CARD: &str = r#"
        { name = "count_5", aggregate = "count", window = "5s" },
        { name = "count_12", aggregate = "count", window = "12s" },
        { name = "count_all", aggregate = "count" },
        { name = "refused_12", aggregate = "count", window = "12s", only = "refused" },
        { name = "sum_5", aggregate = "sum", of = "amount", window = "5s" },
        { name = "sum_all_refused", aggregate = "sum", of = "amount", only = "refused" },
        { name = "mean_12", aggregate = "mean", of = "amount", window = "12s" },
        { name = "std_12", aggregate = "std", of = "amount", window = "12s" },
        { name = "zscore_5", aggregate = "zscore", of = "amount", window = "5s" },
        { name = "zscore_all", aggregate = "zscore", of = "amount" },
        { name = "shops_5", aggregate = "distinct", of = "shop", window = "5s" },
        { name = "shops_all", aggregate = "distinct", of = "shop" },
        { name = "since_previous", aggregate = "since_previous" },
        { name = "since_refused", aggregate = "since_previous", only = "refused" },
        { name = "new_shop", aggregate = "first_seen", of = "shop" },
        { name = "other_shop", aggregate = "changed", of = "shop" },
    "#;
    const SHOP: &str = r#"
        { name = "rate", aggregate = "smoothed_rate", of = "fraud", delay = "7s", prior = 0.1, prior_weight = 10.0 },
        { name = "rate_12", aggregate = "smoothed_rate", of = "fraud", delay = "3s", window = "12s", prior = 0.1, prior_weight = 0.0 },
        { name = "known_sum", aggregate = "sum", of = "fraud", delay = "3s" },
        { name = "known_count_12", aggregate = "count", delay = "3s", window = "12s" },
        { name = "new_card_refused", aggregate = "first_seen", of = "card", only = "refused" },
        { name = "other_card_refused", aggregate = "changed", of = "card", only = "refused" },
    "#;
    const IDLE: &str = r#"{ name = "shop_sum_5", aggregate = "sum", of = "amount", window = "5s" },"#;
    spec(&[("card", "card", CARD), ("shop", "shop", SHOP), ("idle", "shop", IDLE)])
}

/// One row of values per event, for rows that are compared to the bit.
pub type Rows = Vec<Vec<u64>>;

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Observes the purchases one by one.
pub fn live(kernel: &mut Kernel, purchases: &[Purchase]) -> Rows {
    let (inputs, width) = (kernel.plan().inputs().clone(), kernel.plan().outputs().count());
    let mut out = vec![0.0; width];
    let mut one = |purchase: &Purchase| {
        purchase.with_event(&inputs, |event| kernel.observe(event, &mut out)).unwrap();
        bits(&out)
    };
    purchases.iter().map(&mut one).collect()
}

/// What a purchase would see.
pub fn ask(kernel: &mut Kernel, purchase: &Purchase) -> Vec<f64> {
    let (inputs, width) = (kernel.plan().inputs().clone(), kernel.plan().outputs().count());
    let mut out = vec![0.0; width];
    purchase.with_event(&inputs, |event| kernel.signals(event, &mut out)).unwrap();
    out
}

pub fn add(kernel: &mut Kernel, purchase: &Purchase) {
    let inputs = kernel.plan().inputs().clone();
    purchase.with_event(&inputs, |event| kernel.add(event)).unwrap();
}

/// Observes the purchases as one batch.
pub fn batch(kernel: &mut Kernel, purchases: &[Purchase]) -> Result<Rows, lakehouse_signals::EventError> {
    let inputs = kernel.plan().inputs().clone();
    let column = |name: &str| purchases.iter().map(|purchase| purchase.number(name)).collect::<Vec<_>>();
    let numbers: Vec<Vec<f64>> = inputs.numbers.iter().map(|name| column(name.as_str())).collect();
    let column = |name: &str| purchases.iter().map(|purchase| purchase.key(name)).collect::<Vec<_>>();
    let keys: Vec<Vec<Key>> = inputs.keys.iter().map(|name| column(name.as_str())).collect();
    let column = |name: &str| purchases.iter().map(|purchase| purchase.flag(name)).collect::<Vec<_>>();
    let flags: Vec<Vec<bool>> = inputs.flags.iter().map(|name| column(name.as_str())).collect();
    let mut out = vec![Vec::new(); kernel.plan().outputs().count()];
    kernel.observe_batch(
        &EventColumns {
            times: &purchases.iter().map(|purchase| purchase.time).collect::<Vec<_>>(),
            ids: &purchases.iter().map(|purchase| purchase.id).collect::<Vec<_>>(),
            numbers: &numbers.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            keys: &keys.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            flags: &flags.iter().map(Vec::as_slice).collect::<Vec<_>>(),
        },
        &mut out,
    )?;
    Ok((0..purchases.len()).map(|row| out.iter().map(|column| column[row].to_bits()).collect()).collect())
}

/// The single signal of every purchase.
pub fn values(plan: &Plan, purchases: &[Purchase]) -> Vec<f64> {
    let rows = batch(&mut Kernel::new(plan), purchases).unwrap();
    rows.iter().map(|row| f64::from_bits(row[0])).collect()
}

pub fn snapshot(kernel: &Kernel) -> Vec<u8> {
    let mut bytes = Vec::new();
    kernel.write_to(&mut bytes).unwrap();
    bytes
}

pub fn restore(bytes: &[u8], plan: &Plan) -> Kernel {
    Kernel::read_from(&mut &*bytes, plan).unwrap()
}
