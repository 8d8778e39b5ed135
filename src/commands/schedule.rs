//! `lakehouse schedule`: runs a domain whenever its schedule says so.

use std::process::ExitCode;

use anyhow::Context as _;
use lakehouse_metadata::{Metadata, RunFilter};
use lakehouse_pipeline::{Alerts, CareOptions, keep_schedule};
use lakehouse_service::{Service, serve};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use super::{Context, progress, stop_between_steps};
use crate::cli::RunArgs;

/// Keeps the schedule until Ctrl-C, which lets the step that is under way finish.
pub async fn run(context: &Context<'_>, arguments: RunArgs) -> anyhow::Result<ExitCode> {
    let job = context.job(&arguments)?;
    let metadata = context.metadata().await?;
    let alerts = Alerts::start(&context.settings.alerts)?;
    let stop = stop_between_steps()?;
    let monitor = monitor(context, &metadata, &stop).await?;
    let (progress, display) = progress::display(arguments.json);
    let care = CareOptions::new(&context.settings.care);
    let outcome = keep_schedule(&job, care, &metadata, &stop, &alerts, &progress).await;
    stop.cancel();
    drop(progress);
    alerts.finish().await;
    monitor.await?;
    metadata.close().await;
    display.finish();
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
