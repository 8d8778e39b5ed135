//! Logins, a few at a time from each address and for each name: a password is guessed by trying.

use crate::{
    Problem,
    admission::pace::{Paces, Rate},
};

/// For one name from one address.
const PAIR: Rate = Rate { per_second: 1.0 / 12.0, burst: 5 };
/// For all names from one address.
const ADDRESS: Rate = Rate { per_second: 0.5, burst: 30 };
/// For one name from all addresses: so many addresses do not help, and do not lock its owner out for long.
const NAME: Rate = Rate { per_second: 1.0 / 3.0, burst: 100 };

pub struct Desk {
    pairs: Paces,
    addresses: Paces,
    names: Paces,
}

impl Desk {
    pub fn new() -> Self {
        Self { pairs: Paces::new(PAIR, u32::MAX), addresses: Paces::new(ADDRESS, u32::MAX), names: Paces::new(NAME, u32::MAX) }
    }

    /// May a login of `name` be tried from `address` now?
    pub fn pass(&self, name: &str, address: &str) -> Result<(), Problem> {
        // No user has a longer name.
        let name = &name[..name.floor_char_boundary(64)];
        let paces = [self.pairs.of(&format!("{name}@{address}")), self.addresses.of(address), self.names.of(name)];
        for pace in paces {
            pace.pass().map_err(|seconds| {
                Problem::too_many_requests("too many logins were tried; wait before the next", seconds).with_code("login_limited")
            })?;
        }
        Ok(())
    }
}
