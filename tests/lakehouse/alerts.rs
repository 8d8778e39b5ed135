//! Who is told how a run ended, and that nobody's silence holds it up.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    time::{Duration, Instant},
};

use crate::{components::mail_sink, program::Workspace};

/// A sample whose mails go to an address of their own.
fn with_mail(to: &str) -> Workspace {
    let (server, _) = mail_sink();
    Workspace::with_sample(500)
        .with_environment("LAKEHOUSE_ALERTS__SMTP_URL", &server)
        .with_environment("LAKEHOUSE_ALERTS__MAIL_FROM", "lakehouse@test.example")
        .with_environment("LAKEHOUSE_ALERTS__MAIL_TO", to)
}

fn mails_to(address: &str) -> Vec<String> {
    let (_, folder) = mail_sink();
    let texts = fs::read_dir(folder).unwrap().map(|mail| fs::read_to_string(mail.unwrap().path()).unwrap_or_default());
    texts.filter(|text| text.contains(address)).collect()
}

#[test]
fn a_failed_run_is_mailed_with_its_reason_and_a_good_one_only_if_wanted() {
    let to = format!("failure-{}@test.example", std::process::id());
    let workspace = with_mail(&to);
    let users = fs::read(workspace.source("users_data.csv")).unwrap();
    fs::write(workspace.source("users_data.csv"), "").unwrap();
    workspace.run().bad();
    fs::write(workspace.source("users_data.csv"), users).unwrap();
    workspace.run().good();

    let mails = mails_to(&to);
    assert_eq!(mails.len(), 1, "{mails:?}");
    assert!(mails[0].contains("Subject: [lakehouse] fraud: a run failed") && mails[0].contains("users_data.csv"), "{}", mails[0]);

    workspace.with_environment("LAKEHOUSE_ALERTS__MAIL_ON_SUCCESS", "true").run().good();
    assert_eq!(mails_to(&to).iter().filter(|mail| mail.contains("a run succeeded")).count(), 1);
}

#[test]
fn the_end_of_a_run_is_posted_to_a_webhook() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook?token=s3cr3t-token", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (mut request, mut part) = (String::new(), [0; 4096]);
        while !request.contains("run.succeeded") {
            let read = stream.read(&mut part).unwrap();
            request.push_str(std::str::from_utf8(&part[..read]).unwrap());
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
        request
    });
    let workspace = Workspace::with_sample(500).with_environment("LAKEHOUSE_ALERTS__WEBHOOK_URL", &url);

    let ran = workspace.run().good();

    let request = server.join().unwrap();
    assert!(request.starts_with("POST /hook?token=s3cr3t-token HTTP/1.1"), "{request}");
    assert!(request.contains("\"domain\":\"fraud\""), "{request}");
    let shown = workspace.lakehouse(&["config"]).good().stdout();
    assert!(!format!("{}{}{shown}", ran.stdout(), ran.stderr()).contains("s3cr3t-token"));
}

#[test]
fn a_dead_sink_fails_no_run_and_says_so() {
    let workspace = Workspace::with_sample(500)
        .with_environment("LAKEHOUSE_ALERTS__WEBHOOK_URL", "http://127.0.0.1:9/")
        .with_environment("LAKEHOUSE_ALERTS__ELASTICSEARCH_URL", "http://127.0.0.1:9/")
        .with_environment("LAKEHOUSE_ALERTS__SMTP_URL", "smtp://127.0.0.1:9")
        .with_environment("LAKEHOUSE_ALERTS__MAIL_TO", "nobody@test.example")
        .with_environment("LAKEHOUSE_ALERTS__MAIL_ON_SUCCESS", "true");
    let started = Instant::now();

    let ran = workspace.run().good();

    assert!(ran.json()["seconds"].as_f64().unwrap() < 10.0, "the run itself did not wait");
    assert!(started.elapsed() < Duration::from_secs(40), "{:?}", started.elapsed());
    assert_eq!(ran.stderr().matches("not every event reached the sink").count(), 3, "{}", ran.stderr());
}
