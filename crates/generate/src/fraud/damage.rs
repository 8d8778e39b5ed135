//! Rows made unusable on request, to show what becomes of bad rows.

/// What is wrong with a row. Each makes exactly one bad row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Damage {
    UnparsableAmount,
    UnparsableDate,
    MissingId,
    ExtraColumn,
    MissingColumn,
    InvalidUtf8,
    /// The row is sound, but written twice.
    DuplicateId,
    NanAmount,
}

const CYCLE: [Damage; 8] = [
    Damage::UnparsableAmount,
    Damage::UnparsableDate,
    Damage::MissingId,
    Damage::ExtraColumn,
    Damage::MissingColumn,
    Damage::InvalidUtf8,
    Damage::DuplicateId,
    Damage::NanAmount,
];

const BILLION: u64 = 1_000_000_000;

/// Decides row by row what to damage: an even share of the rows, every kind in turn. No randomness, so that the number of
/// bad rows is known beforehand and the sound rows stay as they are.
pub(crate) struct Damages {
    per_billion: u64,
    rest: u64,
    pub(crate) count: u64,
}

impl Damages {
    /// Damages the `share` of the rows.
    pub(crate) fn new(share: f64) -> Self {
        Self { per_billion: (share * BILLION as f64).round() as u64, rest: 0, count: 0 }
    }

    /// The damage of the next row, if any.
    pub(crate) fn next(&mut self) -> Option<Damage> {
        self.rest += self.per_billion;
        if self.rest < BILLION {
            return None;
        }
        self.rest -= BILLION;
        let damage = CYCLE[(self.count % CYCLE.len() as u64) as usize];
        self.count += 1;
        Some(damage)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_met_and_the_kinds_take_turns() {
        let mut damages = Damages::new(0.25);
        let drawn: Vec<Damage> = (0..64).filter_map(|_| damages.next()).collect();
        assert_eq!(drawn, [CYCLE, CYCLE].concat());
        let mut none = Damages::new(0.0);
        assert!((0..1_000).all(|_| none.next().is_none()));
    }
}
