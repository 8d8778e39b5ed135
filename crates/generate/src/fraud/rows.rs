//! Transactions and labels as text.

use super::calendar::{MINUTES_PER_DAY, push_date};
use super::damage::Damage;
use super::places::{FIRST_ABROAD, PLACES};
use super::transaction::{Channel, ERRORS, ErrorSet, Transaction};
use super::world::World;
use crate::text::{push_dollars, push_number, push_two_digits};

pub(crate) const TRANSACTIONS_HEADER: &str =
    "id,date,client_id,card_id,amount,use_chip,merchant_id,merchant_city,merchant_state,zip,mcc,errors\n";

pub(crate) const LABELS_START: &str = "{\"target\": {";
pub(crate) const LABELS_END: &str = "}}";

/// Appends a row of `transactions_data.csv`, twice if it is to be a duplicate.
pub(crate) fn push_transaction(
    out: &mut Vec<u8>,
    id: u64,
    date: i64,
    transaction: &Transaction,
    world: &World,
    damage: Option<Damage>,
) {
    let start = out.len();
    if damage != Some(Damage::MissingId) {
        push_number(out, id);
    }
    out.push(b',');
    push_instant(out, date, transaction.minute, damage);
    out.push(b',');
    push_number(out, world.cards.by_id[transaction.card as usize].client.into());
    out.push(b',');
    push_number(out, transaction.card.into());
    out.push(b',');
    match damage {
        Some(Damage::UnparsableAmount) => out.extend_from_slice(b"$12.3x"),
        Some(Damage::NanAmount) => out.extend_from_slice(b"NaN"),
        _ => push_dollars(out, transaction.amount_cents),
    }
    push_merchant(out, transaction, world, damage);
    if damage != Some(Damage::MissingColumn) {
        out.push(b',');
        push_errors(out, transaction.errors);
    }
    if damage == Some(Damage::ExtraColumn) {
        out.extend_from_slice(b",surplus");
    }
    out.push(b'\n');
    if damage == Some(Damage::DuplicateId) {
        out.extend_from_within(start..);
    }
}

fn push_instant(out: &mut Vec<u8>, date: i64, minute: u32, damage: Option<Damage>) {
    if damage == Some(Damage::UnparsableDate) {
        // Shaped like a date, but no calendar has it.
        out.extend_from_slice(b"2019-02-30 25:61:00");
        return;
    }
    let minute = u64::from(minute % MINUTES_PER_DAY);
    push_date(out, date);
    out.push(b' ');
    push_two_digits(out, minute / 60);
    out.push(b':');
    push_two_digits(out, minute % 60);
    out.extend_from_slice(b":00");
}

/// Appends the columns from `use_chip` to `mcc`, each after its comma.
fn push_merchant(out: &mut Vec<u8>, transaction: &Transaction, world: &World, damage: Option<Damage>) {
    let merchant = &world.market.merchants[transaction.merchant as usize];
    out.extend_from_slice(match transaction.channel {
        Channel::Swipe => b",Swipe Transaction,",
        Channel::Chip => b",Chip Transaction,",
        Channel::Online => b",Online Transaction,",
    });
    push_number(out, merchant.id.into());
    out.push(b',');
    if damage == Some(Damage::InvalidUtf8) {
        out.push(0xFF);
    }
    if transaction.channel == Channel::Online {
        out.extend_from_slice(b"ONLINE,,,");
    } else {
        let place = &PLACES[transaction.place];
        for part in [place.city, ",", place.state, ","] {
            out.extend_from_slice(part.as_bytes());
        }
        if transaction.place < FIRST_ABROAD {
            push_number(out, merchant.zip(transaction.place));
            out.extend_from_slice(b".0");
        }
        out.push(b',');
    }
    push_number(out, merchant.code.code.into());
}

/// Appends the names of the errors, in quotes when a comma joins them.
fn push_errors(out: &mut Vec<u8>, errors: ErrorSet) {
    let is_quoted = errors.count_ones() > 1;
    if is_quoted {
        out.push(b'"');
    }
    let names = ERRORS.iter().enumerate().filter(|(bit, _)| errors >> bit & 1 == 1);
    for (position, (_, name)) in names.enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
    }
    if is_quoted {
        out.push(b'"');
    }
}

/// Appends one entry of `train_fraud_labels.json`.
pub(crate) fn push_label(out: &mut Vec<u8>, id: u64, is_fraud: bool, is_first: bool) {
    out.extend_from_slice(if is_first { b"\"" } else { b", \"" });
    push_number(out, id);
    out.extend_from_slice(if is_fraud { b"\": \"Yes\"" } else { b"\": \"No\"" });
}
