//! The threads of queries, apart from those that serve: an expression that takes long on one batch keeps nobody else waiting.

use std::io;

use lakehouse_service::Problem;
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinError, JoinHandle},
};
use tokio_util::task::AbortOnDropHandle;

use crate::query::stopped;

/// A plan as deep as a query may be needs more stack than a thread has by default; what is not used is not taken.
const STACK_BYTES: usize = 64 << 20;

/// Threads that run queries.
pub(super) struct Workers(Option<Runtime>);

impl Workers {
    pub(super) fn start(threads: usize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name("query").thread_stack_size(STACK_BYTES).enable_all();
        builder.build().map(|runtime| Self(Some(runtime)))
    }

    /// Runs `work` there to its end; dropped, it ends it.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Problem> {
        AbortOnDropHandle::new(self.spawn(work)).await.map_err(broken)
    }

    pub(super) fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        match &self.0 {
            Some(runtime) => runtime.spawn(work),
            // Only while it is dropped.
            None => tokio::spawn(work),
        }
    }
}

/// The engine fell over a query, which it would do again; or somebody stopped it.
pub(super) fn broken(error: JoinError) -> Problem {
    if error.is_panic() {
        tracing::error!(%error, "the engine fell over a query");
        let detail = "the engine cannot run this query; write it in another way";
        Problem::unprocessable(detail).with_code("unsupported_query")
    } else {
        stopped()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
