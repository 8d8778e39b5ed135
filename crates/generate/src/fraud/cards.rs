//! The cards, and `cards_data.csv`.

use super::users::User;
use crate::Date;
use crate::choice::WeightedChoice;
use crate::random::{Random, scale};
use crate::text::{push_month, push_number};

const HEADER: &str = "id,client_id,card_brand,card_type,card_number,expires,cvv,has_chip,num_cards_issued,credit_limit,\
                      acct_open_date,year_pin_last_changed,card_on_dark_web\n";

/// Kinds of cards: brand, type, first digit, count of digits, weight.
const PRODUCTS: [(&str, CardType, u64, u32, u64); 8] = [
    ("Amex", CardType::Credit, 3, 15, 65),
    ("Discover", CardType::Credit, 6, 16, 34),
    ("Mastercard", CardType::Credit, 5, 16, 103),
    ("Mastercard", CardType::Debit, 5, 16, 357),
    ("Mastercard", CardType::Prepaid, 5, 16, 62),
    ("Visa", CardType::Credit, 4, 16, 132),
    ("Visa", CardType::Debit, 4, 16, 215),
    ("Visa", CardType::Prepaid, 4, 16, 32),
];

/// What stands behind a card.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CardType {
    Credit,
    Debit,
    Prepaid,
}

/// A card of a client.
pub(crate) struct Card {
    /// The id of the client.
    pub(crate) client: u32,
    pub(crate) card_type: CardType,
    pub(crate) has_chip: bool,
    /// The first day of use, counted from 1970-01-01.
    pub(crate) opened: i64,
    brand: &'static str,
    number: u64,
    expires_month: u64,
    expires_year: u64,
    cvv: u64,
    count_issued: u64,
    credit_limit: i64,
    opened_month: u64,
    opened_year: u64,
    pin_year: u64,
}

/// The cards by id, and their order in the file: client by client.
pub(crate) struct Cards {
    pub(crate) by_id: Vec<Card>,
    order: Vec<u32>,
}

/// Makes up the cards of the users, taken in the order given; ids are dealt at random.
pub(crate) fn make_cards(users: &[User], user_order: &[u32], random: &mut Random) -> Cards {
    let products = WeightedChoice::new(PRODUCTS.map(|product| product.4));
    let owners = user_order.iter().flat_map(|&client| (0..users[client as usize].count_cards).map(move |_| client));
    let in_file_order: Vec<Card> = owners.map(|client| make_card(client, &products, random)).collect();
    let mut order: Vec<u32> = (0..in_file_order.len() as u32).collect();
    random.shuffle(&mut order);
    let mut by_id: Vec<(u32, Card)> = order.iter().copied().zip(in_file_order).collect();
    by_id.sort_by_key(|(id, _)| *id);
    Cards { by_id: by_id.into_iter().map(|(_, card)| card).collect(), order }
}

fn make_card(client: u32, products: &WeightedChoice, random: &mut Random) -> Card {
    let (brand, card_type, first_digit, count_digits, _) = PRODUCTS[products.draw(random)];
    let opened_year = (2009 + random.bell(4)).clamp(1991, 2018) as u64;
    let opened_month = random.between(1, 12) as u64;
    let tens = 10_u64.pow(count_digits - 1);
    Card {
        client,
        card_type,
        has_chip: random.chance(895_000),
        opened: Date { year: opened_year as i64, month: opened_month as u8, day: 1 }.days(),
        brand,
        number: break_checksum(first_digit * tens + random.below(tens)),
        expires_month: random.between(1, 12) as u64,
        expires_year: random.between(2020, 2024) as u64,
        cvv: random.below(1_000),
        count_issued: 1 + u64::from(random.chance(490_000)) + u64::from(random.chance(15_000)),
        credit_limit: match card_type {
            CardType::Credit => scale(95, random.bell(80)).clamp(0, 981) * 100,
            CardType::Debit => scale(15_500, random.bell(78)).clamp(1, 151_000),
            CardType::Prepaid => (64 + random.bell(22)).clamp(0, 145),
        },
        opened_month,
        opened_year,
        pin_year: opened_year.max((2012 + random.bell(3)).clamp(2002, 2019) as u64),
    }
}

/// Makes sure that a number fails the check every real card number passes, so that none of ours can be anybody's.
fn break_checksum(number: u64) -> u64 {
    if luhn_sum(number).is_multiple_of(10) { number / 10 * 10 + (number + 1) % 10 } else { number }
}

fn luhn_sum(mut number: u64) -> u64 {
    let mut sum = 0;
    let mut is_doubled = false;
    while number > 0 {
        let digit = number % 10 * if is_doubled { 2 } else { 1 };
        sum += digit / 10 + digit % 10;
        is_doubled = !is_doubled;
        number /= 10;
    }
    sum
}

/// Appends `cards_data.csv`.
pub(crate) fn push_csv(out: &mut Vec<u8>, cards: &Cards) {
    out.extend_from_slice(HEADER.as_bytes());
    for &id in &cards.order {
        push_row(out, id, &cards.by_id[id as usize]);
    }
}

fn push_row(out: &mut Vec<u8>, id: u32, card: &Card) {
    let card_type = match card.card_type {
        CardType::Credit => "Credit",
        CardType::Debit => "Debit",
        CardType::Prepaid => "Debit (Prepaid)",
    };
    push_number(out, id.into());
    out.push(b',');
    push_number(out, card.client.into());
    for part in [",", card.brand, ",", card_type, ","] {
        out.extend_from_slice(part.as_bytes());
    }
    push_number(out, card.number);
    out.push(b',');
    push_month(out, card.expires_month, card.expires_year);
    out.push(b',');
    push_number(out, card.cvv);
    out.extend_from_slice(if card.has_chip { b",YES," } else { b",NO," });
    push_number(out, card.count_issued);
    out.extend_from_slice(b",$");
    push_number(out, card.credit_limit.unsigned_abs());
    out.push(b',');
    push_month(out, card.opened_month, card.opened_year);
    out.push(b',');
    push_number(out, card.pin_year);
    out.extend_from_slice(b",No\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_passes_the_check_of_real_cards() {
        assert!(luhn_sum(4_539_578_763_621_486).is_multiple_of(10));
        let mut random = Random::new(3, 3);
        assert!((0..2_000).all(|_| !luhn_sum(break_checksum(random.below(10_u64.pow(16)))).is_multiple_of(10)));
    }
}
