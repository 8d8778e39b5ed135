//! Nested-loop joins do not spill.
//!
//! When the side that such a join holds does not fit, DataFusion runs that side's plan a second time. A repartition cannot be run
//! twice, so the query panics; and for left, semi and anti joins over several partitions, rows come out that are wrong
//! (<https://github.com/apache/datafusion/issues/24661>, <https://github.com/apache/datafusion/issues/22641>). It does so when the
//! memory that the join asks for is refused as exhausted. So here it is refused in another way, and the query fails instead, for lack
//! of memory.

use std::{fmt, sync::Arc};

use datafusion::{
    error::{DataFusionError, Result},
    execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation},
};

/// How the operator calls what it holds.
const NESTED_LOOP_JOIN: &str = "NestedLoopJoinLoad";

/// The side of a nested-loop join that has to be held does not fit into the memory.
#[derive(Debug, thiserror::Error)]
#[error("a join without an equality has to hold more rows than fit into the memory")]
pub(crate) struct JoinTooLarge;

impl JoinTooLarge {
    /// Is it why a query failed?
    pub fn is_in(error: &DataFusionError) -> bool {
        matches!(error, DataFusionError::External(error) if error.is::<Self>())
    }
}

/// A pool that refuses nested-loop joins for good.
#[derive(Debug)]
pub(crate) struct Unspilled(pub Arc<dyn MemoryPool>);

impl fmt::Display for Unspilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl MemoryPool for Unspilled {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.0.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.0.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.0.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.0.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.0.try_grow(reservation, additional).map_err(|error| match error {
            DataFusionError::ResourcesExhausted(_) if reservation.consumer().name().starts_with(NESTED_LOOP_JOIN) => {
                DataFusionError::External(Box::new(JoinTooLarge))
            }
            other => other,
        })
    }

    fn reserved(&self) -> usize {
        self.0.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.0.memory_limit()
    }
}

#[cfg(test)]
mod tests {
    use arrow::{
        array::{ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray},
        datatypes::Int64Type,
    };
    use datafusion::{
        datasource::MemTable,
        execution::{memory_pool::GreedyMemoryPool, runtime_env::RuntimeEnvBuilder},
        prelude::{SessionConfig, SessionContext},
    };

    use super::*;

    /// 200 rows of 4 kB.
    fn wide() -> RecordBatch {
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..200));
        let texts: ArrayRef = Arc::new(StringArray::from_iter_values((0..200).map(|n| format!("{n:04000}"))));
        RecordBatch::try_from_iter([("n", numbers), ("text", texts)]).expect("a batch")
    }

    /// What a join gives whose left side is held, beside a right side in two partitions.
    async fn ask(sql: &str, bytes: usize) -> Result<i64> {
        let pool = Unspilled(Arc::new(GreedyMemoryPool::new(bytes)));
        let runtime = RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).build_arc()?;
        let mut config = SessionConfig::new().with_target_partitions(2);
        config.options_mut().optimizer.join_reordering = false;
        let context = SessionContext::new_with_config_rt(config, runtime);
        let (rows, schema) = (wide(), wide().schema());
        let halves = vec![vec![rows.slice(0, 100)], vec![rows.slice(100, 100)]];
        context.register_table("held", Arc::new(MemTable::try_new(schema.clone(), vec![vec![rows]])?))?;
        context.register_table("halves", Arc::new(MemTable::try_new(schema, halves)?))?;
        let rows = context.sql(sql).await?.collect().await?;
        Ok(rows[0].column(0).as_primitive::<Int64Type>().value(0))
    }

    #[tokio::test]
    async fn a_join_that_does_not_fit_fails_and_never_gives_other_rows() {
        // Held from one partition, and gathered from two.
        for held in ["held", "halves"] {
            for join in ["join", "left join", "left semi join", "left anti join", "full join"] {
                let sql = format!("select sum(a.n) + count(a.text) from {held} a {join} halves b on a.n > b.n + 190");
                ask(&sql, 64 << 20).await.expect("it fits");
                let failed = ask(&sql, 400 << 10).await.expect_err(&sql);
                assert!(JoinTooLarge::is_in(failed.find_root()), "{sql}: {failed}");
            }
        }
    }
}
