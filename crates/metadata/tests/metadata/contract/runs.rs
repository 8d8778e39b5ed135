use std::time::Instant;

use jiff::Timestamp;
use lakehouse_metadata::{
    MetadataError, NewRun, RunEnd, RunFilter, RunOutcome, RunRecord, RunStatus, RunTrigger, StepRecord, StepStatus,
};
use serde_json::json;

use super::steps::step;
use crate::harness::{Home, at, domain, new_event, new_run};

fn succeeded(seconds: i64) -> RunEnd {
    RunEnd { outcome: RunOutcome::Succeeded, finished_at: at(seconds), error: None, report: Some(json!({"tables": [1.5, null]})) }
}

const EVERYTHING: RunFilter = RunFilter { domain: None, status: None, before: None, limit: 1_000 };

pub async fn a_run_is_started_read_and_finished(home: &Home) {
    let metadata = home.open().await;
    for trigger in RunTrigger::ALL {
        let new = NewRun { trigger: *trigger, fence: i64::MAX, ..new_run(trigger.as_str(), "fraud", 0) };
        metadata.start_run(&new).await.expect("it starts");
        let mut expected = RunRecord {
            run: new.run.clone(),
            domain: new.domain,
            trigger: *trigger,
            status: RunStatus::Running,
            started_at: at(0),
            finished_at: None,
            error: None,
            fence: i64::MAX,
            report: None,
            parameters: json!({"full": false}),
        };
        assert_eq!(metadata.run(&new.run).await.expect("it reads"), Some(expected.clone()));
        metadata.finish_run(&new.run, &succeeded(7)).await.expect("it finishes");
        expected.status = RunStatus::Succeeded;
        expected.finished_at = Some(at(7));
        expected.report = Some(json!({"tables": [1.5, null]}));
        assert_eq!(metadata.run(&new.run).await.expect("it reads"), Some(expected));
    }
    assert_eq!(metadata.run("another").await.expect("it reads"), None);
}

pub async fn a_name_is_never_used_twice(home: &Home) {
    let metadata = home.open().await;
    metadata.start_run(&new_run("first", "fraud", 0)).await.expect("it starts");
    let error = metadata.start_run(&new_run("first", "network", 1)).await.expect_err("the name is taken");
    assert!(matches!(&error, MetadataError::RunExists(run) if run == "first"), "{error:?}");
    assert_eq!(metadata.runs(&EVERYTHING).await.expect("it reads").len(), 1);
}

pub async fn a_run_ends_once(home: &Home) {
    let metadata = home.open().await;
    metadata.start_run(&new_run("first", "fraud", 0)).await.expect("it starts");
    let nanoseconds: Timestamp = "2026-01-01T00:00:07.123456789Z".parse().expect("an instant");
    let end = RunEnd { finished_at: nanoseconds, ..succeeded(0) };
    metadata.finish_run("first", &end).await.expect("it finishes");
    metadata.finish_run("first", &end).await.expect("the same again is no error");
    let other = RunEnd { outcome: RunOutcome::Failed, error: Some("too late".to_owned()), ..end };
    let error = metadata.finish_run("first", &other).await.expect_err("it has ended");
    assert!(matches!(&error, MetadataError::RunEnded { status: RunStatus::Succeeded, .. }), "{error:?}");
    let kept = metadata.run("first").await.expect("it reads").expect("a run");
    assert_eq!((kept.status, kept.error), (RunStatus::Succeeded, None));
    let error = metadata.finish_run("second", &other).await.expect_err("it never started");
    assert!(matches!(&error, MetadataError::UnknownRun(run) if run == "second"), "{error:?}");
}

/// Three runs start at the same instant, so that an order by instant alone would lose or repeat some.
pub async fn runs_come_newest_first_page_by_page(home: &Home) {
    let metadata = home.open().await;
    for number in 0..30 {
        let in_domain = if number % 2 == 0 { "fraud" } else { "network" };
        let run = format!("run_{}_{number:02}", if number % 4 < 2 { "a" } else { "B" });
        metadata.start_run(&new_run(&run, in_domain, number / 3)).await.expect("it starts");
        if number % 5 == 0 {
            metadata.finish_run(&run, &succeeded(100)).await.expect("it finishes");
        }
    }
    let all = metadata.runs(&EVERYTHING).await.expect("it reads");
    assert_eq!(all.len(), 30);
    assert!(all.is_sorted_by(|a, b| a.started_at >= b.started_at));
    for in_domain in [None, Some(domain("fraud")), Some(domain("health"))] {
        for status in [None, Some(RunStatus::Running), Some(RunStatus::Succeeded), Some(RunStatus::Cancelled)] {
            let is_meant = |run: &&RunRecord| {
                in_domain.as_ref().is_none_or(|domain| run.domain == *domain) && status.is_none_or(|status| run.status == status)
            };
            let expected: Vec<RunRecord> = all.iter().filter(is_meant).cloned().collect();
            let mut filter = RunFilter { domain: in_domain.clone(), status, before: None, limit: 4 };
            let mut paged = Vec::new();
            loop {
                let page = metadata.runs(&filter).await.expect("it reads");
                let Some(last) = page.last() else { break };
                assert!(page.len() <= 4);
                filter.before = Some(last.cursor());
                paged.extend(page);
            }
            assert_eq!(paged, expected);
        }
    }
}

