//! How fast the fraud signals are, what a card costs, and how long a state takes to be there again.
//!
//! `cargo run --release -p lakehouse-signals --example throughput [events] [cards] [merchants] [days]`
//! Prints a row of a Markdown table; without arguments the whole table: 2,000 cards, and a million of them.
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::{error::Error, time::Instant};

use lakehouse_signals::{Event, EventColumns, Kernel, Key, Plan};

const SPEC: &str = include_str!("../../../domains/fraud/signals/transactions.toml");
/// Events, cards, merchants, days.
const SHAPES: [[u64; 4]; 2] = [[1_000_000, 2_000, 4_000, 150], [5_000_000, 1_000_000, 4_000, 150]];
/// Events that a service has on top of its state when it is killed.
const JOURNAL: usize = 100_000;
/// Lookups and additions that are timed one by one.
const LIVE: usize = 10_000;
const MEBIBYTE: f64 = 1_048_576.0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u64> = std::env::args().skip(1).map(|argument| argument.parse()).collect::<Result<_, _>>()?;
    let shapes = if arguments.is_empty() {
        SHAPES.to_vec()
    } else {
        let [mut shape, _] = SHAPES;
        shape.iter_mut().zip(arguments).for_each(|(number, given)| *number = given);
        vec![shape]
    };
    let plan = Plan::compile(&toml::from_str(SPEC)?)?;
    println!(
        "| cards × merchants | events | batch, M events/s | keys | memory MiB | a month later, idle | look up µs, P50 / P99 | \
         add µs, P50 / P99 | snapshot MiB | written s | read s | and {JOURNAL} events on top s |"
    );
    println!("|---|{}", "---:|".repeat(11));
    shapes.into_iter().try_for_each(|shape| measure(&plan, shape))
}

fn measure(plan: &Plan, [events, cards, merchants, days]: [u64; 4]) -> Result<(), Box<dyn Error>> {
    let columns = Columns::generate(events, cards, merchants, days);
    let (numbers, keys, flags) = columns.in_order_of(plan);
    let batch = EventColumns { times: &columns.times, ids: &columns.ids, numbers: &numbers, keys: &keys, flags: &flags };
    let mut kernel = Kernel::new(plan);
    let start = Instant::now();
    for entity in kernel.entities_mut() {
        let mut out = vec![Vec::new(); entity.plan().outputs().len()];
        entity.observe_batch(&batch, &mut out)?;
    }
    let rate = events as f64 / start.elapsed().as_secs_f64() / 1e6;
    let keys: usize = kernel.entities().iter().map(|entity| entity.keys()).sum();
    let memory = kernel.approximate_bytes() as f64 / MEBIBYTE;

    let (mut snapshot, start) = (Vec::new(), Instant::now());
    kernel.write_to(&mut snapshot)?;
    let written = start.elapsed().as_secs_f64();
    drop(kernel);
    let start = Instant::now();
    let mut kernel = Kernel::read_from(&mut snapshot.as_slice(), plan)?;
    let read = start.elapsed().as_secs_f64();
    // What a restart takes in from the journal; reading and checking its entries is measured by `bench/serving.py`.
    let start = Instant::now();
    live(&mut kernel, &batch, JOURNAL, |kernel, event, _| Ok(kernel.add(event)?))?;
    let replayed = read + start.elapsed().as_secs_f64();

    let asked = live(&mut kernel, &batch, LIVE, |kernel, event, signals| Ok(kernel.signals(event, signals)?))?;
    let added = live(&mut kernel, &batch, LIVE, |kernel, event, _| Ok(kernel.add(event)?))?;
    kernel.expire(columns.times.last().copied().unwrap_or(0) + 31 * 86_400_000_000);
    let idle = kernel.approximate_bytes() as f64 / MEBIBYTE;
    println!(
        "| {cards} × {merchants} | {events} | {rate:.2} | {keys} | {memory:.0} | {idle:.0} | {asked} | {added} | {:.0} | {written:.2} | \
         {read:.2} | {replayed:.2} |",
        snapshot.len() as f64 / MEBIBYTE
    );
    Ok(())
}

