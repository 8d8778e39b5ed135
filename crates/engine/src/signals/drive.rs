//! Driving the kernel: batches in, batches with signals out, on a thread of its own with one more per entity.

use std::error::Error;

use arrow::{
    array::{ArrayRef, RecordBatch},
    datatypes::SchemaRef,
};
use futures::{StreamExt as _, stream};
use lakehouse_lake::{LakeError, QueryStream};
use lakehouse_signals::{EventError, Kernel, OutputKind, Plan, Snapshot};
use lakehouse_spec::SignalsSpec;
use tokio::sync::mpsc;

use super::columns::{OwnedEvents, output_column};
use crate::checks::RowStream;

type BoxError = Box<dyn Error + Send + Sync>;

/// Batches that may wait before and after the kernel.
const CHANNEL_DEPTH: usize = 4;

/// Starts the kernel on `rows`, which are in order of time. Gives its table's rows, and a future of its final state to be awaited
/// when those rows have ended.
pub(super) fn drive(
    plan: Plan,
    spec: &SignalsSpec,
    schema: SchemaRef,
    mut rows: QueryStream,
) -> (RowStream, impl Future<Output = Result<Vec<u8>, BoxError>>) {
    let (feed, batches) = mpsc::channel::<Result<RecordBatch, LakeError>>(CHANNEL_DEPTH);
    let (results, output) = mpsc::channel::<Result<RecordBatch, LakeError>>(CHANNEL_DEPTH);
    tokio::spawn(async move {
        while let Some(batch) = rows.next().await {
            if feed.send(batch).await.is_err() {
                return;
            }
        }
    });
    let spec = spec.clone();
    let kernel = tokio::task::spawn_blocking(move || run(plan, &spec, &schema, batches, &results));
    let stream = stream::unfold(output, |mut output| async move { output.recv().await.map(|item| (item, output)) });
    let state = async move {
        match kernel.await {
            Ok(state) => state,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    };
    (stream.boxed(), state)
}

fn run(
    plan: Plan,
    spec: &SignalsSpec,
    schema: &SchemaRef,
    mut batches: mpsc::Receiver<Result<RecordBatch, LakeError>>,
    results: &mpsc::Sender<Result<RecordBatch, LakeError>>,
) -> Result<Vec<u8>, BoxError> {
    let kinds: Vec<OutputKind> = plan.outputs().map(|output| output.kind).collect();
    let carried = 2 + spec.carry.len();
    let mut kernel = Kernel::new(&plan);
    while let Some(batch) = batches.blocking_recv() {
        let made = match batch {
            Ok(batch) => observe(&mut kernel, &plan, &kinds, carried, schema, &batch)?,
            Err(error) => {
                // The reader of `results` fails with it; this thread has nothing more to do.
                let _ = results.blocking_send(Err(error));
                return Err("the events could not be read".into());
            }
        };
        if results.blocking_send(Ok(made)).is_err() {
            return Err("the signals could not be stored".into());
        }
    }
    let mut state = Vec::new();
    Snapshot::write(spec, &kernel, &mut state)?;
    Ok(state)
}

fn observe(
    kernel: &mut Kernel,
    plan: &Plan,
    kinds: &[OutputKind],
    carried: usize,
    schema: &SchemaRef,
    batch: &RecordBatch,
) -> Result<RecordBatch, BoxError> {
    let events = OwnedEvents::read(batch, plan.inputs())?;
    let signals = observe_in_parallel(kernel, &events)?;
    let mut columns: Vec<ArrayRef> = batch.columns()[..carried].to_vec();
    columns.extend(signals.iter().zip(kinds).map(|(values, kind)| output_column(*kind, values)));
    Ok(RecordBatch::try_new(schema.clone(), columns)?)
}

/// Entities share nothing, so each observes the batch on its own thread.
fn observe_in_parallel(kernel: &mut Kernel, events: &OwnedEvents) -> Result<Vec<Vec<f64>>, EventError> {
    let per_entity = std::thread::scope(|scope| {
        let tasks: Vec<_> = kernel
            .entities_mut()
            .iter_mut()
            .map(|entity| {
                scope.spawn(move || {
                    let mut signals = vec![Vec::new(); entity.plan().outputs().len()];
                    events.with_columns(|columns| entity.observe_batch(columns, &mut signals)).map(|()| signals)
                })
            })
            .collect();
        let join =
            |task: std::thread::ScopedJoinHandle<'_, _>| task.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        tasks.into_iter().map(join).collect::<Result<Vec<Vec<Vec<f64>>>, EventError>>()
    })?;
    Ok(per_entity.into_iter().flatten().collect())
}
