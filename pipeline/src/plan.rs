//! What a run would do, and why, without doing it.

use std::collections::BTreeSet;

use lakehouse_engine::{Decision, InputVersions, decide, definition_hash};
use lakehouse_spec::{TableName, WriteMode};
use serde::Serialize;
use serde_json::json;

use crate::{RunError, RunJob, ingestion, publish::PUBLISHING};

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanLine {
    /// The stage.
    pub stage: &'static str,
    /// The table or model.
    pub name: String,
    /// Will it do anything?
    pub runs: bool,
    /// What, and why.
    pub reason: String,
}

/// Plans a run. Reads the sources' content hashes and the tables' logs; writes nothing.
pub async fn plan(job: &RunJob) -> Result<Vec<PlanLine>, RunError> {
    let mut lines = Vec::new();
    let mut changing: BTreeSet<TableName> = BTreeSet::new();
    let folder = job.sources.folder().await?;
    for source in ingestion::plan(&job.places(&folder), &job.domain).await? {
        if source.changes {
            changing.insert(source.table.clone());
        }
        lines.push(PlanLine {
            stage: "ingestion",
            name: source.table.to_string(),
            runs: source.changes,
            reason: source.contents.join("; "),
        });
    }
    let selects = |models: &std::collections::BTreeMap<TableName, (lakehouse_spec::StageModel, String)>| {
        models
            .iter()
            .map(|(table, (model, sql))| (table.clone(), sql.clone(), definition_hash(sql, &json!(model)), model.write.clone()))
            .collect::<Vec<_>>()
    };
    let signals = job
        .domain
        .signals
        .iter()
        .map(|(table, (spec, sql))| (table.clone(), sql.clone(), definition_hash(sql, &json!(spec)), WriteMode::Overwrite));
    let stages = [
        ("preprocessing", selects(&job.domain.preprocessing)),
        ("signals", signals.collect()),
        ("signals", selects(&job.domain.signal_selects)),
        ("datamarts", selects(&job.domain.datamarts)),
    ];
    for (stage, tables) in stages {
        for (table, sql, definition, write) in tables {
            let line = plan_table(job, stage, &table, &sql, &definition, &write, &changing).await?;
            if line.runs {
                changing.insert(table);
            }
            lines.push(line);
        }
    }
    if let Some(target) = &job.publish {
        let runs = job.domain.datamarts.keys().any(|mart| changing.contains(mart));
        let reason = "what has changed since it was published last".to_owned();
        lines.push(PlanLine { stage: PUBLISHING, name: target.schema.clone(), runs, reason });
    }
    if !job.skip_training {
        for (model, (_, sql)) in &job.domain.training {
            let changed = changed_inputs(job, sql, &changing)?;
            let reason =
                if changed.is_empty() { "trains if its definition changed".to_owned() } else { format!("changes: {changed}") };
            lines.push(PlanLine { stage: "training", name: model.to_string(), runs: !changed.is_empty(), reason });
        }
    }
    Ok(lines)
}

async fn plan_table(
    job: &RunJob,
    stage: &'static str,
    table: &TableName,
    sql: &str,
    definition: &str,
    write: &WriteMode,
    changing: &BTreeSet<TableName>,
) -> Result<PlanLine, RunError> {
    let line = |runs, reason| PlanLine { stage, name: table.to_string(), runs, reason };
    let changed = changed_inputs(job, sql, changing)?;
    if !changed.is_empty() {
        return Ok(line(true, format!("changes: {changed}")));
    }
    let mut versions = InputVersions::new();
    for (domain, input) in job.lake.session(&job.domain.name).references(sql)? {
        if let Some(found) = job.lake.table(&domain, &input).await? {
            versions.insert(input, found.data_version);
        }
    }
    let present = job.lake.table(&job.domain.name, table).await?;
    let decision = decide(present.as_ref().and_then(|table| table.note.as_ref()), definition, &versions, write);
    Ok(line(decision != Decision::Skip, decision.to_string()))
}

/// The inputs that this run would change, comma-joined.
fn changed_inputs(job: &RunJob, sql: &str, changing: &BTreeSet<TableName>) -> Result<String, RunError> {
    let references = job.lake.session(&job.domain.name).references(sql)?;
    let changed: Vec<String> =
        references.iter().filter(|(_, input)| changing.contains(input)).map(|(_, input)| input.to_string()).collect();
    Ok(changed.join(", "))
}