/// Has the newest rows come once more, as if it were now, and tells quantiles of what each takes.
fn live(
    kernel: &mut Kernel,
    batch: &EventColumns<'_>,
    rows: usize,
    mut act: impl FnMut(&mut Kernel, &Event<'_>, &mut [f64]) -> Result<(), Box<dyn Error>>,
) -> Result<String, Box<dyn Error>> {
    let now = kernel.newest().unwrap_or_default();
    let mut signals = vec![0.0; kernel.plan().outputs().count()];
    let mut nanoseconds = Vec::with_capacity(rows);
    for (row, second) in (0..batch.times.len()).rev().take(rows).zip(1_i64..) {
        let numbers: Vec<f64> = batch.numbers.iter().map(|column| column[row]).collect();
        let keys: Vec<Key> = batch.keys.iter().map(|column| column[row]).collect();
        let flags: Vec<bool> = batch.flags.iter().map(|column| column[row]).collect();
        let event = Event { time: now + second * 10_000, id: batch.ids[row], numbers: &numbers, keys: &keys, flags: &flags };
        let start = Instant::now();
        act(kernel, &event, &mut signals)?;
        nanoseconds.push(start.elapsed().as_nanos() as u64);
    }
    nanoseconds.sort_unstable();
    let quantile = |share: f64| nanoseconds[(nanoseconds.len().saturating_sub(1) as f64 * share) as usize] as f64 / 1e3;
    Ok(format!("{:.1} / {:.1}", quantile(0.5), quantile(0.99)))
}

/// The columns of the fraud signals, as the engine would bring them.
struct Columns {
    times: Vec<i64>,
    ids: Vec<i64>,
    amounts: Vec<f64>,
    labels: Vec<f64>,
    cards: Vec<Key>,
    merchants: Vec<Key>,
    states: Vec<Key>,
    mccs: Vec<Key>,
    failures: Vec<bool>,
}

impl Columns {
    fn generate(events: u64, cards: u64, merchants: u64, days: u64) -> Self {
        let mut random = Random(7);
        let rows: Vec<[u64; 6]> = (0..events).map(|_| std::array::from_fn(|_| random.next())).collect();
        let key =
            |choices: u64, column: usize| rows.iter().map(|row| Key::from_integer((row[column] % choices) as i64)).collect();
        // A card has its regular merchants, and one purchase in eight goes elsewhere.
        let merchant = |row: &[u64; 6]| if row[1].is_multiple_of(8) { row[1] >> 32 } else { (row[0] % cards) * 31 + row[1] % 24 };
        let minutes = days * 24 * 60;
        Self {
            times: (0..events).map(|row| (row * minutes / events * 60_000_000) as i64).collect(),
            ids: (0..events as i64).collect(),
            amounts: rows.iter().map(|row| (row[2] % 30_000 + 1) as f64 / 100.0).collect(),
            labels: rows
                .iter()
                .map(|row| if row[3].is_multiple_of(3) { f64::NAN } else { f64::from(row[3] % 700 == 1) })
                .collect(),
            cards: key(cards, 0),
            merchants: rows.iter().map(|row| Key::from_integer((merchant(row) % merchants) as i64)).collect(),
            states: key(50, 4),
            mccs: key(109, 5),
            failures: rows.iter().map(|row| row[5].is_multiple_of(97)).collect(),
        }
    }

    fn in_order_of(&self, plan: &Plan) -> Slices<'_> {
        let inputs = plan.inputs();
        let numbers = inputs.numbers.iter().map(|name| if name.as_str() == "label" { &*self.labels } else { &*self.amounts });
        let keys = inputs.keys.iter().map(|name| match name.as_str() {
            "tx_card_id" => &*self.cards,
            "merchant_id" => &*self.merchants,
            "mcc_code" => &*self.mccs,
            _ => &*self.states,
        });
        (numbers.collect(), keys.collect(), vec![&*self.failures; inputs.flags.len()])
    }
}

/// Numbers, keys and flags, a slice per column.
type Slices<'a> = (Vec<&'a [f64]>, Vec<&'a [Key]>, Vec<&'a [bool]>);

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
