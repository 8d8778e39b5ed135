//! Whole samples, read back the simple way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::OnceLock;

use super::merchant_codes::MERCHANT_CODES;
use super::{FRAUD_FILES, FraudSample, FraudSummary, generate_fraud};
use crate::GenerateError;

/// The files of a sample, in the order of `FRAUD_FILES`, and its summary.
struct Made {
    files: Vec<Vec<u8>>,
    summary: FraudSummary,
}

impl Made {
    fn make(transactions: u64, seed: u64, dirty_share: f64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sample = FraudSample { transactions, seed, dirty_share };
        let summary = generate_fraud(&sample, dir.path(), &mut |_| {}).unwrap();
        Self { files: FRAUD_FILES.iter().map(|name| fs::read(dir.path().join(name)).unwrap()).collect(), summary }
    }

    /// A hundred thousand transactions, made once for all tests.
    fn large() -> &'static Self {
        static LARGE: OnceLock<Made> = OnceLock::new();
        LARGE.get_or_init(|| Made::make(100_000, 42, 0.0))
    }

    fn bytes(&self, name: &str) -> &[u8] {
        &self.files[FRAUD_FILES.iter().position(|file| *file == name).unwrap()]
    }

    fn text(&self, name: &str) -> &str {
        str::from_utf8(self.bytes(name)).unwrap()
    }

    /// The rows of a CSV file without its header.
    fn rows(&self, name: &str) -> Vec<Vec<&str>> {
        self.text(name).lines().skip(1).map(fields).collect()
    }

    /// The labels by transaction id, in the order of the file.
    fn labels(&self) -> Vec<(u64, bool)> {
        let text = self.text("train_fraud_labels.json");
        let entries = text.strip_prefix("{\"target\": {\"").unwrap().strip_suffix("\"}}").unwrap();
        let entry = |entry: &str| {
            let (id, label) = entry.split_once("\": \"").unwrap();
            assert!(label == "Yes" || label == "No", "label `{label}`");
            (id.parse().unwrap(), label == "Yes")
        };
        entries.split("\", \"").map(entry).collect()
    }

    /// FNV-1a over all files.
    fn digest(&self) -> u64 {
        let bytes = self.files.iter().flatten();
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    }
}

/// The fields of a line, of which only the last may be quoted.
fn fields(line: &str) -> Vec<&str> {
    match line.split_once('"') {
        Some((plain, quoted)) => plain.trim_end_matches(',').split(',').chain([quoted.trim_end_matches('"')]).collect(),
        None => line.split(',').collect(),
    }
}

fn is_date(text: &str) -> bool {
    let shape: String = text.chars().map(|char| if char.is_ascii_digit() { '9' } else { char }).collect();
    let part = |from: usize| text[from..from + 2].parse::<u32>().unwrap();
    shape == "9999-99-99 99:99:99" && (1..=12).contains(&part(5)) && part(11) < 24 && part(14) < 60 && part(17) == 0
}

fn is_money(text: &str) -> bool {
    let amount = text.strip_prefix('$').map(|amount| amount.strip_prefix('-').unwrap_or(amount));
    let parts = amount.and_then(|amount| amount.split_once('.'));
    parts.is_some_and(|(dollars, cents)| dollars.parse::<u32>().is_ok() && cents.len() == 2 && cents.parse::<u8>().is_ok())
}

