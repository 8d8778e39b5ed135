//! `lakehouse schedule`: runs domains whenever their schedules say so.

use std::process::ExitCode;

use anyhow::Context as _;
use lakehouse_metadata::{Metadata, RunFilter};
use lakehouse_pipeline::{Alerts, CareOptions, Progress, RunJob, keep_schedule, log_event};
use lakehouse_service::{Service, serve};
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{Context, stop_between_steps};
use crate::cli::{RunArgs, ScheduleArgs};

/// Keeps the schedules until Ctrl-C, which lets the steps that are under way finish. What happens is in the log.
pub async fn run(context: &Context<'_>, arguments: ScheduleArgs) -> anyhow::Result<ExitCode> {
    let ScheduleArgs { names, sources, skip_training } = arguments;
    let job =
        |domain| context.job(&RunArgs { domain, sources: sources.clone(), skip_training, from: None, to: None, json: false });
    let jobs = names.into_iter().map(job).collect::<anyhow::Result<Vec<RunJob>>>()?;
    let metadata = context.metadata().await?;
    let stop = stop_between_steps()?;
    let monitor = monitor(context, &metadata, &stop).await?;
    let care = CareOptions::new(&context.settings.care);
    let mut keepers = JoinSet::new();
    for job in jobs {
        let alerts = Alerts::start(&context.settings.alerts)?;
        let (metadata, stop) = (metadata.clone(), stop.clone());
        keepers.spawn(async move {
            let domain = job.domain.name.to_string();
            let progress = Progress::new(move |event| log_event(&domain, &event));
            let outcome = keep_schedule(&job, care, &metadata, &stop, &alerts, &progress).await;
            alerts.finish().await;
            // One that cannot be kept is a mistake in a domain's folder: better none than some without a word.
            stop.cancel();
            outcome
        });
    }
    let mut outcome = Ok(());
    while let Some(kept) = keepers.join_next().await {
        outcome = outcome.and(kept.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic())));
    }
    monitor.await?;
    metadata.close().await;
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// Serves metrics and health until `stop`.
async fn monitor(context: &Context<'_>, metadata: &Metadata, stop: &CancellationToken) -> anyhow::Result<JoinHandle<()>> {
    let limits = &context.settings.limits;
    let asked = metadata.clone();
    let service = Service::new("lakehouse-scheduler", env!("CARGO_PKG_VERSION"), limits).ready_when("metadata", move || {
        let metadata = asked.clone();
        async move {
            let filter = RunFilter { domain: None, status: None, before: None, limit: 1 };
            metadata.runs(&filter).await.map(|_| ()).map_err(Into::into)
        }
    });
    let address = context.settings.scheduler.socket();
    let listener = TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))?;
    tracing::info!(address = %listener.local_addr()?, "metrics and health of the scheduler");
    Ok(tokio::spawn(serve(listener, service.build(), stop.clone(), limits.drain_timeout())))
}
