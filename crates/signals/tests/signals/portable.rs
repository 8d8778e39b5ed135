//! States that explain themselves: read without knowing the signals file, or refused.

use lakehouse_signals::{Kernel, Plan, PortableError, Snapshot, SnapshotError};

use crate::support::{Purchase, ask, everything, live, plan};

fn written() -> Vec<u8> {
    let mut kernel = Kernel::new(plan());
    live(&mut kernel, &[Purchase::at(0), Purchase { card: Some(2), fraud: 1.0, ..Purchase::at(3) }]);
    let mut bytes = Vec::new();
    Snapshot::write(everything(), &kernel, &mut bytes).unwrap();
    bytes
}

#[test]
fn a_state_brings_its_signals_file_and_answers_as_before() {
    let mut original = Kernel::new(plan());
    live(&mut original, &[Purchase::at(0), Purchase { card: Some(2), fraud: 1.0, ..Purchase::at(3) }]);
    let (spec, mut kernel) = Snapshot::read(&written()).unwrap();
    assert_eq!(&spec, everything());
    assert_eq!(kernel.plan().fingerprint(), Plan::compile(everything()).unwrap().fingerprint());
    let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
    assert_eq!(bits(ask(&mut kernel, &Purchase::at(4))), bits(ask(&mut original, &Purchase::at(4))));
}

#[test]
fn what_is_cut_short_or_followed_by_more_is_refused() {
    let bytes = written();
    for length in 0..bytes.len() {
        assert!(Snapshot::read(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
    }
    let longer = [bytes.as_slice(), b"x"].concat();
    assert!(matches!(Snapshot::read(&longer), Err(PortableError::Trailing(1))));
}

#[test]
fn another_kind_of_file_format_or_signals_is_refused_by_name() {
    assert!(matches!(Snapshot::read(b"PAR1 something else entirely"), Err(PortableError::NotAState)));
    let mut newer = written();
    newer[8] = 9;
    assert!(matches!(Snapshot::read(&newer), Err(PortableError::Version { found: 9 })));
    let mut endless = written();
    endless[12..20].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(Snapshot::read(&endless), Err(PortableError::Truncated)));
    // A window of five seconds becomes one of six: still a signals file, but not that of the kernel.
    let mut other = written();
    let at = other.windows(4).position(|window| window == b"\"5s\"").unwrap();
    other[at + 1] = b'6';
    assert!(matches!(Snapshot::read(&other), Err(PortableError::Kernel(SnapshotError::OtherSignals { .. }))));
}
