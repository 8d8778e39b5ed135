//! Every aggregate, computed by hand.

use lakehouse_signals::{Event, EventError, Kernel, Key, OutputKind, Plan, PlanError};
use lakehouse_spec::Span;

use crate::support::{Purchase, SECOND, batch, card_plan, plan, spec, values};

const NONE: f64 = f64::NAN;

#[track_caller]
fn assert_values(signal: &str, purchases: &[Purchase], expected: &[f64]) {
    let found = values(&card_plan(signal), purchases);
    let is_same = expected.iter().zip(&found).all(|(one, other)| one == other || one.is_nan() && other.is_nan());
    assert!(is_same && expected.len() == found.len(), "expected {expected:?}, found {found:?}");
}

fn amounts(amounts: &[f64]) -> Vec<Purchase> {
    amounts.iter().zip(0..).map(|(amount, second)| Purchase { amount: *amount, ..Purchase::at(second) }).collect()
}

#[test]
fn a_window_begins_exactly_its_length_ago_and_ends_before_now() {
    let purchases = [0, 1, 10, 11, 21].map(Purchase::at);
    assert_values(r#"aggregate = "count", window = "10s""#, &purchases, &[0.0, 1.0, 2.0, 2.0, 1.0]);
    let just_after = Purchase { time: 10 * SECOND + 1, ..Purchase::at(10) };
    assert_values(r#"aggregate = "count", window = "10s""#, &[Purchase::at(0), just_after], &[0.0, 0.0]);
}

#[test]
fn ties_do_not_see_each_other() {
    let purchases = [0, 5, 5, 5, 6].map(Purchase::at);
    assert_values(r#"aggregate = "count""#, &purchases, &[0.0, 1.0, 1.0, 1.0, 4.0]);
    assert_values(r#"aggregate = "since_previous""#, &purchases, &[NONE, 5.0, 5.0, 5.0, 1.0]);
    assert_values(r#"aggregate = "first_seen", of = "shop""#, &[Purchase::at(3); 2], &[1.0, 1.0]);
}

#[test]
fn cards_are_apart_and_a_purchase_without_one_has_no_history() {
    let card = |card: Option<i64>, second: i64| Purchase { card, ..Purchase::at(second) };
    let purchases = [card(Some(1), 0), card(None, 1), card(Some(2), 2), card(None, 3), card(Some(1), 4)];
    assert_values(r#"aggregate = "count""#, &purchases, &[0.0, 0.0, 0.0, 0.0, 1.0]);
    assert_values(r#"aggregate = "first_seen", of = "shop""#, &purchases, &[1.0, 1.0, 1.0, 1.0, 0.0]);
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "count""#));
    batch(&mut kernel, &[card(None, 0)]).unwrap();
    assert_eq!(kernel.keys(), 0);
}

#[test]
fn sums_of_cents_are_exact_and_skip_what_is_absent() {
    let purchases = amounts(&[0.1, 0.2, NONE, 0.7, f64::INFINITY, 2e12, 5.0]);
    assert_values(r#"aggregate = "sum", of = "amount""#, &purchases, &[0.0, 0.1, 0.3, 0.3, 1.0, 1.0, 1.0]);
    assert_values(r#"aggregate = "mean", of = "amount""#, &amounts(&[NONE, 0.1, 0.3, 0.0]), &[NONE, NONE, 0.1, 0.2]);
}

#[test]
fn the_deviation_needs_two_numbers() {
    let purchases = amounts(&[1.0, NONE, 3.0, 8.0, 0.0]);
    assert_values(r#"aggregate = "std", of = "amount""#, &purchases, &[NONE, NONE, NONE, 2.0_f64.sqrt(), 13.0_f64.sqrt()]);
}

#[test]
fn a_zscore_measures_from_the_mean_in_deviations() {
    assert_values(
        r#"aggregate = "zscore", of = "amount""#,
        &amounts(&[1.0, 3.0, 4.0]),
        &[NONE, NONE, (4.0 - 2.0) / 2.0_f64.sqrt()],
    );
    assert_values(r#"aggregate = "zscore", of = "amount""#, &amounts(&[1.0, 3.0, NONE]), &[NONE, NONE, NONE]);
    // A constant window measures nothing; neither does one that differs by a millionth.
    assert_values(r#"aggregate = "zscore", of = "amount""#, &amounts(&[5.0, 5.0, 900.0]), &[NONE, NONE, 0.0]);
    assert_values(r#"aggregate = "zscore", of = "amount""#, &amounts(&[5.0, 5.000_001, 900.0]), &[NONE, NONE, 0.0]);
}

#[test]
fn distinct_values_leave_with_their_last_event() {
    let shop = |shop: Option<i64>, second: i64| Purchase { shop, ..Purchase::at(second) };
    let purchases = [shop(Some(1), 0), shop(Some(2), 1), shop(Some(1), 2), shop(None, 3), shop(Some(1), 11), shop(None, 13)];
    assert_values(r#"aggregate = "distinct", of = "shop", window = "10s""#, &purchases, &[0.0, 1.0, 2.0, 2.0, 2.0, 1.0]);
}

#[test]
fn absence_is_a_value_like_any_other_to_first_seen_and_changed() {
    let shop = |shop: Option<i64>, second: i64| Purchase { shop, ..Purchase::at(second) };
    let purchases = [shop(Some(1), 0), shop(None, 1), shop(None, 2), shop(Some(1), 3), shop(Some(2), 4)];
    assert_values(r#"aggregate = "first_seen", of = "shop""#, &purchases, &[1.0, 1.0, 0.0, 0.0, 1.0]);
    assert_values(r#"aggregate = "changed", of = "shop""#, &purchases, &[0.0, 1.0, 0.0, 1.0, 1.0]);
}

#[test]
fn of_several_previous_events_the_one_with_the_greatest_id_counts() {
    let shop = |shop: i64, second: i64, id: i64| Purchase { shop: Some(shop), id, ..Purchase::at(second) };
    let purchases = [shop(1, 0, 7), shop(2, 0, 9), shop(3, 0, 8), shop(2, 1, 0)];
    assert_values(r#"aggregate = "changed", of = "shop""#, &purchases, &[0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_label_counts_once_it_is_older_than_the_delay() {
    let fraud = |fraud: f64, second: i64| Purchase { fraud, ..Purchase::at(second) };
    let purchases = [fraud(1.0, 0), fraud(0.0, 1), fraud(NONE, 2), fraud(1.0, 7), fraud(1.0, 8), fraud(1.0, 9)];
    let rate = r#"aggregate = "smoothed_rate", of = "fraud", delay = "7s", prior = 0.5, prior_weight = 2.0"#;
    assert_values(rate, &purchases, &[0.5, 0.5, 0.5, 0.5, 2.0 / 3.0, 2.0 / 4.0]);
    let sum = r#"aggregate = "sum", of = "fraud", delay = "7s", window = "8s""#;
    assert_values(sum, &purchases, &[0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn only_flagged_events_count() {
    let refused = |refused: bool, second: i64| Purchase { refused, ..Purchase::at(second) };
    let purchases = [refused(true, 0), refused(false, 3), refused(true, 4), refused(false, 6)];
    assert_values(r#"aggregate = "count", only = "refused", window = "5s""#, &purchases, &[0.0, 1.0, 1.0, 1.0]);
    assert_values(r#"aggregate = "since_previous", only = "refused""#, &purchases, &[NONE, 3.0, 4.0, 2.0]);
}

#[test]
fn a_batch_that_goes_back_in_time_is_refused() {
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "count""#));
    batch(&mut kernel, &[Purchase::at(5)]).unwrap();
    let late = EventError::OutOfOrder { row: 1, time: 4 * SECOND, newest: 5 * SECOND };
    let other_card = Purchase { card: Some(2), ..Purchase::at(3) };
    assert_eq!(batch(&mut kernel, &[other_card, Purchase::at(4)]), Err(late));
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "count""#));
    let unsorted = batch(&mut kernel, &[Purchase::at(5), Purchase { card: Some(2), ..Purchase::at(4) }]);
    assert_eq!(unsorted, Err(EventError::OutOfOrder { row: 1, time: 4 * SECOND, newest: 5 * SECOND }));
}

#[test]
fn an_event_of_another_shape_is_refused() {
    let mut kernel = Kernel::new(&card_plan(r#"aggregate = "sum", of = "amount""#));
    let event = Event { time: 0, id: 0, numbers: &[], keys: &[Key::from_integer(1)], flags: &[] };
    let refusal = EventError::Shape { what: "numbers", expected: 1, found: 0 };
    assert_eq!(kernel.observe(&event, &mut [0.0]), Err(refusal));
    let event = Event { numbers: &[1.0], ..event };
    let refusal = EventError::Shape { what: "outputs", expected: 1, found: 2 };
    assert_eq!(kernel.signals(&event, &mut [0.0; 2]), Err(refusal));
}

#[test]
fn a_plan_names_what_it_reads_and_gives() {
    let plan = plan();
    let inputs = plan.inputs();
    let names = |columns: &[lakehouse_spec::ColumnName]| columns.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(&inputs.numbers), ["amount", "fraud"]);
    assert_eq!(names(&inputs.keys), ["card", "shop"]);
    assert_eq!(names(&inputs.flags), ["refused"]);
    let kind = |name: &str| {
        let output = plan.outputs().find(|output| output.name.as_str() == name).unwrap();
        (output.kind, output.nullable)
    };
    assert_eq!(kind("count_5"), (OutputKind::Integer, false));
    assert_eq!(kind("zscore_5"), (OutputKind::Float, true));
    assert_eq!(kind("new_shop"), (OutputKind::Boolean, false));
    assert_eq!(kind("rate"), (OutputKind::Float, false));
    assert_eq!(kind("rate_12"), (OutputKind::Float, true));
}

#[test]
fn a_signal_that_makes_no_sense_has_no_plan() {
    let signals = spec(&[("card", "card", r#"{ name = "value", aggregate = "sum", of = "amount", window = "5s" }"#)]);
    let name = signals.entities[0].signals[0].name.clone();
    let refused = |change: fn(&mut lakehouse_spec::SignalSpec)| {
        let mut changed = signals.clone();
        change(&mut changed.entities[0].signals[0]);
        Plan::compile(&changed).unwrap_err()
    };
    let span = |text: &str| Span::try_from(text.to_owned()).ok();
    assert!(span("5s").is_some());
    assert_eq!(refused(|signal| signal.of = None), PlanError::NeedsColumn(name.clone()));
    assert_eq!(refused(|signal| signal.delay = signal.window), PlanError::DelayCoversWindow(name.clone()));
    let needs_prior = |signal: &mut lakehouse_spec::SignalSpec| signal.aggregate = lakehouse_spec::Aggregate::SmoothedRate;
    assert_eq!(refused(needs_prior), PlanError::NeedsPrior(name.clone()));
    let remembers = |signal: &mut lakehouse_spec::SignalSpec| signal.aggregate = lakehouse_spec::Aggregate::FirstSeen;
    assert_eq!(refused(remembers), PlanError::TakesNoWindow(name));
}

#[test]
fn the_fraud_signals_have_a_plan() {
    let text = include_str!("../../../../domains/fraud/signals/transactions.toml");
    let plan = Plan::compile(&toml::from_str(text).unwrap()).unwrap();
    assert_eq!(plan.entities().len(), 3);
}
