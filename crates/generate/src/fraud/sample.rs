//! The sample itself: its arguments, its five files, its summary.

use std::fs;
use std::path::Path;

use super::damage::{Damage, Damages};
use super::rows::{LABELS_END, LABELS_START, TRANSACTIONS_HEADER, push_label, push_transaction};
use super::simulation::Simulation;
use super::transaction::Transaction;
use super::world::{Subject, World};
use super::{cards, merchant_codes, users};
use crate::GenerateError;
use crate::random::Random;
use crate::staged::{StagedFile, publish};

/// The names of the files of a fraud sample. The last, the transactions, is the last to appear: where it stands, the set is
/// whole.
pub const FRAUD_FILES: [&str; 5] =
    ["users_data.csv", "cards_data.csv", "mcc_codes.json", "train_fraud_labels.json", "transactions_data.csv"];

/// The real data's first id.
const FIRST_ID: u64 = 7_475_327;

/// Of a million transactions, so many have a label, whatever it says.
const LABELLED_PER_MILLION: u64 = 670_000;

/// How many rows lie between two reports of progress.
const ROWS_PER_REPORT: u64 = 8_192;

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FraudSample {
    /// How many transactions. About 3,700 fall on a day, as in the real data, so this sets the length of the period, which
    /// always ends with 2019-10-31: 27 days for 100,000, 270 for a million. Below 74,000 it stays at 20 days and days are
    /// thinner; above 13.3 million it stays at the real 3,591 days (from 2010-01-01) and days are denser.
    ///
    /// There are always 2,000 users with about 6,100 cards in their files, the same for the same seed; those who shop are
    /// one for every 250 transactions, at least 50, so that cards have a past in small samples too.
    pub transactions: u64,
    /// What the dice show. Another seed gives another world of the same kind.
    pub seed: u64,
    /// The share of transactions written as a bad row, from 0.0 to 0.5. The kinds take turns: unparsable amount, unparsable
    /// date, missing id, a column too many, a column too few, invalid UTF-8, the row twice, `NaN` for the amount. Other rows
    /// and files are the same bytes whatever the share; with 0.0 all are.
    pub dirty_share: f64,
}

/// What was generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FraudSummary {
    /// Transactions, as asked for.
    pub transactions: u64,
    /// Rows of the transactions file, header aside: the transactions and the duplicates among the dirty rows.
    pub rows: u64,
    /// Bad rows, `dirty_share` of the transactions rounded down. One in eight is a duplicate, beyond `transactions`.
    pub dirty_rows: u64,
    /// Rows of the users file.
    pub clients: u64,
    /// Rows of the cards file.
    pub cards: u64,
    /// Merchants that sold something.
    pub merchants: u64,
    /// Labels.
    pub labels: u64,
    /// Fraudulent transactions, labelled or not.
    pub frauds: u64,
    /// Labels that say "Yes".
    pub labelled_frauds: u64,
    /// Days of the period.
    pub days: u64,
    /// Bytes of the five files.
    pub bytes: u64,
}

/// Writes the five files of [`FRAUD_FILES`] into `dir`, which is made if missing. `progress` is told the number of rows done
/// every few thousand rows and at the end.
///
/// The files are written under temporary names and renamed at the end, replacing older ones. A process killed before leaves
/// hidden `.partial` files, which the next run into the same folder overwrites; two runs must not share a folder at a time.
pub fn generate_fraud(sample: &FraudSample, dir: &Path, progress: &mut dyn FnMut(u64)) -> Result<FraudSummary, GenerateError> {
    if sample.transactions == 0 {
        return Err(GenerateError::NoTransactions);
    }
    if !(0.0..=0.5).contains(&sample.dirty_share) {
        return Err(GenerateError::DirtyShare { share: sample.dirty_share });
    }
    fs::create_dir_all(dir).map_err(|source| GenerateError::CreateFolder { path: dir.to_owned(), source })?;
    let world = World::new(sample.transactions, sample.seed);
    let mut files = write_references(&world, dir)?;
    let mut register = Register::open(sample, &world, dir)?;
    let mut simulation = Simulation::new(sample.transactions, sample.seed, &world);
    for day in 0..world.calendar.days() {
        let date = world.calendar.date(day);
        for transaction in simulation.live(day) {
            register.record(date, &transaction)?;
            if register.summary.transactions.is_multiple_of(ROWS_PER_REPORT) {
                progress(register.summary.transactions);
            }
        }
    }
    progress(sample.transactions);
    let days = world.calendar.days().into();
    let (mut summary, [labels, transactions]) = register.close()?;
    files.extend([labels, transactions]);
    summary.days = days;
    summary.clients = world.users.len() as u64;
    summary.cards = world.cards.by_id.len() as u64;
    summary.bytes = files.iter().map(StagedFile::bytes).sum();
    publish(files)?;
    Ok(summary)
}

