//! How fast the fraud signals are and what a card costs.
//!
//! `cargo run --release -p lakehouse-signals --example throughput [events] [cards] [days]`
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::{error::Error, time::Duration};

use lakehouse_signals::{Event, EventColumns, Kernel, Key, Plan};

const SPEC: &str = include_str!("../../../domains/fraud/signals/transactions.toml");

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let mut next = |default: u64| arguments.next().unwrap_or(Ok(default));
    let (events, cards, days) = (next(1_000_000)?, next(6_000)?, next(150)?);
    let plan = Plan::compile(&toml::from_str(SPEC)?)?;
    let columns = Columns::generate(events, cards, days);
    let (numbers, keys, flags) = columns.in_order_of(&plan);
    let batch = EventColumns { times: &columns.times, ids: &columns.ids, numbers: &numbers, keys: &keys, flags: &flags };

    println!("{events} events of {cards} cards over {days} days");
    let mut kernel = Kernel::new(&plan);
    let mut total_seconds = 0.0;
    for entity in kernel.entities_mut() {
        let mut out = vec![Vec::new(); entity.plan().outputs().len()];
        let start = Cpu::now();
        entity.observe_batch(&batch, &mut out)?;
        let seconds = start.elapsed().as_secs_f64();
        total_seconds += seconds;
        println!(
            "{:<9} {seconds:.3} s, {:.2} M rows/s, {} keys, {} bytes each",
            entity.plan().name(),
            events as f64 / seconds / 1e6,
            entity.keys(),
            entity.approximate_bytes() / entity.keys().max(1),
        );
    }
    println!("together  {total_seconds:.3} s");
    report_live(&mut kernel, &batch)?;
    report_snapshot(&plan, &mut kernel, columns.times.last().copied().unwrap_or(0))
}

/// Asks and adds the first rows once more, as if they came now.
fn report_live(kernel: &mut Kernel, batch: &EventColumns<'_>) -> Result<(), Box<dyn Error>> {
    let now = batch.times.last().copied().unwrap_or(0);
    let mut signals = vec![0.0; kernel.plan().outputs().count()];
    let rows = batch.times.len().min(10_000);
    let start = Cpu::now();
    for row in 0..rows {
        let numbers: Vec<f64> = batch.numbers.iter().map(|column| column[row]).collect();
        let keys: Vec<Key> = batch.keys.iter().map(|column| column[row]).collect();
        let flags: Vec<bool> = batch.flags.iter().map(|column| column[row]).collect();
        let time = now + row as i64 * 1_000_000;
        let event = Event { time, id: batch.ids[row], numbers: &numbers, keys: &keys, flags: &flags };
        kernel.signals(&event, &mut signals)?;
        kernel.add(&event)?;
    }
    println!("live      {:.2} µs to ask and add", start.elapsed().as_secs_f64() * 1e6 / rows as f64);
    Ok(())
}

fn report_snapshot(plan: &Plan, kernel: &mut Kernel, now: i64) -> Result<(), Box<dyn Error>> {
    let (mut bytes, start) = (Vec::new(), Cpu::now());
    kernel.write_to(&mut bytes)?;
    let written = start.elapsed();
    let start = Cpu::now();
    let restored = Kernel::read_from(&mut bytes.as_slice(), plan)?;
    let read = start.elapsed();
    println!("snapshot  {} bytes, written in {written:.0?}, read in {read:.0?}", bytes.len());
    println!("restored  {} bytes", restored.approximate_bytes());
    kernel.expire(now + 31 * 86_400_000_000);
    println!("idle      {} bytes a month later", kernel.approximate_bytes());
    Ok(())
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
    fn generate(events: u64, cards: u64, days: u64) -> Self {
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
            merchants: rows.iter().map(|row| Key::from_integer((merchant(row) % 4_000) as i64)).collect(),
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
struct Cpu(u64);
impl Cpu {
    fn read() -> u64 { std::fs::read_to_string("/proc/thread-self/schedstat").unwrap().split(' ').next().unwrap().parse().unwrap() }
    fn now() -> Self { Self(Self::read()) }
    fn elapsed(&self) -> Duration { Duration::from_nanos(Self::read() - self.0) }
}
