use std::{fs, path::Path, time::Duration};

use lakehouse_settings::{BindOverrides, Overrides, Settings};
use lakehouse_sources_api::{RunError, run};
use tokio::{net::TcpListener, time::sleep};
use tokio_util::sync::CancellationToken;

fn settings(folder: &Path, port: u16) -> Settings {
    let overrides = Overrides {
        sources: Some(folder.display().to_string()),
        lake: Some(std::env::temp_dir().join("no-rows-are-pushed-here").display().to_string()),
        sources_api: BindOverrides { port: Some(port), ..BindOverrides::default() },
        ..Overrides::default()
    };
    let mut settings = Settings::load(None, overrides).expect("settings");
    settings.sources_api.folder_pause_ms = 20;
    settings
}

#[tokio::test]
async fn a_folder_that_appears_late_is_waited_for() {
    let outside = tempfile::tempdir().expect("folder");
    let folder = outside.path().join("sources");
    let port = TcpListener::bind("127.0.0.1:0").await.and_then(|free| free.local_addr()).expect("port").port();
    let (settings, stop) = (settings(&folder, port), CancellationToken::new());
    let running = tokio::spawn({
        let stop = stop.clone();
        async move { run(&settings, Vec::new(), stop).await }
    });
    sleep(Duration::from_millis(30)).await;
    fs::create_dir(&folder).expect("folder");
    let url = format!("http://127.0.0.1:{port}/files");
    let answer = loop {
        match reqwest::get(&url).await {
            Ok(answer) => break answer,
            Err(_) => sleep(Duration::from_millis(10)).await,
        }
    };
    assert_eq!(answer.text().await.expect("body"), "[]");
    stop.cancel();
    running.await.expect("task").expect("a clean stop");
}

#[tokio::test]
async fn a_folder_that_never_appears_ends_the_start() {
    let failed =
        run(&settings(Path::new("/nowhere/at/all"), 0), Vec::new(), CancellationToken::new()).await.expect_err("no folder");
    assert_eq!(failed.to_string(), "the sources folder `/nowhere/at/all` was not there after 5 tries");
}

#[tokio::test]
async fn a_stop_while_waiting_is_a_clean_stop() {
    let mut settings = settings(Path::new("/nowhere"), 0);
    settings.sources_api.folder_pause_ms = 60_000;
    let stop = CancellationToken::new();
    stop.cancel();
    run(&settings, Vec::new(), stop).await.expect("a clean stop");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("port");
    let address = taken.local_addr().expect("address");
    let failed = run(&settings(folder.path(), address.port()), Vec::new(), CancellationToken::new()).await.expect_err("taken");
    assert!(matches!(failed, RunError::Listen { .. }));
    assert_eq!(failed.to_string(), format!("failed to listen on {address}"));
}