/// How often something holds, in parts per thousand.
fn per_mille<'a>(rows: &[Vec<&'a str>], is_so: impl Fn(&[&'a str]) -> bool) -> usize {
    rows.iter().filter(|row| is_so(row)).count() * 1_000 / rows.len()
}

#[test]
fn the_same_arguments_give_the_same_bytes_for_ever() {
    let digest = Made::make(2_000, 42, 0.0).digest();
    assert_eq!(digest, Made::make(2_000, 42, 0.0).digest());
    // If this fails, samples made by an older version cannot be made again. Change it only on purpose.
    assert_eq!(digest, 0x76af_a703_6bb1_46b0);
}

#[test]
fn another_seed_gives_another_sample() {
    let (one, other) = (Made::make(2_000, 1, 0.0), Made::make(2_000, 2, 0.0));
    for name in ["users_data.csv", "cards_data.csv", "train_fraud_labels.json", "transactions_data.csv"] {
        assert_ne!(one.bytes(name), other.bytes(name), "{name}");
    }
}

#[test]
fn the_summary_counts_what_is_in_the_files() {
    let made = Made::large();
    let rows = made.rows("transactions_data.csv");
    let labels = made.labels();
    let merchants: BTreeSet<&str> = rows.iter().map(|row| row[6]).collect();
    let summary = made.summary;
    assert_eq!((summary.transactions, summary.rows, summary.dirty_rows, summary.days), (100_000, 100_000, 0, 27));
    assert_eq!(rows.len(), 100_000);
    assert_eq!(summary.clients as usize, made.rows("users_data.csv").len());
    assert_eq!(summary.cards as usize, made.rows("cards_data.csv").len());
    assert_eq!(summary.merchants as usize, merchants.len());
    assert_eq!(summary.labels as usize, labels.len());
    assert_eq!(summary.labelled_frauds as usize, labels.iter().filter(|(_, is_fraud)| *is_fraud).count());
    assert_eq!(summary.bytes as usize, made.files.iter().map(Vec::len).sum::<usize>());
}

#[test]
fn transactions_have_the_real_columns_and_formats() {
    let made = Made::large();
    assert!(made.text("transactions_data.csv").starts_with(
        "id,date,client_id,card_id,amount,use_chip,merchant_id,merchant_city,merchant_state,zip,mcc,errors\n7475327,"
    ));
    for row in made.rows("transactions_data.csv") {
        let [_, date, client, card, amount, use_chip, merchant, city, state, zip, mcc, errors] = row[..] else {
            panic!("{row:?}");
        };
        assert!(is_date(date) && is_money(amount), "{row:?}");
        assert!([client, card, merchant, mcc].iter().all(|number| number.parse::<u32>().is_ok()), "{row:?}");
        let is_online = use_chip == "Online Transaction";
        assert!(is_online || ["Swipe Transaction", "Chip Transaction"].contains(&use_chip), "{row:?}");
        assert_eq!(is_online, city == "ONLINE" && state.is_empty(), "{row:?}");
        assert_eq!(zip.is_empty(), is_online || state.len() > 2, "{row:?}");
        assert!(zip.is_empty() || zip.strip_suffix(".0").is_some_and(|zip| (4..=5).contains(&zip.len())), "{row:?}");
        assert!(MERCHANT_CODES.iter().any(|code| code.code.to_string() == mcc), "{row:?}");
        assert!(errors.is_empty() || errors.split(',').all(|error| super::transaction::ERRORS.contains(&error)), "{row:?}");
    }
    assert!(made.text("transactions_data.csv").contains(",\"Bad PIN,Insufficient Balance\"\n"));
}

#[test]
fn transactions_come_in_order_of_time_with_growing_ids_until_the_last_day() {
    let rows = Made::large().rows("transactions_data.csv");
    assert!(rows.is_sorted_by_key(|row| row[1]));
    assert!(rows.is_sorted_by(|one, next| one[0].parse::<u64>().unwrap() < next[0].parse::<u64>().unwrap()));
    assert!(rows[0][1].starts_with("2019-10-05 00:"));
    assert!(rows[rows.len() - 1][1].starts_with("2019-10-31 23:"));
}

#[test]
fn every_card_belongs_to_its_client_and_every_client_is_known() {
    let made = Made::large();
    let users: BTreeMap<&str, usize> = made.rows("users_data.csv").iter().map(|row| (row[0], row[13].parse().unwrap())).collect();
    let owners: BTreeMap<&str, &str> = made.rows("cards_data.csv").iter().map(|row| (row[0], row[1])).collect();
    assert_eq!((users.len(), owners.len()), (2_000, made.summary.cards as usize));
    for (client, count_cards) in &users {
        assert_eq!(owners.values().filter(|owner| *owner == client).count(), *count_cards);
    }
    assert!(made.rows("transactions_data.csv").iter().all(|row| owners.get(row[3]) == Some(&row[2])));
}

#[test]
fn users_cards_and_codes_have_the_real_columns_and_formats() {
    let made = Made::large();
    assert!(made.text("users_data.csv").starts_with(
        "id,current_age,retirement_age,birth_year,birth_month,gender,address,latitude,longitude,per_capita_income,\
         yearly_income,total_debt,credit_score,num_credit_cards\n"
    ));
    for row in made.rows("users_data.csv") {
        assert_eq!(row.len(), 14);
        assert!(row[9..12].iter().all(|dollars| dollars.strip_prefix('$').is_some_and(|d| d.parse::<u32>().is_ok())), "{row:?}");
        assert!((480..=850).contains(&row[12].parse::<u32>().unwrap()) && (18..=101).contains(&row[1].parse::<u32>().unwrap()));
    }
    assert!(made.text("cards_data.csv").starts_with(
        "id,client_id,card_brand,card_type,card_number,expires,cvv,has_chip,num_cards_issued,credit_limit,acct_open_date,\
         year_pin_last_changed,card_on_dark_web\n"
    ));
    for row in made.rows("cards_data.csv") {
        assert_eq!(row.len(), 13);
        assert!(["Debit", "Credit", "Debit (Prepaid)"].contains(&row[3]), "{row:?}");
        assert_eq!(row[4].len(), if row[2] == "Amex" { 15 } else { 16 }, "{row:?}");
        assert!([row[5], row[10]].iter().all(|month| month.len() == 7 && month.as_bytes()[2] == b'/'), "{row:?}");
    }
    let codes = made.text("mcc_codes.json");
    assert!(codes.starts_with("{\n    \"5812\": \"Eating Places and Restaurants\",\n    \"5541\": "));
    assert!(codes.ends_with("\n    \"5733\": \"Music Stores - Musical Instruments\"\n}"));
    assert_eq!(codes.lines().count(), 2 + MERCHANT_CODES.len());
}

#[test]
fn two_thirds_are_labelled_and_fraud_is_rare() {
    let made = Made::large();
    let labels = made.labels();
    let ids: BTreeSet<u64> = made.rows("transactions_data.csv").iter().map(|row| row[0].parse().unwrap()).collect();
    assert!(labels.is_sorted() && labels.iter().all(|(id, _)| ids.contains(id)));
    assert!((66_500..67_500).contains(&labels.len()), "{} labels", labels.len());
    assert!((130..=160).contains(&made.summary.frauds), "{} frauds", made.summary.frauds);
    assert!((80..=120).contains(&made.summary.labelled_frauds), "{} labelled", made.summary.labelled_frauds);
}

#[test]
fn shopping_has_the_proportions_of_the_real_data() {
    let rows = Made::large().rows("transactions_data.csv");
    let shares = [
        ("online", 100..160, per_mille(&rows, |row| row[5] == "Online Transaction")),
        ("abroad", 3..15, per_mille(&rows, |row| row[8].len() > 2)),
        ("refunds", 25..55, per_mille(&rows, |row| row[4].starts_with("$-"))),
        ("errors", 10..20, per_mille(&rows, |row| !row[11].is_empty())),
    ];
    for (what, expected, share) in shares {
        assert!(expected.contains(&share), "{what}: {share} of 1000");
    }
}

#[test]
fn small_samples_work_and_have_some_fraud() {
    for transactions in [1, 7, 1_000] {
        let made = Made::make(transactions, 5, 0.0);
        assert_eq!(made.rows("transactions_data.csv").len() as u64, transactions);
        assert_eq!(made.summary.frauds > 0, transactions == 1_000);
    }
}

#[test]
fn dirt_makes_exactly_the_bad_rows_it_counts_and_leaves_the_rest_alone() {
    let (clean, dirty) = (Made::make(4_000, 9, 0.0), Made::make(4_000, 9, 0.02));
    let sound: BTreeSet<&[u8]> = clean.bytes("transactions_data.csv").split(|byte| *byte == b'\n').collect();
    let mut bad = [0; 8];
    let mut count_rows = 0;
    let mut previous: &[u8] = b"";
    for line in dirty.bytes("transactions_data.csv").trim_ascii_end().split(|byte| *byte == b'\n').skip(1) {
        count_rows += 1;
        if !sound.contains(line) || line == previous {
            bad[kind_of_damage(line, previous)] += 1;
        }
        previous = line;
    }
    assert_eq!(bad, [10; 8]);
    assert_eq!((dirty.summary.dirty_rows, dirty.summary.rows, count_rows), (80, 4_010, 4_010));
    assert_eq!(clean.files[..4], dirty.files[..4]);
}

/// The one thing wrong with a row, numbered as the kinds take turns.
fn kind_of_damage(line: &[u8], previous: &[u8]) -> usize {
    let Ok(text) = str::from_utf8(line) else { return 5 };
    let row = fields(text);
    let signs = [
        !is_money(row[4]) && row[4] != "NaN",
        row[1] == "2019-02-30 25:61:00",
        row[0].is_empty(),
        row.len() == 13,
        row.len() == 11,
        false,
        line == previous,
        row[4] == "NaN",
    ];
    assert_eq!(signs.iter().filter(|sign| **sign).count(), 1, "{text}");
    signs.iter().position(|sign| *sign).unwrap()
}

#[test]
fn progress_is_told_and_ends_with_the_number_of_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = Vec::new();
    let sample = FraudSample { transactions: 20_000, seed: 1, dirty_share: 0.0 };
    generate_fraud(&sample, &dir.path().join("new/folder"), &mut |rows| told.push(rows)).unwrap();
    assert_eq!(told, [8_192, 16_384, 20_000]);
}

#[test]
fn impossible_samples_are_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |transactions, dirty_share| {
        let sample = FraudSample { transactions, seed: 1, dirty_share };
        generate_fraud(&sample, &dir.path().join("sample"), &mut |_| {}).unwrap_err()
    };
    assert!(matches!(refusal(0, 0.0), GenerateError::NoTransactions));
    for share in [-0.1, 0.6, f64::NAN] {
        assert!(matches!(refusal(10, share), GenerateError::DirtyShare { .. }));
    }
    assert!(!dir.path().join("sample").exists());
}
