//! A run that is killed at any instant is made good by the next one.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    time::Instant,
};

use crate::{
    components::Bucket,
    program::{Workspace, contents},
};

const RUN: [&str; 5] = ["run", "fraud", "--sources", "sources", "--skip-training"];
const INSTANTS: usize = 100;

fn sample() -> Workspace {
    Workspace::with_sample(500)
}

/// Starts a run whose events can be read.
fn start(workspace: &Workspace) -> Child {
    workspace.command(&RUN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

fn kill(mut run: Child) {
    run.kill().unwrap();
    run.wait().unwrap();
}

/// Kills a run after each of its events, each time in a lake of its own. Returns how many there were.
fn kill_at_every_event(fresh: impl Fn() -> Workspace, expected: &[Vec<String>]) -> usize {
    for event in 0.. {
        let workspace = fresh();
        let mut run = start(&workspace);
        let told = BufReader::new(run.stderr.take().unwrap()).lines().take(event + 1).count();
        kill(run);
        workspace.run().good();
        assert_eq!(contents(&workspace), expected, "killed after event {event}");
        if told <= event {
            return event;
        }
    }
    unreachable!("a run has an end")
}

/// Kills runs at instants all over their time, each in a lake of its own.
fn kill_at_many_instants(fresh: impl Fn() -> Workspace, expected: &[Vec<String>]) {
    let (workspace, started) = (fresh(), Instant::now());
    workspace.run().good();
    let whole_run = started.elapsed();
    let (mut killed, mut instant) = (0, 0_u32);
    while killed < INSTANTS {
        let workspace = fresh();
        let mut run = start(&workspace);
        // The golden ratio spreads instants evenly, and the same ones each time.
        std::thread::sleep(whole_run.mul_f64((f64::from(instant) * 0.618_034).fract()));
        killed += usize::from(run.try_wait().unwrap().is_none());
        kill(run);
        workspace.run().good();
        assert_eq!(contents(&workspace), expected, "killed at instant {instant}");
        instant += 1;
    }
    eprintln!("{killed} of {instant} runs were killed in the {whole_run:?} that one takes");
}

#[test]
fn on_disk_a_run_killed_at_any_instant_is_made_good() {
    let whole = sample();
    whole.run().good();
    let expected = contents(&whole);
    let events = kill_at_every_event(sample, &expected);
    assert!(events > 20, "{events} events");
    kill_at_many_instants(sample, &expected);
    println!("killed after each of {events} events");
}

#[test]
fn in_a_bucket_a_run_killed_at_any_instant_is_made_good() {
    let whole = sample();
    whole.run().good();
    let expected = contents(&whole);
    let store = Bucket::minio();
    let fresh = || sample().in_bucket(&store);
    let events = kill_at_every_event(fresh, &expected);
    assert!(events > 20, "{events} events");
    kill_at_many_instants(fresh, &expected);
    println!("killed after each of {events} events");
}
