//! The events of runs in a search index: all of them, once, in bulk; and an index that is slow or dead holds nothing up.

use std::{
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    components::search_engine,
    program::Workspace,
    proxy::{Fault, Proxy},
};

/// An index that no other test uses.
fn fresh_index() -> String {
    let folder = TempDir::new().unwrap();
    format!("events-{}", folder.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_lowercase())
}

fn told(sink: &str, index: &str) -> Workspace {
    Workspace::with_sample(300)
        .with_environment("LAKEHOUSE_ALERTS__ELASTICSEARCH_URL", sink)
        .with_environment("LAKEHOUSE_ALERTS__ELASTICSEARCH_INDEX", index)
}

fn get(url: &str) -> Value {
    Runtime::new().unwrap().block_on(async { reqwest::get(url).await.unwrap().json().await.unwrap() })
}

fn documents(index: &str) -> u64 {
    let engine = search_engine();
    get(&format!("{engine}/{index}/_refresh"));
    get(&format!("{engine}/{index}/_count"))["count"].as_u64().unwrap()
}

/// How many events the runs on record have.
fn events(workspace: &Workspace) -> u64 {
    let runs = workspace.lakehouse(&["runs", "--json"]).good().json();
    let events = |run: &Value| {
        let shown = workspace.lakehouse(&["runs", run["run"].as_str().unwrap(), "--json"]).good().json();
        shown["events"].as_array().unwrap().len() as u64
    };
    runs.as_array().unwrap().iter().map(events).sum()
}

#[test]
fn every_event_is_one_document_whatever_befalls_the_requests() {
    let mut documents_in_all = 0;
    for faults in [&[][..], &[Fault::Throttled, Fault::Throttled], &[Fault::LostAnswer, Fault::Refused], &[Fault::Reset]] {
        let requests = Arc::new(AtomicU64::new(0));
        let (planned, counted) = (faults.to_vec(), requests.clone());
        let proxy = Proxy::before(&search_engine(), move |request| {
            counted.fetch_add(1, Ordering::Relaxed);
            planned.get(request.number as usize).copied()
        });
        let index = fresh_index();
        let workspace = told(&proxy.url(), &index);

        let started = Instant::now();
        let ran = workspace.run().good();
        let batches = 2 + started.elapsed().as_secs() / 5;

        assert!(!ran.stderr().contains("not every event"), "{faults:?}: {}", ran.stderr());
        let (documents, events) = (documents(&index), events(&workspace));
        assert!(events > 20, "{events}");
        assert_eq!(documents, events, "{faults:?}");
        let requests = requests.load(Ordering::Relaxed) - faults.len() as u64;
        assert!(requests <= batches, "{requests} requests for {events} events, one in five seconds");
        documents_in_all += documents;
    }
    println!("{documents_in_all} events of four runs, as many documents; five requests met faults");
}

#[test]
fn an_index_that_never_answers_does_not_slow_a_run() {
    let alone = Workspace::with_sample(300);
    let seconds = |workspace: &Workspace| {
        let ran = workspace.run().good();
        (ran.json()["seconds"].as_f64().unwrap(), ran.stderr())
    };
    let (without, _) = seconds(&alone);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let workspace = told(&format!("http://{}", silent.local_addr().unwrap()), "any");
    let started = Instant::now();

    let (with, said) = seconds(&workspace);

    // A wait for the sink would last ten seconds, its timeout.
    assert!(with < without + 8.0, "{with} s with it, {without} s without");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert!(said.contains("not every event reached the sink"), "{said}");
    println!("{with:.1} s with a silent index, {without:.1} s without");
}
