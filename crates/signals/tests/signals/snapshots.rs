//! Snapshots: what is written comes back, and what is not one is refused.

use lakehouse_signals::{Kernel, Plan, SnapshotError};

use crate::support::{Purchase, SECOND, ask, batch, busy, card_plan, everything, live, plan, restore, snapshot};

fn small() -> Vec<u8> {
    let mut kernel = Kernel::new(plan());
    let refused = Purchase { refused: true, fraud: 1.0, shop: Some(2), ..Purchase::at(4) };
    live(&mut kernel, &[Purchase::at(0), Purchase { card: Some(2), ..Purchase::at(3) }, refused, refused]);
    snapshot(&kernel)
}

#[test]
fn every_snapshot_that_is_cut_short_is_refused() {
    let bytes = small();
    for length in 0..bytes.len() {
        let read = Kernel::read_from(&mut bytes.get(..length).unwrap(), plan());
        assert!(matches!(read, Err(SnapshotError::Truncated)), "{length} of {} bytes: {read:?}", bytes.len());
    }
    restore(&bytes, plan());
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = small();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            assert!(Kernel::read_from(&mut damaged.as_slice(), plan()).is_err(), "bit {bit} of byte {place}");
        }
    }
}

#[test]
fn a_file_of_another_kind_version_or_plan_is_refused_by_name() {
    let read = |bytes: &[u8], plan: &Plan| Kernel::read_from(&mut &*bytes, plan).unwrap_err();
    assert!(matches!(read(b"PAR1 something else entirely", plan()), SnapshotError::NotASnapshot));
    let mut newer = small();
    newer[8] = 9;
    assert!(matches!(read(&newer, plan()), SnapshotError::Version { found: 9 }));
    let other = card_plan(r#"aggregate = "count""#);
    let refusal = read(&small(), &other);
    assert!(matches!(refusal, SnapshotError::OtherSignals { expected, found }
        if expected == other.fingerprint() && found == plan().fingerprint()));
}

#[test]
fn what_a_signal_is_said_to_mean_does_not_change_its_state() {
    let mut retold = everything().clone();
    retold.description = "something else".to_owned();
    retold.entities[0].signals[0].about = "events".to_owned();
    assert_eq!(Plan::compile(&retold).unwrap().fingerprint(), plan().fingerprint());
    retold.entities[0].signals[0].window = None;
    assert_ne!(Plan::compile(&retold).unwrap().fingerprint(), plan().fingerprint());
}

#[test]
fn a_snapshot_leaves_what_follows_it_in_the_reader() {
    let mut bytes = small();
    bytes.extend(b"next");
    let mut reader = bytes.as_slice();
    Kernel::read_from(&mut reader, plan()).unwrap();
    assert_eq!(reader, b"next");
}

#[test]
fn a_busy_state_of_many_blocks_comes_back() {
    let purchases = busy(30_000);
    let (first, rest) = purchases.split_at(20_000);
    let mut kernel = Kernel::new(plan());
    batch(&mut kernel, first).unwrap();
    let bytes = snapshot(&kernel);
    assert!(bytes.len() > 1_000_000, "the case must span blocks, has {} bytes", bytes.len());
    let mut restored = restore(&bytes, plan());
    assert_eq!(batch(&mut restored, rest), batch(&mut kernel, rest));
    assert_eq!(snapshot(&restored), snapshot(&kernel));
}

#[test]
fn an_expiry_is_part_of_the_state() {
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "count", window = "10s""#));
    live(&mut kernel, &[Purchase::at(45)]);
    kernel.expire(50 * SECOND);
    let mut restored = restore(&snapshot(&kernel), kernel.plan());
    assert!(batch(&mut restored, &[Purchase::at(49)]).is_err());
    assert_eq!(ask(&mut restored, &Purchase::at(51)), [1.0]);
}