pub async fn a_domain_has_a_last_run(home: &Home) {
    let metadata = home.open().await;
    for (run, in_domain, seconds) in [("new", "fraud", 9), ("old", "fraud", 3), ("newest", "network", 20)] {
        metadata.start_run(&new_run(run, in_domain, seconds)).await.expect("it starts");
    }
    let last = metadata.last_run(&domain("fraud")).await.expect("it reads").expect("a run");
    assert_eq!(last.run, "new");
    assert_eq!(metadata.last_run(&domain("health")).await.expect("it reads"), None);
}

pub async fn runs_under_an_older_fence_are_abandoned_with_their_steps(home: &Home) {
    let metadata = home.open().await;
    for (run, in_domain, fence) in [("stale", "fraud", 1), ("done", "fraud", 1), ("mine", "fraud", 2), ("other", "network", 1)] {
        metadata.start_run(&NewRun { fence, ..new_run(run, in_domain, fence) }).await.expect("it starts");
        for (step, status) in [("under_way", StepStatus::Running), ("nothing_to_do", StepStatus::Skipped)] {
            let step = step.to_owned();
            metadata.record_step(&StepRecord { step, status, ..super::steps::step(run) }).await.expect("it is recorded");
        }
    }
    metadata.finish_run("done", &succeeded(5)).await.expect("it finishes");
    assert_eq!(metadata.abandon_stale(&domain("fraud"), 2, at(9)).await.expect("it is abandoned"), ["stale"]);
    assert_eq!(metadata.abandon_stale(&domain("fraud"), 2, at(9)).await.expect("nothing is left"), [""; 0]);

    let all = metadata.runs(&EVERYTHING).await.expect("it reads");
    let mut stand: Vec<_> = all.iter().map(|run| (run.run.as_str(), run.status, run.finished_at)).collect();
    stand.sort_unstable();
    let expected = [
        ("done", RunStatus::Succeeded, Some(at(5))),
        ("mine", RunStatus::Running, None),
        ("other", RunStatus::Running, None),
        ("stale", RunStatus::Abandoned, Some(at(9))),
    ];
    assert_eq!(stand, expected);
    let steps = metadata.steps("stale").await.expect("it reads");
    let stand: Vec<_> = steps.iter().map(|step| (step.step.as_str(), step.status)).collect();
    assert_eq!(stand, [("nothing_to_do", StepStatus::Skipped), ("under_way", StepStatus::Failed)]);
    assert!(metadata.steps("mine").await.expect("it reads").iter().any(|step| step.status == StepStatus::Running));
    // The process that was given up wakes up.
    let error = metadata.finish_run("stale", &succeeded(10)).await.expect_err("it was given up");
    assert!(matches!(&error, MetadataError::RunEnded { status: RunStatus::Abandoned, .. }), "{error:?}");
}

pub async fn any_text_survives(home: &Home) {
    let metadata = home.open().await;
    let odd = "'; drop table runs; -- $1 ? \u{1F980} \u{202E}ß\r\n\\ \"";
    let new = NewRun { parameters: json!({odd: ["\0", odd, i64::MIN, 0.1]}), ..new_run(odd, "fraud", 0) };
    metadata.start_run(&new).await.expect("it starts");
    let error = format!("{odd}\0{}", "x".repeat(200_000));
    let end =
        RunEnd { outcome: RunOutcome::Failed, finished_at: at(1), error: Some(error.clone()), report: Some(json!(["\0", odd])) };
    metadata.finish_run(odd, &end).await.expect("it finishes");
    let started = Instant::now();
    let kept = metadata.run(odd).await.expect("it reads").expect("a run");
    assert!(started.elapsed().as_secs() < 5);
    assert_eq!((kept.run.as_str(), kept.parameters, kept.report), (odd, new.parameters, end.report));
    // A NUL cannot be kept by every database; the rest of the message must not be lost with it.
    assert_eq!(kept.error, Some(error.replace('\0', "\u{fffd}")));
}

pub async fn a_row_changed_by_hand_is_an_error_that_names_it(home: &Home) {
    let metadata = home.open().await;
    metadata.start_run(&new_run("first", "fraud", 0)).await.expect("it starts");
    home.tamper("update runs set trigger = 'whim'").await;
    let error = metadata.run("first").await.expect_err("there is no such trigger");
    let text = error.to_string();
    assert!(text.contains("`trigger` of runs cannot be read: `whim` is none of manual, schedule, api"), "{text}");
}

pub async fn old_runs_are_forgotten_with_all_that_is_known_of_them(home: &Home) {
    let metadata = home.open().await;
    for number in 0..250 {
        let name = format!("run-{number}");
        metadata.start_run(&new_run(&name, "fraud", number)).await.expect("it starts");
        metadata.append_events(&[new_event("run.started", Some(&name))]).await.expect("it is told");
        metadata.record_step(&step(&name)).await.expect("it is recorded");
        if number != 3 {
            metadata.finish_run(&name, &succeeded(number + 1)).await.expect("it ends");
        }
    }
    metadata.start_run(&new_run("other", "network", 0)).await.expect("it starts");
    assert_eq!(metadata.forget_runs(&domain("fraud"), at(240)).await.expect("it forgets"), 239);
    let filter = RunFilter { domain: Some(domain("fraud")), status: None, before: None, limit: 1_000 };
    let left: Vec<String> = metadata.runs(&filter).await.expect("it reads").into_iter().map(|run| run.run).collect();
    assert_eq!((left.len(), left[10].as_str()), (11, "run-3"), "a run that has not ended is kept");
    assert_eq!(metadata.steps("run-5").await.expect("it reads"), []);
    assert_eq!(metadata.forget_runs(&domain("fraud"), at(240)).await.expect("it forgets"), 0);
    assert!(metadata.run("other").await.expect("it reads").is_some());
}
