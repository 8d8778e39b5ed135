//! A store behind a bad network: whatever is lost on the way, nothing is lost or doubled in the lake.

use std::collections::BTreeMap;

use crate::{
    components::Bucket,
    program::{Workspace, contents},
    proxy::{Fault, Proxy, Request, Weather},
};

/// Tries a user has the patience for, in the harshest weather.
const MOST_RUNS: usize = 40;

fn sample() -> Workspace {
    Workspace::with_sample(500)
}

/// What a lake and its registry hold at the end, row for row, with the models' versions and champions.
fn everything(workspace: &Workspace) -> (Vec<Vec<String>>, String) {
    (contents(workspace), workspace.lakehouse(&["models", "list"]).good().stdout())
}

fn behind(proxy: &Proxy, store: &Bucket) -> Workspace {
    sample().in_bucket(store).with_environment("LAKEHOUSE_S3__ENDPOINT", &proxy.url())
}

/// Repeats a run until it succeeds. Returns how often it failed, each time with a sentence.
fn run_until_good(workspace: &Workspace) -> usize {
    for failures in 0..MOST_RUNS {
        let ran = workspace.run_with_training();
        if ran.output.status.success() {
            return failures;
        }
        let ran = ran.bad();
        assert!(ran.stderr().contains("error: ") && ran.stderr().contains("caused by: "), "{}", ran.stderr());
    }
    panic!("{MOST_RUNS} runs failed");
}

/// The network is bad until a run succeeds; then the lake is what an uninterrupted run makes.
fn is_made_good(store: &Bucket, weather: Weather, expected: &(Vec<Vec<String>>, String)) -> (usize, BTreeMap<Fault, usize>) {
    let proxy = Proxy::before(&store.endpoint, move |request| weather.fault(request));
    let workspace = behind(&proxy, store);
    let failures = run_until_good(&workspace);
    let injected = proxy.injected();
    proxy.calm();
    assert_eq!(&everything(&workspace), expected, "{} {weather:?}", store.name);
    let again = workspace.run_with_training().good().json();
    let tables = [&again["tables"], &again["sources"]].map(|steps| steps.as_array().unwrap().clone()).concat();
    assert!(tables.iter().all(|table| table["version"] == 0), "a table was committed twice: {again:#}");
    (failures, injected)
}

#[test]
fn whatever_is_lost_on_the_way_nothing_is_lost_or_doubled() {
    let whole = sample();
    whole.run_with_training().good();
    let expected = everything(&whole);
    let (mut rounds, mut failures, mut injected) = (0, 0, BTreeMap::<Fault, usize>::new());
    for store in Bucket::all() {
        let rounds_here = if store.name == "minio" { 12 } else { 4 };
        for seed in 0..rounds_here {
            // From a fault now and then to every other commit.
            let harsh = f64::from(seed) / f64::from(rounds_here);
            let (commits, registrations) = (0.05 + harsh * 0.4, 0.05 + harsh * 0.3);
            let (other_writes, reads) = (0.05 + harsh * 0.2, 0.03 + harsh * 0.08);
            let weather = Weather { seed: u64::from(seed as u32), commits, registrations, other_writes, reads };
            let (failed, faults) = is_made_good(&store, weather, &expected);
            faults.into_iter().for_each(|(fault, count)| *injected.entry(fault).or_default() += count);
            failures += failed;
            rounds += 1;
        }
    }
    let all: usize = injected.values().sum();
    println!("{rounds} lakes, {all} faults, {failures} runs failed with a sentence and were repeated: {injected:?}");
    assert!(all >= 500 && Fault::ALL.iter().all(|fault| injected.contains_key(fault)), "{injected:?}");
}

/// Every commit is met by `fault` once; nothing else is.
fn each_once(fault: Fault, is_met: impl Fn(&Request) -> bool + Send + Sync + 'static, store: &Bucket) -> (Workspace, Proxy) {
    let met = std::sync::Mutex::new(std::collections::BTreeSet::new());
    let proxy = Proxy::before(&store.endpoint, move |request| {
        (is_met(request) && met.lock().unwrap().insert(request.path.clone())).then_some(fault)
    });
    (behind(&proxy, store), proxy)
}

#[test]
fn a_commit_whose_answer_is_lost_is_found_without_another_run() {
    let whole = sample();
    whole.run_with_training().good();
    let expected = everything(&whole);
    let store = Bucket::minio();
    let mut met = 0;
    for fault in [Fault::LostAnswer, Fault::CutAnswer, Fault::DoneAndFailed, Fault::Reset, Fault::Failed, Fault::Refused] {
        let (workspace, proxy) = each_once(fault, |request| request.is_commit() || request.is_registration(), &store);
        let report = workspace.run_with_training().good().json();
        assert!(report["tables"].as_array().unwrap().iter().all(|table| table["version"] == 0), "{fault:?}: {report:#}");
        assert_eq!(everything(&workspace), expected, "{fault:?}");
        met += proxy.injected()[&fault];
    }
    println!("{met} commits and registrations met six kinds of faults, each in the one run that there was");
    assert!(met >= 6 * 20);
}

#[test]
fn a_race_whose_winner_hears_nothing_is_not_taken_for_an_unsafe_store() {
    let store = Bucket::minio();
    for fault in [Fault::LostAnswer, Fault::DoneAndFailed] {
        let (workspace, proxy) = each_once(fault, |request| request.method == "PUT" && request.path.contains("/.probe/"), &store);
        let found = workspace.lakehouse(&["doctor", "--json"]).output.stdout;
        let found: serde_json::Value = serde_json::from_slice(&found).unwrap();
        let store = found.as_array().unwrap().iter().find(|finding| finding["check"] == "store").unwrap();
        assert_eq!(store["detail"], "one winner in each of 20 races of 32 writers", "{fault:?}: {found:#}");
        println!("{} of 640 writers met {fault:?}", proxy.injected()[&fault]);
    }
}

/// A run that cannot write where `part` is, then one that can.
fn interrupted_at(part: &'static str) -> Workspace {
    let store = Bucket::minio();
    let proxy = Proxy::before(&store.endpoint, move |request| {
        (request.is_write() && request.path.contains(part)).then_some(Fault::Reset)
    });
    let workspace = behind(&proxy, &store);
    let failed = workspace.run_with_training().bad();
    assert!(failed.stderr().contains(part), "{}", failed.stderr());
    proxy.calm();
    workspace.run_with_training().good();
    workspace.with_environment("LAKEHOUSE_S3__ENDPOINT", &store.endpoint)
}

#[test]
fn a_version_that_was_registered_and_not_promoted_is_promoted_by_the_next_run() {
    let workspace = interrupted_at("/aliases/");
    let models = workspace.lakehouse(&["models", "list"]).good().stdout();
    assert!(models.lines().skip(1).all(|line| line.split_whitespace().skip(1).eq(["1", "1"])), "{models}");
    assert_eq!(models.lines().count(), 3, "two models: {models}");
}

#[test]
fn a_state_that_was_not_stored_is_stored_by_the_next_run() {
    let workspace = interrupted_at("/online/");
    let folder = workspace.path().join("registry");
    let lake = workspace.open_lake();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let states = runtime.block_on(lake.size_of("registry/online/fraud")).unwrap();
    assert!(states > 0, "no state at {}", folder.display());
}
