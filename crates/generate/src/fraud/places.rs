//! Where people live and travel.

/// A town with shops.
pub(crate) struct Place {
    /// The town, as `merchant_city`.
    pub(crate) city: &'static str,
    /// The state's two letters, or the country abroad, as `merchant_state`.
    pub(crate) state: &'static str,
    /// The first of the town's zip codes; 0 abroad, where there are none.
    pub(crate) zip: u64,
    /// Degrees north, in hundredths.
    pub(crate) latitude: i64,
    /// Degrees east, in hundredths.
    pub(crate) longitude: i64,
    /// How many people live there (at home) or go there (abroad), relatively.
    pub(crate) weight: u64,
}

/// The places from this position on are abroad.
pub(crate) const FIRST_ABROAD: usize = 72;

/// Shops of a town share this many zip codes, counted from the first.
pub(crate) const ZIPS_PER_PLACE: u64 = 40;

const fn place(city: &'static str, state: &'static str, zip: u64, latitude: i64, longitude: i64, weight: u64) -> Place {
    Place { city, state, zip, latitude, longitude, weight }
}

/// Every place: towns at home, then abroad.
pub(crate) static PLACES: [Place; 84] = [
    place("New York", "NY", 10001, 4071, -7399, 80),
    place("Brooklyn", "NY", 11201, 4065, -7395, 50),
    place("Buffalo", "NY", 14201, 4289, -7886, 14),
    place("Los Angeles", "CA", 90001, 3405, -11824, 75),
    place("San Diego", "CA", 92101, 3272, -11716, 30),
    place("San Jose", "CA", 95110, 3734, -12189, 24),
    place("Sacramento", "CA", 95811, 3858, -12149, 22),
    place("Fresno", "CA", 93701, 3674, -11979, 16),
    place("Houston", "TX", 77002, 2976, -9537, 50),
    place("Dallas", "TX", 75201, 3278, -9680, 36),
    place("San Antonio", "TX", 78201, 2942, -9849, 28),
    place("Austin", "TX", 78701, 3027, -9774, 22),
    place("El Paso", "TX", 79901, 3176, -10649, 14),
    place("Miami", "FL", 33101, 2576, -8019, 34),
    place("Orlando", "FL", 32801, 2854, -8138, 24),
    place("Tampa", "FL", 33601, 2795, -8246, 24),
    place("Jacksonville", "FL", 32202, 3033, -8166, 20),
    place("Chicago", "IL", 60601, 4188, -8763, 48),
    place("Springfield", "IL", 62701, 3978, -8965, 8),
    place("Philadelphia", "PA", 19102, 3995, -7517, 34),
    place("Pittsburgh", "PA", 15201, 4044, -8000, 20),
    place("Columbus", "OH", 43201, 3996, -8300, 24),
    place("Cleveland", "OH", 44101, 4150, -8169, 22),
    place("Cincinnati", "OH", 45202, 3910, -8451, 18),
    place("Atlanta", "GA", 30303, 3375, -8439, 34),
    place("Savannah", "GA", 31401, 3208, -8109, 10),
    place("Charlotte", "NC", 28202, 3523, -8084, 24),
    place("Raleigh", "NC", 27601, 3578, -7864, 20),
    place("Detroit", "MI", 48201, 4233, -8305, 26),
    place("Lansing", "MI", 48901, 4273, -8456, 10),
    place("Newark", "NJ", 7101, 4074, -7417, 24),
    place("Trenton", "NJ", 8601, 4022, -7474, 12),
    place("Richmond", "VA", 23218, 3754, -7744, 16),
    place("Norfolk", "VA", 23501, 3685, -7629, 14),
    place("Seattle", "WA", 98101, 4761, -12233, 26),
    place("Spokane", "WA", 99201, 4766, -11743, 10),
    place("Phoenix", "AZ", 85003, 3345, -11207, 28),
    place("Tucson", "AZ", 85701, 3222, -11097, 14),
    place("Boston", "MA", 2108, 4236, -7106, 28),
    place("Worcester", "MA", 1601, 4226, -7180, 12),
    place("Nashville", "TN", 37201, 3616, -8678, 20),
    place("Memphis", "TN", 38101, 3515, -9005, 16),
    place("Indianapolis", "IN", 46201, 3977, -8616, 22),
    place("Baltimore", "MD", 21201, 3929, -7661, 22),
    place("Saint Louis", "MO", 63101, 3863, -9020, 20),
    place("Kansas City", "MO", 64105, 3910, -9458, 16),
    place("Milwaukee", "WI", 53202, 4304, -8791, 18),
    place("Denver", "CO", 80202, 3974, -10499, 24),
    place("Minneapolis", "MN", 55401, 4498, -9327, 22),
    place("Charleston", "SC", 29401, 3278, -7993, 12),
    place("Birmingham", "AL", 35203, 3352, -8681, 14),
    place("New Orleans", "LA", 70112, 2995, -9007, 16),
    place("Louisville", "KY", 40202, 3825, -8576, 16),
    place("Portland", "OR", 97201, 4552, -12268, 18),
    place("Oklahoma City", "OK", 73102, 3547, -9752, 12),
    place("Tulsa", "OK", 74103, 3615, -9599, 8),
    place("Hartford", "CT", 6101, 4177, -7267, 12),
    place("Las Vegas", "NV", 89101, 3617, -11514, 20),
    place("Des Moines", "IA", 50309, 4159, -9362, 10),
    place("Jackson", "MS", 39201, 3230, -9018, 10),
    place("Little Rock", "AR", 72201, 3475, -9229, 10),
    place("Salt Lake City", "UT", 84101, 4076, -11189, 12),
    place("Wichita", "KS", 67202, 3769, -9734, 8),
    place("Albuquerque", "NM", 87102, 3508, -10665, 10),
    place("Omaha", "NE", 68102, 4126, -9593, 8),
    place("Charleston", "WV", 25301, 3835, -8163, 6),
    place("Boise", "ID", 83702, 4362, -11620, 6),
    place("Honolulu", "HI", 96813, 2131, -15786, 6),
    place("Providence", "RI", 2903, 4182, -7141, 8),
    place("Billings", "MT", 59101, 4578, -10850, 3),
    place("Bismarck", "ND", 58501, 4681, -10078, 3),
    place("Washington", "DC", 20001, 3891, -7704, 14),
    place("Cancun", "Mexico", 0, 2116, -8685, 40),
    place("Mexico City", "Mexico", 0, 1943, -9913, 16),
    place("Toronto", "Canada", 0, 4365, -7938, 20),
    place("Rome", "Italy", 0, 4190, 1250, 18),
    place("London", "United Kingdom", 0, 5151, -13, 14),
    place("Paris", "France", 0, 4886, 235, 12),
    place("Frankfurt", "Germany", 0, 5011, 868, 12),
    place("Amsterdam", "Netherlands", 0, 5237, 490, 8),
    place("Nassau", "The Bahamas", 0, 2505, -7735, 8),
    place("Tokyo", "Japan", 0, 3568, 13969, 6),
    place("Port au Prince", "Haiti", 0, 1859, -7231, 3),
    place("Sydney", "Australia", 0, -3387, 15121, 3),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zips_end_where_abroad_begins() {
        assert!(PLACES[..FIRST_ABROAD].iter().all(|place| place.zip > 1_000 && place.state.len() == 2));
        assert!(PLACES[FIRST_ABROAD..].iter().all(|place| place.zip == 0 && place.state.len() > 2));
    }
}
