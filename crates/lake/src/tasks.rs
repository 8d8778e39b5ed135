//! Waiting for tasks that write.

use tokio::task::JoinSet;

/// Waits for every task, even after a failure, and gives all results or the first failure. A writer that is cut off in the middle
/// of a file could not clean up after itself, so no task is ever left behind.
pub async fn join_all<T: 'static, E: 'static>(mut tasks: JoinSet<Result<T, E>>) -> Result<Vec<T>, E> {
    let mut results = Vec::with_capacity(tasks.len());
    let mut failure = None;
    while let Some(joined) = tasks.join_next().await {
        match joined {
            Ok(Ok(result)) => results.push(result),
            Ok(Err(error)) => failure = failure.or(Some(error)),
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            // Tasks are only cancelled when the whole runtime goes, and then nobody is waiting here.
            Err(_) => {}
        }
    }
    failure.map_or(Ok(results), Err)
}
