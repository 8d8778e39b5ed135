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
