//! Numbers with a fixed count of decimal places.

/// A number of at least 0 with `PLACES` decimal places, held as a whole number of the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fixed<const PLACES: u32>(pub u32);

/// A share between 0 and 1, to four places.
pub type Share = Fixed<4>;

/// Milliseconds, to two places.
pub type Millis = Fixed<2>;

impl<const PLACES: u32> Fixed<PLACES> {
    /// The number.
    pub fn value(self) -> f64 {
        f64::from(self.0) / f64::from(10_u32.pow(PLACES))
    }
}

impl Share {
    /// Ten-thousandths, cut to what a share can be.
    pub(super) fn clamped(ten_thousandths: i64) -> Self {
        Self(ten_thousandths.clamp(0, 10_000) as u32)
    }
}

impl Millis {
    /// Hundredths of a millisecond, cut to what a latency can be.
    pub(super) fn clamped(hundredths: i64) -> Self {
        Self(hundredths.clamp(0, i64::from(u32::MAX)) as u32)
    }
}
