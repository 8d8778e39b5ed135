//! Driving the kernel: batches in, batches with signals out, on a thread of its own with one more per entity.

use std::error::Error;

use arrow::{
    array::{ArrayRef, RecordBatch},
    compute::concat_batches,
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

/// Rows the kernel takes at a time: it groups them by key, and the more rows of a key come together the less it costs.
const KERNEL_ROWS: usize = 1 << 17;
/// Batches that may wait before and after the kernel.
const CHANNEL_DEPTH: usize = 1;

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
        let mut waiting = Waiting::default();
        while let Some(batch) = rows.next().await {
            let ready = match batch {
                Ok(batch) => waiting.add(batch),
                Err(error) => Some(Err(error)),
            };
            if let Some(ready) = ready
                && feed.send(ready).await.is_err()
            {
                return;
            }
        }
        if let Some(rest) = waiting.take() {
            // A kernel that has stopped tells why itself.
            let _ = feed.send(rest).await;
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

/// Batches on their way to becoming one of [`KERNEL_ROWS`].
#[derive(Default)]
struct Waiting {
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Waiting {
    fn add(&mut self, batch: RecordBatch) -> Option<Result<RecordBatch, LakeError>> {
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if self.rows >= KERNEL_ROWS { self.take() } else { None }
    }

    fn take(&mut self) -> Option<Result<RecordBatch, LakeError>> {
        let batches = std::mem::take(&mut self.batches);
        self.rows = 0;
        let whole = concat_batches(&batches.first()?.schema(), &batches);
        Some(whole.map_err(|error| LakeError::Execute { source: Box::new(error.into()) }))
    }
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
