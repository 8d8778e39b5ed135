//! Questions of clients of PostgreSQL: the same way as those over HTTP, with rows in another form.

use std::time::Duration;

use arrow::datatypes::DataType;
use lakehouse_lake::{At, BoundValues, Description};
use lakehouse_service::Problem;
use lakehouse_spec::DomainName;
use lakehouse_wire::{Kind, RowWriter};

use super::{
    Format, Planned, Queries, QueryId, Streamed, plan,
    request::{self, Job},
};
use crate::principal::Principal;

/// A question.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// One statement.
    pub sql: String,
    /// Values for `$1`, `$2` ….
    pub values: BoundValues,
    /// The domain whose tables need no prefix.
    pub domain: DomainName,
    /// Tables as they were.
    pub at: Option<At>,
    /// How long it may take; the service's own limit holds in any case.
    pub time: Option<Duration>,
    /// Who asks, for `current_user`.
    pub user: String,
}

impl Planned {
    /// The columns, as a client of PostgreSQL sees them.
    pub(crate) fn kinds(&self) -> Vec<(String, Kind)> {
        let schema = self.query.schema();
        schema.fields().iter().map(|field| (field.name().clone(), Kind::of(field.data_type()))).collect()
    }
}

impl Queries {
    /// Tells the shape of a question, in its turn.
    pub(crate) async fn describe(
        &self,
        question: Question,
        declared: Vec<Option<DataType>>,
        principal: &Principal,
    ) -> Result<Description, Problem> {
        let job = self.job(question)?;
        let (catalog, memory, time, asker) = (self.catalog.clone(), self.limits.memory, job.time, principal.clone());
        let turn = self.turns.take().await?;
        let described = async move {
            let _turn = turn;
            plan::describe(plan::pin(&catalog, memory, &asker, job).await?, &declared).await
        };
        self.within(time, described).await
    }

    /// Plans a question in its turn.
    pub(crate) async fn plan_question(&self, question: Question, principal: &Principal) -> Result<Box<Planned>, Problem> {
        let job = self.job(question)?;
        let (catalog, memory, time, asker) = (self.catalog.clone(), self.limits.memory, job.time, principal.clone());
        let pinned = self.within(time, async move { plan::pin(&catalog, memory, &asker, job).await }).await?;
        let turn = self.turns.take().await?;
        Ok(Box::new(self.within(time, plan::plan(pinned, turn)).await?))
    }

    /// Runs what was planned, with rows as `writer` writes them. The first piece is there when this returns.
    pub(crate) async fn run_rows(&self, mut planned: Planned, writer: RowWriter) -> Result<(QueryId, Streamed), Problem> {
        planned.writer = Some(writer);
        self.run(planned).await
    }

    fn job(&self, question: Question) -> Result<Job, Problem> {
        request::check_length(&question.sql)?;
        let Question { sql, values, domain, at, time, user } = question;
        Ok(Job {
            sql,
            values,
            domain,
            at,
            // Streamed: so many rows may come.
            format: Format::Arrow,
            limit: self.limits.streamed_rows,
            time: time.unwrap_or(Duration::MAX).min(self.limits.time),
            postgres_user: Some(user),
        })
    }
}
