//! Exact sums: numbers are counted in whole millionths.
//!
//! Integers add up to the same total in any order and give back exactly what was put in, so ties do not depend on arrival, a
//! sliding window never drifts, and batch, live and restored state agree to the last bit. A number is exact to the
//! millionth up to nine billion and to its own 53 bits beyond; past [`LARGEST_NUMBER`], or when not finite, it is absent.

/// The largest magnitude a number may have; beyond it a value counts as absent.
pub const LARGEST_NUMBER: f64 = 1e12;

/// The millionths that stand for an absent number.
const ABSENT: i64 = i64::MIN;

/// A number in millionths as it is stored, [`ABSENT`] included.
pub(crate) fn to_stored(value: f64) -> i64 {
    millionths(value).unwrap_or(ABSENT)
}

/// The millionths of a stored number, if it is there.
pub(crate) fn from_stored(stored: i64) -> Option<i64> {
    (stored != ABSENT).then_some(stored)
}

/// A number in millionths, rounded to the nearest.
pub(crate) fn millionths(value: f64) -> Option<i64> {
    // The comparison is false for NaN.
    (value.abs() <= LARGEST_NUMBER).then(|| (value * 1e6).round() as i64)
}

/// How many numbers there are and what they sum to, in millionths.
///
/// Packed because `i128` asks for an alignment that would waste a quarter of the state. Arithmetic wraps: no stream of events
/// can reach the limit (2⁶³ events of the largest number), and a hand-made snapshot must not be able to panic.
#[repr(C, packed(8))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub count: u64,
    pub sum: i128,
}

impl Total {
    pub fn add(&mut self, value: i64) {
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(i128::from(value));
    }

    pub fn remove(&mut self, value: i64) {
        self.count = self.count.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(i128::from(value));
    }

    /// The sum in units.
    pub fn sum(self) -> f64 {
        to_float(self.sum) / 1e6
    }

    /// The mean in units; NaN without numbers.
    pub fn mean(self) -> f64 {
        if self.count == 0 { f64::NAN } else { to_float(self.sum) / (self.count as f64 * 1e6) }
    }

    /// How far a number in millionths is from the mean, in units; NaN without numbers.
    pub fn distance_from_mean(self, value: i64) -> f64 {
        to_float((i128::from(value) * i128::from(self.count)).wrapping_sub(self.sum)) / (self.count as f64 * 1e6)
    }

    /// (sum + prior · weight) / (count + weight).
    pub fn smoothed_rate(self, prior: f64, weight: f64) -> f64 {
        (self.sum() + prior * weight) / (self.count as f64 + weight)
    }
}

/// The same either way, but much faster from 64 bits.
fn to_float(value: i128) -> f64 {
    i64::try_from(value).map_or_else(|_| value as f64, |value| value as f64)
}

/// A sum of squared millionths: 192 bits, because 128 would overflow at a few hundred of the largest numbers.
#[repr(C, packed(8))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Squares {
    pub low: u128,
    pub high: u64,
}

impl Squares {
    pub fn add(&mut self, value: i64) {
        let (low, carry) = self.low.overflowing_add(square(value));
        self.low = low;
        self.high = self.high.wrapping_add(u64::from(carry));
    }

    pub fn remove(&mut self, value: i64) {
        let (low, borrow) = self.low.overflowing_sub(square(value));
        self.low = low;
        self.high = self.high.wrapping_sub(u64::from(borrow));
    }

    /// The sample standard deviation in units; `None` below two numbers.
    pub fn deviation(self, total: Total) -> Option<f64> {
        if total.count < 2 {
            return None;
        }
        let count = total.count as f64;
        Some((self.spread(total) / (count * (count - 1.0) * 1e12)).sqrt())
    }