/// Writes the three files that do not grow.
fn write_references(world: &World, dir: &Path) -> Result<Vec<StagedFile>, GenerateError> {
    let mut texts = [Vec::new(), Vec::new(), Vec::new()];
    users::push_csv(&mut texts[0], &world.users, &world.user_order);
    cards::push_csv(&mut texts[1], &world.cards);
    merchant_codes::push_json(&mut texts[2]);
    let write = |(name, text): (&&str, &Vec<u8>)| {
        let mut file = StagedFile::create(dir, name)?;
        file.write(text)?;
        Ok(file)
    };
    FRAUD_FILES.iter().zip(&texts).map(write).collect()
}

/// Where transactions are written down, with their labels.
struct Register<'a> {
    world: &'a World,
    transactions: StagedFile,
    labels: StagedFile,
    damages: Damages,
    ids: Random,
    label_draws: Random,
    next_id: u64,
    has_sold: Vec<bool>,
    line: Vec<u8>,
    summary: FraudSummary,
}

impl<'a> Register<'a> {
    fn open(sample: &FraudSample, world: &'a World, dir: &Path) -> Result<Self, GenerateError> {
        let mut labels = StagedFile::create(dir, FRAUD_FILES[3])?;
        labels.write(LABELS_START.as_bytes())?;
        let mut transactions = StagedFile::create(dir, FRAUD_FILES[4])?;
        transactions.write(TRANSACTIONS_HEADER.as_bytes())?;
        Ok(Self {
            world,
            transactions,
            labels,
            damages: Damages::new(sample.dirty_share),
            ids: Subject::Ids.random(sample.seed),
            label_draws: Subject::Labels.random(sample.seed),
            next_id: FIRST_ID,
            has_sold: vec![false; world.market.merchants.len()],
            line: Vec::new(),
            summary: FraudSummary::default(),
        })
    }

    fn record(&mut self, date: i64, transaction: &Transaction) -> Result<(), GenerateError> {
        let id = self.next_id;
        // Ids have gaps, as they would where some transactions are of other kinds.
        self.next_id += match self.ids.below(100) {
            0..4 => 3,
            4..14 => 2,
            _ => 1,
        };
        let damage = self.damages.next();
        self.line.clear();
        push_transaction(&mut self.line, id, date, transaction, self.world, damage);
        self.transactions.write(&self.line)?;

        let summary = &mut self.summary;
        summary.transactions += 1;
        summary.rows += if damage == Some(Damage::DuplicateId) { 2 } else { 1 };
        summary.frauds += u64::from(transaction.is_fraud);
        self.has_sold[transaction.merchant as usize] = true;
        if self.label_draws.chance(LABELLED_PER_MILLION) {
            self.line.clear();
            push_label(&mut self.line, id, transaction.is_fraud, summary.labels == 0);
            self.labels.write(&self.line)?;
            summary.labels += 1;
            summary.labelled_frauds += u64::from(transaction.is_fraud);
        }
        Ok(())
    }

    /// Ends the files and gives them away, labels first.
    fn close(mut self) -> Result<(FraudSummary, [StagedFile; 2]), GenerateError> {
        self.labels.write(LABELS_END.as_bytes())?;
        let merchants = self.has_sold.iter().filter(|has_sold| **has_sold).count() as u64;
        let summary = FraudSummary { merchants, dirty_rows: self.damages.count, ..self.summary };
        Ok((summary, [self.labels, self.transactions]))
    }
}
