//! Whole numbers for what is added up: bits per second and nanoseconds.
//!
//! Callers see Mbps and milliseconds as floating-point numbers. Inside, loads and latencies are integers, so that a sum does
//! not depend on the order in which it was made: taking a flow off a link and putting it back leaves exactly what was there.

/// The largest rate of a link or demand, in Mbps. Up to here bits per second survive as a floating-point number.
pub(crate) const LARGEST_MBPS: f64 = 2e9;

/// The largest latency of a link, in milliseconds: a quarter of an hour.
pub(crate) const LARGEST_MS: f64 = 1e6;

/// Bits per second of a rate in Mbps; negative and absent rates are 0.
pub(crate) fn to_bps(mbps: f64) -> u64 {
    (mbps * 1e6).round() as u64
}

/// Mbps of a rate in bits per second.
pub(crate) fn to_mbps(bps: u64) -> f64 {
    bps as f64 / 1e6
}

/// Nanoseconds of a latency; at least one, so that every link costs something.
pub(crate) fn to_nanos(ms: f64) -> u64 {
    ((ms * 1e6).round() as u64).max(1)
}

/// Milliseconds of a latency in nanoseconds.
pub(crate) fn to_ms(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::{to_bps, to_mbps, to_ms, to_nanos};

    #[test]
    fn whole_numbers_survive_the_way_out_and_back() {
        for bps in [0, 1, 999_999, 1_234_567_891, 999_999_999_999_999, 1_999_999_999_999_999] {
            assert_eq!(to_bps(to_mbps(bps)), bps);
        }
        for nanos in [1, 12_345, 999_999_999_999] {
            assert_eq!(to_nanos(to_ms(nanos)), nanos);
        }
        assert_eq!((to_bps(f64::NAN), to_bps(-1.0), to_nanos(0.0)), (0, 0, 1));
    }
}