    /// n·Σx² − (Σx)², exact until it is rounded to a float.
    fn spread(self, total: Total) -> f64 {
        let [low, middle] = halves(self.low);
        let scaled = times([low, middle, self.high], total.count);
        let [low, high] = halves(total.sum.unsigned_abs());
        let [a0, a1, a2, _] = times([low, high, 0], low);
        let [b0, b1, b2, _] = times([low, high, 0], high);
        let (s1, carry) = a1.carrying_add(b0, false);
        let (s2, carry) = a2.carrying_add(b1, carry);
        let (s3, _) = b2.carrying_add(0, carry);
        difference(scaled, [a0, s1, s2, s3])
    }
}

fn square(value: i64) -> u128 {
    let magnitude = u128::from(value.unsigned_abs());
    magnitude * magnitude
}

fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

/// A 192-bit number times a 64-bit one, low half first.
fn times([low, middle, high]: [u64; 3], factor: u64) -> [u64; 4] {
    let (r0, carry) = low.carrying_mul(factor, 0);
    let (r1, carry) = middle.carrying_mul(factor, carry);
    let (r2, r3) = high.carrying_mul(factor, carry);
    [r0, r1, r2, r3]
}

fn difference([a0, a1, a2, a3]: [u64; 4], [b0, b1, b2, b3]: [u64; 4]) -> f64 {
    let (r0, borrow) = a0.borrowing_sub(b0, false);
    let (r1, borrow) = a1.borrowing_sub(b1, borrow);
    let (r2, borrow) = a2.borrowing_sub(b2, borrow);
    let (r3, _) = a3.borrowing_sub(b3, borrow);
    let whole = |low: u64, high: u64| (u128::from(high) << 64 | u128::from(low)) as f64;
    whole(r2, r3) * 2f64.powi(128) + whole(r0, r1)
}

#[cfg(test)]
mod tests {
    use super::{LARGEST_NUMBER, Squares, Total, from_stored, millionths, to_stored};

    fn filled(values: &[f64]) -> (Total, Squares) {
        let (mut total, mut squares) = (Total::default(), Squares::default());
        for value in values.iter().filter_map(|value| millionths(*value)) {
            total.add(value);
            squares.add(value);
        }
        (total, squares)
    }

    #[test]
    fn cents_are_exact_and_what_is_no_number_is_absent() {
        assert_eq!(millionths(-19.99), Some(-19_990_000));
        assert_eq!(millionths(LARGEST_NUMBER), Some(1_000_000_000_000_000_000));
        for absent in [f64::NAN, f64::INFINITY, -f64::INFINITY, 1.000001e12] {
            assert_eq!(from_stored(to_stored(absent)), None, "{absent}");
        }
    }

    #[test]
    fn ten_cents_three_times_are_thirty() {
        let (total, _) = filled(&[0.1, 0.1, 0.1]);
        assert_eq!(total.sum(), 0.3);
        assert_eq!(total.mean(), 0.1);
    }

    #[test]
    fn the_deviation_of_2_4_4_4_5_5_7_9_is_2_138() {
        let (total, squares) = filled(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(squares.deviation(total), Some((32.0_f64 / 7.0).sqrt()));
    }

    #[test]
    fn the_largest_numbers_neither_overflow_nor_lose_their_spread() {
        let constant = vec![LARGEST_NUMBER; 5_000];
        let (total, squares) = filled(&constant);
        assert!(squares.high > 0, "the case must reach past 128 bits");
        assert_eq!(squares.deviation(total), Some(0.0));

        let swinging: Vec<f64> = (0..5_000).map(|i| if i % 2 == 0 { LARGEST_NUMBER } else { -LARGEST_NUMBER }).collect();
        let (total, squares) = filled(&swinging);
        let expected = 1e12 * (5_000.0_f64 / 4_999.0).sqrt();
        assert!((squares.deviation(total).unwrap_or(0.0) / expected - 1.0).abs() < 1e-15);
    }

    #[test]
    fn what_leaves_takes_away_exactly_what_it_brought() {
        let (mut total, mut squares) = filled(&[LARGEST_NUMBER; 1_000]);
        for _ in 0..1_000 {
            total.remove(millionths(LARGEST_NUMBER).unwrap());
            squares.remove(millionths(LARGEST_NUMBER).unwrap());
        }
        assert_eq!((total, squares), (Total::default(), Squares::default()));
    }
}
