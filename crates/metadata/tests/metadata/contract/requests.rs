use lakehouse_metadata::{MetadataError, NewRun, RunTrigger};
use serde_json::json;

use crate::harness::{Home, at, domain, new_run};

fn answering(request: &str, run: &str) -> NewRun {
    NewRun { trigger: RunTrigger::Api, request: Some(request.to_owned()), ..new_run(run, "fraud", 10) }
}

pub async fn requests_wait_in_their_order_until_a_run_answers_them(home: &Home) {
    let metadata = home.open().await;
    let fraud = domain("fraud");
    for (request, seconds) in [("second", 2), ("first", 1)] {
        for _again in 0..2 {
            metadata.request_run(request, &fraud, at(seconds), &json!({"resume": false})).await.expect("it is noted");
        }
    }
    metadata.request_run("other", &domain("network"), at(0), &json!({})).await.expect("it is noted");
    let waiting = async || metadata.waiting_request(&fraud).await.expect("it reads").map(|found| found.request);
    assert_eq!(waiting().await.as_deref(), Some("first"));

    metadata.start_run(&answering("first", "run-1")).await.expect("it starts");
    assert_eq!(waiting().await.as_deref(), Some("second"));
    let answered = metadata.run_request("first").await.expect("it reads").expect("it is there");
    assert_eq!((answered.run.as_deref(), answered.requested_at), (Some("run-1"), at(1)));

    metadata.refuse_request("second", "there is nothing to go on with").await.expect("it is refused");
    assert_eq!(waiting().await, None);
    let refused = metadata.run_request("second").await.expect("it reads").expect("it is there");
    assert_eq!((refused.run, refused.refusal.as_deref()), (None, Some("there is nothing to go on with")));
    assert_eq!(metadata.run_request("third").await.expect("it reads"), None);
}

pub async fn of_many_who_answer_a_request_one_starts_a_run(home: &Home) {
    let metadata = home.open().await;
    metadata.request_run("asked", &domain("fraud"), at(0), &json!({})).await.expect("it is noted");
    let starting = (0..12).map(|number| {
        let metadata = metadata.clone();
        async move { metadata.start_run(&answering("asked", &format!("run-{number}"))).await }
    });
    let outcomes = futures::future::join_all(starting).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    let taken =
        |outcome: &&Result<(), MetadataError>| matches!(outcome, Err(MetadataError::RequestTaken(asked)) if asked == "asked");
    assert_eq!(outcomes.iter().filter(taken).count(), 11, "{outcomes:?}");
    let last = metadata.last_run(&domain("fraud")).await.expect("it reads").expect("one started");
    let asked = metadata.run_request("asked").await.expect("it reads").expect("it is there");
    assert_eq!(asked.run, Some(last.run));
}
