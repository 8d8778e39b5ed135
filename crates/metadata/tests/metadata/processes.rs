//! Several programs at once, and programs that are killed.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use lakehouse_metadata::{EventFilter, LeaseOutcome, Metadata};

use crate::harness::{Home, new_event, on_postgres, on_sqlite};

const URL: &str = "SERVICE_CHILD_URL";
const START: &str = "SERVICE_CHILD_START_MS";
const PROCESSES: usize = 8;

#[expect(clippy::disallowed_methods, reason = "what a test tells the process it starts is no setting of the programs")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock")
}

/// This program again, in one of the roles below.
fn spawn(role: &str, home: &Home, start: Duration) -> Child {
    Command::new(std::env::current_exe().expect("a program"))
        .args(["--exact", role, "--ignored", "--nocapture"])
        .env(URL, &home.url)
        .env(START, start.as_millis().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts")
}

#[tokio::test]
#[ignore = "a role in the stories below"]
async fn opens_and_asks_for_the_lease() {
    let (Some(url), Some(start)) = (told(URL), told(START)) else { return };
    let start = Duration::from_millis(start.parse().expect("a number"));
    tokio::time::sleep(start.saturating_sub(now())).await;
    let metadata = Metadata::open(&url).await.expect("it opens");
    let holder = format!("process {}", std::process::id());
    match metadata.acquire("run/fraud", &holder, Duration::from_secs(600)).await.expect("it answers") {
        LeaseOutcome::Held(lease) => println!("\nheld {}", lease.fence),
        LeaseOutcome::Busy { .. } => println!("\nbusy"),
    }
}

#[tokio::test]
#[ignore = "a role in the stories below"]
async fn appends_until_it_is_killed() {
    let Some(url) = told(URL) else { return };
    let metadata = Metadata::open(&url).await.expect("it opens");
    loop {
        let numbers = metadata.append_events(&vec![new_event("any", None); 5]).await.expect("it is appended");
        println!("\nappended {}", numbers.last().expect("a number"));
    }
}

/// The lines of a child that start with `word`, without it.
fn lines(child: &mut Child, word: &'static str) -> impl Iterator<Item = String> + use<> {
    let lines = BufReader::new(child.stdout.take().expect("an output")).lines().map_while(Result::ok);
    lines.filter_map(move |line| line.strip_prefix(word).map(|rest| rest.trim().to_owned()))
}

async fn eight_processes_open_a_new_database_and_one_gets_the_lease(home: &Home) {
    let start = now() + Duration::from_millis(400);
    let role = "processes::opens_and_asks_for_the_lease";
    let children: Vec<Child> = (0..PROCESSES).map(|_| spawn(role, home, start)).collect();
    let mut outputs = Vec::new();
    for child in children {
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        outputs.push(String::from_utf8(output.stdout).expect("text"));
    }
    let count = |line: &str| outputs.iter().filter(|output| output.lines().any(|other| other == line)).count();
    assert_eq!((count("held 1"), count("busy")), (1, PROCESSES - 1), "{outputs:#?}");
    println!("{PROCESSES} processes at once on a new database: {PROCESSES} opened it, 1 holds the lease");
}

async fn what_a_killed_process_was_told_is_there(home: &Home) {
    let mut child = spawn("processes::appends_until_it_is_killed", home, now());
    let appended = lines(&mut child, "appended").take(20).last().expect("it appends");
    child.kill().expect("it is killed");
    child.wait().expect("it ends");
    let metadata = home.open().await;
    let everything = EventFilter { run: None, domain: None, after: 0, limit: 1_000_000 };
    let events = metadata.events(&everything).await.expect("it reads");
    assert!(events.iter().map(|event| event.id).eq(1..=events.len() as i64));
    assert_eq!(events.len() % 5, 0, "a batch is whole");
    assert!(events.len() >= appended.parse().expect("a number"), "{} of {appended}", events.len());
    metadata.append_events(&[new_event("any", None)]).await.expect("nothing is locked");
    println!("killed after number {appended} was confirmed: {} events are there", events.len());
}

#[tokio::test]
async fn eight_processes_open_a_new_sqlite_file_and_one_gets_the_lease() {
    for _ in 0..5 {
        on_sqlite(eight_processes_open_a_new_database_and_one_gets_the_lease).await;
    }
}

#[tokio::test]
async fn eight_processes_open_a_new_postgresql_database_and_one_gets_the_lease() {
    for _ in 0..5 {
        on_postgres(eight_processes_open_a_new_database_and_one_gets_the_lease).await;
    }
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_in_the_sqlite_file() {
    on_sqlite(what_a_killed_process_was_told_is_there).await;
}

#[tokio::test]
async fn what_a_killed_process_was_told_is_in_the_postgresql_database() {
    on_postgres(what_a_killed_process_was_told_is_there).await;
}
