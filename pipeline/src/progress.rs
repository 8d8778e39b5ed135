//! What a run tells while it runs.

use std::sync::Arc;

use lakehouse_engine::OnRows;
use lakehouse_spec::TableName;

/// Something that happened in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A stage starts.
    StageStarted {
        /// Its name.
        stage: &'static str,
    },
    /// Rows went towards a table.
    Rows {
        /// The table.
        table: TableName,
        /// How many more.
        rows: u64,
    },
    /// A step is done.
    StepDone {
        /// The table or model.
        name: String,
        /// What was done, in words.
        outcome: String,
        /// Wall time, seconds.
        seconds: f64,
    },
    /// A stage is done.
    StageDone {
        /// Its name.
        stage: &'static str,
        /// Wall time, seconds.
        seconds: f64,
    },
}

/// Whoever wants to hear of events. Cheap to clone.
#[derive(Clone)]
pub struct Progress(Arc<dyn Fn(Event) + Send + Sync>);

impl Progress {
    /// Calls `listener` on every event, on whatever thread it happens.
    pub fn new(listener: impl Fn(Event) + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }

    /// Tells nobody.
    pub fn silent() -> Self {
        Self::new(|_| {})
    }

    /// Tells an event.
    pub fn tell(&self, event: Event) {
        (self.0)(event);
    }

    pub(crate) fn on_rows(&self, table: &TableName) -> OnRows {
        let (progress, table) = (self.clone(), table.clone());
        OnRows::new(move |rows| progress.rows(&table, rows))
    }

    pub(crate) fn rows(&self, table: &TableName, rows: u64) {
        self.tell(Event::Rows { table: table.clone(), rows });
    }
}
