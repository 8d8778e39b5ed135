//! The stages that make tables from tables.

use std::{collections::BTreeMap, sync::Arc};

use arrow::json::LineDelimitedWriter;
use futures::{FutureExt as _, TryStreamExt as _};
use lakehouse_engine::{Node, OnRows, StepReport, TableJob, order, run_select, run_signals};
use lakehouse_lake::{LakeError, join_all};
use lakehouse_spec::{StageModel, TableName};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{Event, RunError, RunJob, StepDone, StepKind, attempts::Step, context::RunContext, training::publish_state};

/// Tables of a stage that are made at the same time. One query keeps every core busy; the second fills the pauses in which the
/// first plans and commits, and more of them would only cut each one's share of the memory.
const TABLES_AT_ONCE: usize = 2;

impl RunContext {
    /// Makes the tables of a stage, level by level; the tables of a level at the same time.
    pub(crate) async fn make_selects(
        &self,
        stage: &'static str,
        models: &BTreeMap<TableName, (StageModel, String)>,
    ) -> Result<Vec<StepReport>, RunError> {
        let mut reports = Vec::new();
        let turns = Arc::new(Semaphore::new(TABLES_AT_ONCE));
        for level in order(nodes(&self.job, models)?)? {
            let mut tasks = JoinSet::new();
            for node in level {
                let step = Step { stage, name: node.table.to_string(), kind: StepKind::Table };
                if self.was_done(&step) {
                    continue;
                }
                let (context, turns) = (self.clone(), turns.clone());
                let (model, sql) = models[&node.table].clone();
                tasks.spawn(async move {
                    // The semaphore is never closed; without a turn the table is made all the same.
                    let _turn = turns.acquire_owned().await;
                    context.make_select(&step, &node.table, &model, &sql).await
                });
            }
            let mut made = join_all(tasks).await?;
            made.sort_by(|a, b| a.table.cmp(&b.table));
            reports.extend(made);
        }
        Ok(reports)
    }

    async fn make_select(&self, step: &Step, table: &TableName, model: &StageModel, sql: &str) -> Result<StepReport, RunError> {
        self.guard.check()?;
        let on_rows = self.progress.on_rows(table);
        let (report, attempt) = self
            .attempt(step, |stop| {
                let on_rows = &on_rows;
                let making = async move { Ok(run_select(self.table_job(table, sql, on_rows, &stop), model).await?) };
                making.boxed()
            })
            .await?;
        if model.online {
            self.hand_over(table).await?;
        }
        self.tell_table(step, &report, attempt);
        Ok(report)
    }

    /// Hands a table's rows to the services. Every time: a run that was killed between the commit and this is made good, and
    /// rows that have not changed are the state that is there.
    async fn hand_over(&self, table: &TableName) -> Result<(), RunError> {
        let rows = rows_as_json(&self.job, table).await?;
        Ok(publish_state(&self.job, table, rows).await?)
    }

    /// Makes the signals tables one after the other: each one's kernel uses all cores.
    pub(crate) async fn make_signals(&self, stage: &'static str) -> Result<Vec<StepReport>, RunError> {
        let mut reports = Vec::new();
        for (table, (spec, sql)) in &self.job.domain.signals {
            let step = Step { stage, name: table.to_string(), kind: StepKind::Table };
            if self.was_done(&step) {
                continue;
            }
            self.guard.check()?;
            let on_rows = self.progress.on_rows(table);
            let (report, attempt) = self
                .attempt(&step, |stop| {
                    let on_rows = &on_rows;
                    let publish = move |state| async move { Ok(publish_state(&self.job, table, state).await?) };
                    let making = async move { run_signals(self.table_job(table, sql, on_rows, &stop), spec, publish).await };
                    making.boxed()
                })
                .await?;
            self.tell_table(&step, &report, attempt);
            reports.push(report);
        }
        Ok(reports)
    }

    fn table_job<'a>(
        &'a self,
        table: &'a TableName,
        sql: &'a str,
        on_rows: &'a OnRows,
        stop: &'a CancellationToken,
    ) -> TableJob<'a> {
        TableJob { lake: &self.job.lake, domain: &self.job.domain.name, table, sql, run: &self.run, on_rows, stop }
    }

    fn tell_table(&self, step: &Step, report: &StepReport, attempt: u32) {
        for (check, rows) in &report.broken {
            self.progress.tell(Event::CheckFailed { table: report.table.clone(), check: check.clone(), rows: *rows });
        }
        self.progress.tell(Event::StepDone(StepDone {
            stage: step.stage,
            step: step.name.clone(),
            kind: step.kind,
            outcome: format!("{} rows ({})", report.rows, report.decision),
            is_new: report.is_new,
            attempt,
            rows: report.rows,
            bytes: report.bytes,
            version: Some(report.version),
            seconds: report.seconds,
        }));
    }
}

/// A table's rows in the order of their text, one JSON object a line.
async fn rows_as_json(job: &RunJob, table: &TableName) -> Result<Vec<u8>, RunError> {
    let session = job.lake.session(&job.domain.name);
    let select = format!("select * from {table}");
    session.register_references(&job.lake, &select).await?;
    let mut rows = session.query(&select).await?;
    let mut lines = LineDelimitedWriter::new(Vec::new());
    while let Some(batch) = rows.try_next().await? {
        lines.write(&batch).map_err(|source| LakeError::Execute { source: Box::new(source.into()) })?;
    }
    let text = String::from_utf8_lossy(&lines.into_inner()).into_owned();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    Ok(lines.join("\n").into_bytes())
}

fn nodes(job: &RunJob, models: &BTreeMap<TableName, (StageModel, String)>) -> Result<Vec<Node>, RunError> {
    let session = job.lake.session(&job.domain.name);
    let node = |(table, (_, sql)): (&TableName, &(StageModel, String))| {
        let inputs = session.references(sql)?.into_iter().map(|(_, input)| input).collect();
        Ok(Node { table: table.clone(), inputs })
    };
    models.iter().map(node).collect()
}
