//! Statements that want out: none reads what it may not, writes anything, or keeps others waiting.

#![expect(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::sync::Mutex;

use place::Place;
use statements::{heavy, refused};

#[expect(dead_code, reason = "other tests use more of it")]
#[path = "../sql/place.rs"]
mod place;
mod statements;

const SECRET: &str = "canary-7e1f";
/// Before anything runs.
const REFUSED: [u16; 3] = [400, 404, 422];
/// Answered, refused, or stopped in time; never a failure of the service itself.
const HARMLESS: [u16; 6] = [200, 400, 413, 422, 503, 504];
/// The time limit of heavy statements.
const TIME_LIMIT_MS: u64 = 500;
/// An answer may come so late, on a busy machine.
const MOST_TIME: Duration = Duration::from_secs(10);
/// What one may take beside its share of the memory, in MiB: batches on their way, which nobody counts.
const MOST_MIB: u64 = 768;
/// Each test watches the whole process.
static ALONE: Mutex<()> = Mutex::const_new(());
/// What a query may still work after its answer was 504: a batch, or a step of planning, in CPU milliseconds without optimisation.
const MOST_WORK_MS: u64 = 3_000;

/// Every file below `folder` with its bytes.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path().display().to_string(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

/// Milliseconds that this process has spent on the cores.
fn cpu_ms() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let times = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    times.map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum()
}

/// MiB that this process held at most since `forget_peak`.
fn peak_mib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Looks up a row again and again until `is_over`; how long each took.
async fn lookups(place: &Place, is_over: &AtomicBool) -> Vec<Duration> {
    let mut times = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let started = Instant::now();
        assert_eq!(place.get("/client_features/007").await.0, 200);
        times.push(started.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort();
    times
}

fn short(text: &str) -> String {
    text.chars().take(120).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_statements_reach_nothing_and_keep_nobody_waiting() {
    let _alone = ALONE.lock().await;
    let place = Place::with_numbers(20_000).await;
    let secret = place.folder().join("secret.csv");
    fs::write(&secret, format!("a,b\n{SECRET},1\n")).unwrap();
    let before = files(place.folder());
    let (refused, heavy) = (refused(&secret), heavy());
    assert_eq!(place.get("/client_features/007").await.0, 200);

    let is_over = AtomicBool::new(false);
    let attack = async {
        let mut faults = Vec::new();
        let mut most_mib = 0;
        for (statements, allowed, timeout_ms) in [(&refused, &REFUSED[..], 30_000), (&heavy, &HARMLESS[..], TIME_LIMIT_MS)] {
            for sql in statements {
                forget_peak();
                let (started, before) = (Instant::now(), peak_mib());
                let (status, answer) = place.ask(&json!({ "sql": sql, "limit": 10, "timeout_ms": timeout_ms })).await;
                let (answer, took) = (answer.to_string(), started.elapsed());
                let taken = peak_mib().saturating_sub(before);
                most_mib = taken.max(most_mib);
                if !allowed.contains(&status) || answer.contains(SECRET) || took > MOST_TIME || taken > MOST_MIB {
                    faults.push(format!("{} -> {status} after {took:?} and {taken} MiB: {}", short(sql), short(&answer)));
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
        (faults, most_mib)
    };
    let ((faults, most_mib), times) = tokio::join!(attack, lookups(&place, &is_over));

    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{} statements refused, {} heavy ones that take {most_mib} MiB at most; {} lookups meanwhile: median {:?}, P99 {:?}, longest {:?}",
        refused.len(),
        heavy.len(),
        times.len(),
        at(0.5),
        at(0.99),
        at(1.0)
    );
    assert!(faults.is_empty(), "{faults:#?}");
    assert!(refused.len() + heavy.len() >= 200);
    assert!(at(0.99) < Duration::from_secs(1), "P99 {:?}", at(0.99));
    assert_eq!(files(place.folder()), before, "nothing is written");
    assert_eq!(place.rows("select count(*) as c from silver.numbers").await, json!([{ "c": 20_000 }]));
}

/// CPU milliseconds that this process still spends until it rests.
async fn work_until_rest() -> u64 {
    let start = cpu_ms();
    loop {
        let before = cpu_ms();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (worked, in_all) = (cpu_ms() - before, cpu_ms() - start);
        if worked <= 30 || in_all > 2 * MOST_WORK_MS {
            return in_all;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_whose_time_is_over_soon_works_no_longer() {
    let _alone = ALONE.lock().await;
    let place = Place::with_numbers(20_000).await;
    let (mut late, mut most, mut faults) = (0, 0, Vec::new());
    for sql in heavy() {
        if place.ask(&json!({ "sql": sql, "limit": 10, "timeout_ms": TIME_LIMIT_MS })).await.0 != 504 {
            continue;
        }
        late += 1;
        let worked = work_until_rest().await;
        most = worked.max(most);
        if worked > MOST_WORK_MS {
            faults.push(format!("{worked} ms: {}", short(&sql)));
        }
    }
    println!("{late} queries ran out of time; the most that one worked on is {most} ms of one core");
    assert!(late >= 5 && faults.is_empty(), "{late} late, {faults:#?}");
}
