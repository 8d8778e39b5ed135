//! Going on with a run that ended early, where it ended.

use lakehouse_metadata::{Metadata, RunRecord, RunStatus, StepStatus};

use crate::{Resumed, RunError, RunJob};

/// The last run of the job's domain, if it ended early and was asked for the same: what it had done is not done again. Source files
/// that came since are left to the next run.
pub async fn resumable(job: &RunJob, metadata: &Metadata) -> Result<Resumed, RunError> {
    let domain = &job.domain.name;
    let nothing = |reason: String| Err(RunError::NothingToResume(reason));
    let Some(last) = metadata.last_run(domain).await? else {
        return nothing(format!("`{domain}` has not run yet: there is nothing to go on with"));
    };
    if last.status == RunStatus::Succeeded {
        return nothing(format!("the last run, {}, succeeded: there is nothing to go on with", last.run));
    }
    if let Some(difference) = difference(job, &last) {
        return nothing(format!("the last run, {}, {difference}; start a new one, or ask for the same", last.run));
    }
    let steps = metadata.steps(&last.run).await?;
    let is_done = |status| matches!(status, StepStatus::Succeeded | StepStatus::Skipped);
    let done = steps.into_iter().filter(|step| is_done(step.status)).map(|step| (step.stage, step.step)).collect();
    Ok(Resumed { run: last.run, done })
}

fn difference(job: &RunJob, last: &RunRecord) -> Option<String> {
    let was = |parameter: &str| last.parameters[parameter].as_str().unwrap_or_default().to_owned();
    let (sources, lake) = (job.sources.to_string(), job.lake.location().to_string());
    if was("lake") != lake {
        return Some(format!("was of the lake {}", was("lake")));
    }
    if was("sources") != sources {
        return Some(format!("read its sources from {}", was("sources")));
    }
    let skipped = last.parameters["skip_training"].as_bool().unwrap_or_default();
    (skipped != job.skip_training).then(|| format!("was asked {} to train", if skipped { "not" } else { "also" }))
}
