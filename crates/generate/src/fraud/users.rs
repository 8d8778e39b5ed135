//! The people, and `users_data.csv`.

use super::places::{FIRST_ABROAD, PLACES};
use crate::choice::WeightedChoice;
use crate::random::{Random, scale};
use crate::text::{push_hundredths, push_number};

/// As many as the real file has.
pub(crate) const COUNT_USERS: usize = 2_000;

const HEADER: &str = "id,current_age,retirement_age,birth_year,birth_month,gender,address,latitude,longitude,\
                      per_capita_income,yearly_income,total_debt,credit_score,num_credit_cards\n";

/// Ages are as of February 2020, like the real snapshot.
const SNAPSHOT_YEAR: u64 = 2020;
const SNAPSHOT_MONTH: u64 = 2;

/// Weights of having one to nine cards.
const CARD_COUNT_WEIGHTS: [u64; 9] = [208, 194, 225, 188, 103, 52, 20, 8, 2];

const STREETS: [&str; 40] = [
    "Rose",
    "Federal",
    "Third",
    "Madison",
    "Valley Stream",
    "Birch",
    "Fifth",
    "Ninth",
    "Spruce",
    "Grant",
    "Littlewood",
    "Fourth",
    "Jefferson",
    "East",
    "Washington",
    "Plum",
    "Sixth",
    "Lake",
    "Valley",
    "Bayview",
    "Burns",
    "El Camino",
    "Forest",
    "Hill",
    "Tenth",
    "Mill",
    "George",
    "West",
    "Essex",
    "Norfolk",
    "Park",
    "Hillside",
    "Lafayette",
    "Wessex",
    "First",
    "Elm",
    "Ocean View",
    "Catherine",
    "South",
    "Lincoln",
];
const STREET_KINDS: [&str; 5] = ["Street", "Avenue", "Boulevard", "Drive", "Lane"];

/// A client of the bank.
pub(crate) struct User {
    /// Where the client lives, a position of `PLACES`.
    pub(crate) home: usize,
    pub(crate) yearly_income: i64,
    pub(crate) count_cards: usize,
    current_age: u64,
    retirement_age: u64,
    birth_year: u64,
    birth_month: u64,
    is_female: bool,
    house: u64,
    street: &'static str,
    street_kind: &'static str,
    latitude: i64,
    longitude: i64,
    per_capita_income: i64,
    total_debt: i64,
    credit_score: u64,
}

/// Makes up every user; the position is the id.
pub(crate) fn make_users(random: &mut Random) -> Vec<User> {
    let homes = WeightedChoice::new(PLACES[..FIRST_ABROAD].iter().map(|place| place.weight));
    let card_counts = WeightedChoice::new(CARD_COUNT_WEIGHTS);
    (0..COUNT_USERS).map(|_| make_user(&homes, &card_counts, random)).collect()
}

fn make_user(homes: &WeightedChoice, card_counts: &WeightedChoice, random: &mut Random) -> User {
    let home = homes.draw(random);
    let drawn_age = 44 + random.bell(19);
    let current_age = if drawn_age < 18 { random.between(18, 32) } else { drawn_age.min(101) } as u64;
    let birth_month = random.between(1, 12) as u64;
    let retirement_age = (66 + random.bell(4)).clamp(50, 79) as u64;
    let is_retired = current_age >= retirement_age;
    let per_capita_income = scale(21_000, random.bell(58)).min(165_000);
    let incomes_per_household = if is_retired { 150 + random.bell(25) } else { 204 + random.bell(12) };
    let yearly_income = per_capita_income * incomes_per_household.max(90) / 100;
    let usual_debt = scale(yearly_income * 13 / 10, random.bell(90)).min(516_000);
    let total_debt = if random.chance(60_000) { 0 } else { usual_debt / if is_retired { 4 } else { 1 } };
    User {
        home,
        yearly_income,
        count_cards: 1 + card_counts.draw(random),
        current_age,
        retirement_age,
        birth_year: SNAPSHOT_YEAR - current_age - u64::from(birth_month > SNAPSHOT_MONTH),
        birth_month,
        is_female: random.chance(508_000),
        house: scale(420, random.bell(190)).clamp(1, 9_999) as u64,
        street: STREETS[random.below(STREETS.len() as u64) as usize],
        street_kind: STREET_KINDS[random.below(STREET_KINDS.len() as u64) as usize],
        latitude: PLACES[home].latitude + random.bell(12),
        longitude: PLACES[home].longitude + random.bell(12),
        per_capita_income,
        total_debt,
        credit_score: (712 + random.bell(66)).clamp(480, 850) as u64,
    }
}

/// Appends `users_data.csv`, with the users in the order given.
pub(crate) fn push_csv(out: &mut Vec<u8>, users: &[User], order: &[u32]) {
    out.extend_from_slice(HEADER.as_bytes());
    for &id in order {
        push_row(out, id, &users[id as usize]);
    }
}

fn push_row(out: &mut Vec<u8>, id: u32, user: &User) {
    for number in [id.into(), user.current_age, user.retirement_age, user.birth_year, user.birth_month] {
        push_number(out, number);
        out.push(b',');
    }
    out.extend_from_slice(if user.is_female { b"Female," } else { b"Male," });
    push_number(out, user.house);
    for part in [" ", user.street, " ", user.street_kind, ","] {
        out.extend_from_slice(part.as_bytes());
    }
    push_hundredths(out, user.latitude);
    out.push(b',');
    push_hundredths(out, user.longitude);
    for dollars in [user.per_capita_income, user.yearly_income, user.total_debt] {
        out.extend_from_slice(b",$");
        push_number(out, dollars.unsigned_abs());
    }
    for number in [user.credit_score, user.count_cards as u64] {
        out.push(b',');
        push_number(out, number);
    }
    out.push(b'\n');
}
