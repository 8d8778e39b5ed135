//! Appending the rows of selects with windows over time.
//!
//! A window of a new row reaches back to rows that were there before. So the select sees the new rows and those before them, as
//! far back as its longest window, and of its result the rows since the first new one are kept. That is what a rebuild would
//! give as long as every new row is later than every old one; when one is not, the table is rebuilt. The latest time so far is
//! kept in the table's own log, so that an append reads no more than new rows and their past.

use datafusion::{
    common::{Column, ScalarValue},
    logical_expr::{Expr, col, lit},
};
use futures::TryStreamExt as _;
use lakehouse_lake::{LakeError, LakeTable};
use lakehouse_spec::{ColumnName, Lookback, WriteMode};

use arrow::{array::AsArray as _, datatypes::Int64Type};

use crate::{Decision, TableJob, job::Prepared};

/// The count of a note that is the latest time of the input, in microseconds since 1970.
const LATEST: &str = "latest_time_us";

/// Registers what the select is to see, and gives the condition that rows of the result must meet to be appended.
pub(crate) async fn prepare(
    job: TableJob<'_>,
    prepared: &mut Prepared,
    write: &WriteMode,
    lookback: &Lookback,
    new: Option<LakeTable>,
) -> Result<Option<Expr>, LakeError> {
    let WriteMode::Append { from, .. } = write else { return Ok(None) };
    let Some(now) = prepared.inputs.iter().find(|input| input.name == *from).cloned() else { return Ok(None) };
    let known = prepared.last.as_ref().and_then(|note| note.counts.get(LATEST)).and_then(|time| i64::try_from(*time).ok());
    let mut begins = None;
    if let Some(new) = new {
        let times = times(job, new.clone(), &lookback.time).await?;
        match (known, times) {
            (Some(known), Some((first, latest))) if first > known => begins = Some((first, latest)),
            // Nothing came: the select of nothing is appended.
            (Some(known), None) => begins = Some((i64::MAX, known)),
            _ => prepared.decision = Decision::Rebuild { reason: format!("rows of {from} came late") },
        }
    }
    let Some((first, latest)) = begins else {
        remember(prepared, times(job, now, &lookback.time).await?.map(|(_, latest)| latest));
        return Ok(None);
    };
    prepared.session.register_since(now, &lookback.time, first.saturating_sub(lookback.span.micros()))?;
    remember(prepared, Some(latest));
    Ok(Some(col(Column::from_name(lookback.time.as_str())).gt_eq(lit(instant(first)))))
}

fn instant(micros: i64) -> ScalarValue {
    ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()))
}

fn remember(prepared: &mut Prepared, latest: Option<i64>) {
    if let Some(latest) = latest.and_then(|latest| u64::try_from(latest).ok()) {
        prepared.note.counts.insert(LATEST.to_owned(), latest);
    }
}

/// The earliest and the latest time of a table's rows, in microseconds since 1970.
async fn times(job: TableJob<'_>, table: LakeTable, time: &ColumnName) -> Result<Option<(i64, i64)>, LakeError> {
    let session = job.lake.session(job.domain);
    let name = table.name.clone();
    session.register(table)?;
    let ends = format!("select cast(min(\"{time}\") as bigint), cast(max(\"{time}\") as bigint) from {name}");
    let batches: Vec<_> = session.query(&ends).await?.try_collect().await?;
    let ends = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let end = |column: usize| batch.column(column).as_primitive_opt::<Int64Type>()?.iter().next()?;
        Some((end(0)?, end(1)?))
    });
    Ok(ends)
}
