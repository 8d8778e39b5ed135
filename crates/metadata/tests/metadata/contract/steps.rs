use lakehouse_metadata::{MetadataError, StepRecord, StepStatus};

use crate::harness::{Home, at, new_run};

/// A step of `run` that has just started.
pub fn step(run: &str) -> StepRecord {
    StepRecord {
        run: run.to_owned(),
        stage: "datamarts".to_owned(),
        step: "gold.dm_client_features".to_owned(),
        status: StepStatus::Running,
        attempt: 1,
        started_at: at(1),
        finished_at: None,
        rows: None,
        bytes: None,
        version: None,
        decision: None,
        error: None,
    }
}

pub async fn a_step_is_overwritten_as_it_goes_on(home: &Home) {
    let metadata = home.open().await;
    metadata.start_run(&new_run("first", "fraud", 0)).await.expect("it starts");
    let started = step("first");
    let failed = StepRecord {
        status: StepStatus::Failed,
        finished_at: Some(at(2)),
        error: Some("the store is\0away".to_owned()),
        ..started.clone()
    };
    let succeeded = StepRecord {
        status: StepStatus::Succeeded,
        attempt: 2,
        started_at: at(3),
        finished_at: Some(at(4)),
        rows: Some(0),
        bytes: Some(i64::MAX as u64),
        version: Some(17),
        decision: Some("inputs changed: bronze.transactions".to_owned()),
        ..started.clone()
    };
    for (recorded, kept_error) in [(&started, None), (&failed, Some("the store is\u{fffd}away")), (&succeeded, None)] {
        metadata.record_step(recorded).await.expect("it is recorded");
        metadata.record_step(recorded).await.expect("the same again is no error");
        let expected = StepRecord { error: kept_error.map(str::to_owned), ..recorded.clone() };
        assert_eq!(metadata.steps("first").await.expect("it reads"), [expected]);
    }
    let earlier = StepRecord { stage: "ingestion".to_owned(), started_at: at(0), ..started };
    metadata.record_step(&earlier).await.expect("it is recorded");
    assert_eq!(metadata.steps("first").await.expect("it reads"), [earlier, succeeded]);
    assert_eq!(metadata.steps("second").await.expect("it reads"), []);
}

pub async fn a_step_of_an_unknown_run_is_refused(home: &Home) {
    let metadata = home.open().await;
    let error = metadata.record_step(&step("first")).await.expect_err("no such run");
    assert!(matches!(&error, MetadataError::UnknownRun(run) if run == "first"), "{error:?}");
}
