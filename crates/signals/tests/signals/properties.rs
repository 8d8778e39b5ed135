//! What holds for every stream of events.

use lakehouse_signals::{EntityState, Kernel};
use proptest::{collection::vec, prelude::*, test_runner::Config};

use crate::{
    oracle::{agree, one, oracle},
    support::{Purchase, Rows, SECOND, add, ask, batch, busy, everything, live, plan, restore, snapshot},
};

/// Few cards, few shops, few seconds: most events tie with another or stand on the border of a window.
fn stream(most: usize) -> impl Strategy<Value = Vec<Purchase>> {
    let key = || prop_oneof![1 => Just(None), 9 => (1_i64..4).prop_map(Some)];
    let amount =
        prop_oneof![1 => Just(f64::NAN), 4 => Just(1.0), 9 => (-500_i64..500_000).prop_map(|cents| cents as f64 / 100.0)];
    let fraud = prop_oneof![Just(f64::NAN), Just(0.0), Just(1.0)];
    let purchase = (0_i64..30, any::<i8>(), key(), key(), amount, fraud, any::<bool>());
    vec(purchase, 0..most).prop_map(|purchases| {
        let numbered = purchases.into_iter().zip(0_i64..);
        let one = |((seconds, id, card, shop, amount, fraud, refused), place)| {
            let id = i64::from(id) * 1_000 + place;
            Purchase { time: seconds * SECOND, id, card, shop, amount, fraud, refused }
        };
        let mut purchases: Vec<Purchase> = numbered.map(one).collect();
        purchases.sort_by_key(|purchase| purchase.time);
        purchases
    })
}

/// A stream and a place to cut it.
fn cut_stream() -> impl Strategy<Value = (Vec<Purchase>, usize)> {
    stream(60).prop_flat_map(|purchases| {
        let length = purchases.len();
        (Just(purchases), 0..=length)
    })
}

fn whole(purchases: &[Purchase]) -> Rows {
    batch(&mut Kernel::new(plan()), purchases).unwrap()
}

fn floats(row: &[u64]) -> Vec<f64> {
    row.iter().copied().map(f64::from_bits).collect()
}

#[test]
fn a_long_batch_is_live_too() {
    let purchases = busy(132_000);
    assert!(whole(&purchases) == live(&mut Kernel::new(plan()), &purchases));
}

#[test]
fn entities_may_be_driven_on_threads_of_their_own() {
    fn is_send<T: Send>() {}
    is_send::<EntityState>();
    is_send::<Kernel>();
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn every_row_sees_what_the_definitions_say(purchases in stream(80)) {
        for (expected, found) in oracle(everything(), &purchases).iter().zip(whole(&purchases)) {
            prop_assert_eq!(agree(plan(), expected, &floats(&found)), Ok(()));
        }
    }

    #[test]
    fn live_is_batch_whatever_is_asked_in_between(purchases in stream(60), questions in stream(8)) {
        let mut kernel = Kernel::new(plan());
        let mut rows = Rows::new();
        for purchase in &purchases {
            for question in &questions {
                ask(&mut kernel, question);
            }
            rows.extend(live(&mut kernel, &[*purchase]));
        }
        prop_assert_eq!(rows, whole(&purchases));
    }

    #[test]
    fn a_batch_may_come_in_parts((purchases, cut) in cut_stream()) {
        let mut kernel = Kernel::new(plan());
        let (first, rest) = purchases.split_at(cut);
        let mut rows = batch(&mut kernel, first).unwrap();
        // What came first is known before the rest is.
        prop_assert_eq!(&rows, &whole(first));
        rows.extend(batch(&mut kernel, rest).unwrap());
        prop_assert_eq!(rows, whole(&purchases));
    }

    #[test]
    fn ties_may_come_in_any_order(purchases in stream(60), seed in any::<u64>()) {
        let mut shuffled = purchases.clone();
        shuffled.sort_by_key(|purchase| (purchase.time, (purchase.id as u64).wrapping_mul(seed | 1)));
        let by_id = |purchases: &[Purchase]| {
            let mut rows: Vec<_> = purchases.iter().map(|purchase| purchase.id).zip(whole(purchases)).collect();
            rows.sort();
            rows
        };
        prop_assert_eq!(by_id(&shuffled), by_id(&purchases));
    }

    #[test]
    fn a_restored_state_goes_on_as_if_nothing_had_happened((purchases, cut) in cut_stream()) {
        let (first, rest) = purchases.split_at(cut);
        let mut kernel = Kernel::new(plan());
        live(&mut kernel, first);
        let mut restored = restore(&snapshot(&kernel), plan());
        prop_assert_eq!(snapshot(&restored), snapshot(&kernel));
        prop_assert_eq!(batch(&mut restored, rest).unwrap(), batch(&mut kernel, rest).unwrap());
        prop_assert_eq!(snapshot(&restored), snapshot(&kernel));
    }

    #[test]
    fn late_events_count_for_all_that_is_asked_later(purchases in stream(60), seed in any::<u64>(), now in stream(10)) {
        let mut arrivals = purchases.clone();
        arrivals.sort_by_key(|purchase| (purchase.id as u64).wrapping_mul(seed | 1));
        let mut kernel = Kernel::new(plan());
        arrivals.iter().for_each(|purchase| add(&mut kernel, purchase));
        for question in now {
            let question = Purchase { time: question.time + 30 * SECOND, ..question };
            let expected = one(everything(), &purchases, &question);
            prop_assert_eq!(agree(plan(), &expected, &ask(&mut kernel, &question)), Ok(()));
        }
    }

    #[test]
    fn what_expires_is_not_missed((purchases, cut) in cut_stream()) {
        let (first, rest) = purchases.split_at(cut);
        let mut kernel = Kernel::new(plan());
        let mut rows = live(&mut kernel, first);
        kernel.expire(rest.first().map_or(0, |purchase| purchase.time));
        rows.extend(live(&mut restore(&snapshot(&kernel), plan()), rest));
        prop_assert_eq!(rows, whole(&purchases));
    }

    #[test]
    fn damage_is_refused_and_never_panics(purchases in stream(20), places in vec((any::<proptest::sample::Index>(), 1_u8..), 1..4)) {
        let mut kernel = Kernel::new(plan());
        live(&mut kernel, &purchases);
        let sound = snapshot(&kernel);
        let mut bytes = sound.clone();
        for (place, flip) in places {
            bytes[place.index(sound.len())] ^= flip;
        }
        let read = Kernel::read_from(&mut bytes.as_slice(), plan());
        prop_assert!(bytes == sound || read.is_err());
    }
}
