//! Live events that come late, and keys that have nothing left to say.

use lakehouse_signals::{EventError, Kernel};

use crate::support::{Purchase, SECOND, add, ask, batch, card_plan, live, plan, snapshot};

#[test]
fn a_late_purchase_is_answered_as_of_the_newest_one() {
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "count", window = "10s""#));
    live(&mut kernel, &[Purchase::at(1), Purchase::at(20), Purchase::at(25)]);
    assert_eq!(ask(&mut kernel, &Purchase::at(8)), [1.0], "of the ten seconds before 25, not before 8");
    add(&mut kernel, &Purchase::at(16));
    assert_eq!(ask(&mut kernel, &Purchase::at(26)), [3.0], "16, 20 and 25");
    assert_eq!(ask(&mut kernel, &Purchase::at(27)), [2.0]);
}

#[test]
fn asking_about_the_far_future_forgets_nothing() {
    let mut kernel = Kernel::new(plan());
    live(&mut kernel, &[0, 3, 3, 4].map(Purchase::at));
    let before = snapshot(&kernel);
    for time in [i64::MAX, i64::MIN] {
        ask(&mut kernel, &Purchase { time, ..Purchase::at(0) });
        assert_eq!(snapshot(&kernel), before);
    }
}

#[test]
fn the_ends_of_time_are_times() {
    let mut kernel = Kernel::new(plan());
    let ends = [i64::MIN, i64::MIN + 1, 0, i64::MAX - 1, i64::MAX].map(|time| Purchase { time, ..Purchase::at(0) });
    assert_eq!(live(&mut kernel, &ends), batch(&mut Kernel::new(plan()), &ends).unwrap());
}

#[test]
fn keys_with_nothing_left_in_their_windows_are_dropped() {
    let plan = card_plan(r#"aggregate = "sum", of = "amount", window = "10s""#);
    let mut kernel = Kernel::new(&plan);
    let card = |card: i64, second: i64| Purchase { card: Some(card), ..Purchase::at(second) };
    live(&mut kernel, &[card(1, 0), card(2, 5), card(3, 9), card(1, 9)]);
    kernel.expire(16 * SECOND);
    assert_eq!(kernel.keys(), 2);
    for (of, expected) in [(1, 1.0), (2, 0.0), (3, 1.0)] {
        assert_eq!(ask(&mut kernel, &card(of, 17)), [expected], "card {of}");
    }
    kernel.expire(60 * SECOND);
    assert_eq!((kernel.keys(), kernel.approximate_bytes()), (0, 0));
}

#[test]
fn what_is_remembered_of_all_history_outlives_the_windows() {
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "since_previous""#));
    add(&mut kernel, &Purchase::at(0));
    kernel.expire(1_000 * SECOND);
    assert_eq!(ask(&mut kernel, &Purchase::at(2_000)), [2_000.0]);
}

#[test]
fn a_batch_from_before_the_last_expiry_is_refused() {
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "count", window = "10s""#));
    kernel.expire(50 * SECOND);
    let late = EventError::OutOfOrder { row: 0, time: 40 * SECOND, newest: 50 * SECOND };
    assert_eq!(batch(&mut kernel, &[Purchase::at(40)]), Err(late));
}

#[test]
fn an_idle_key_gives_its_memory_back() {
    let mut kernel = Kernel::new(plan());
    let purchases: Vec<Purchase> = (0..1_000).map(|i| Purchase { time: i * 1_000, ..Purchase::at(0) }).collect();
    batch(&mut kernel, &purchases).unwrap();
    let busy = kernel.approximate_bytes();
    kernel.expire(100 * SECOND);
    assert!(kernel.approximate_bytes() * 20 < busy, "{} of {busy} bytes", kernel.approximate_bytes());
}
