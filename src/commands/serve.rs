//! `lakehouse serve`: the services in one process, until Ctrl-C.

use std::process::ExitCode;

use anyhow::Context as _;
use lakehouse_service::stop_on_signal;
use lakehouse_settings::Settings;
use lakehouse_spec::{Domain, builtin_domains};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{Context, smoke::PURCHASE};
use crate::{
    cli::{ServeArgs, Which},
    output::line,
};

/// Serves. If one service fails, the others are stopped and the failure is the outcome.
pub async fn run(context: &Context<'_>, arguments: ServeArgs) -> anyhow::Result<ExitCode> {
    let domains = domains(context)?;
    let stop = stop_on_signal()?;
    let mut services: JoinSet<anyhow::Result<()>> = JoinSet::new();
    let is_wanted = |which| arguments.which == Which::All || arguments.which == which;
    if is_wanted(Which::Api) {
        let (settings, domains, stop) = (context.settings.clone(), domains.clone(), stop.clone());
        services.spawn(async move { lakehouse_api::run(&settings, domains, stop).await });
    }
    if is_wanted(Which::Sources) {
        let (settings, stop) = (context.settings.clone(), stop.clone());
        services.spawn(async move { Ok(lakehouse_sources_api::run(&settings, domains, stop).await?) });
    }
    if is_wanted(Which::Ml) {
        let (settings, stop) = (context.settings.clone(), stop.clone());
        services.spawn(async move {
            let address = settings.api_ml.socket();
            let listener = TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))?;
            lakehouse_api_ml::run(listener, &settings, stop).await
        });
    }
    print_addresses(context.settings, arguments.which);
    wait(services, &stop).await?;
    Ok(ExitCode::SUCCESS)
}

fn domains(context: &Context<'_>) -> anyhow::Result<Vec<Domain>> {
    let names = builtin_domains();
    Ok(names.iter().map(|name| context.domain(name.as_str())).collect::<Result<_, _>>()?)
}

async fn wait(mut services: JoinSet<anyhow::Result<()>>, stop: &CancellationToken) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    while let Some(ended) = services.join_next().await {
        let ended = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        if outcome.is_ok() {
            outcome = ended;
        }
        stop.cancel();
    }
    outcome
}

fn print_addresses(settings: &Settings, which: Which) {
    let api = format!("http://{}", settings.api.socket());
    let sources = format!("http://{}", settings.sources_api.socket());
    let ml = format!("http://{}", settings.api_ml.socket());
    line("");
    if matches!(which, Which::All | Which::Api) {
        line(format_args!("datamarts  {api}/docs"));
    }
    if matches!(which, Which::All | Which::Sources) {
        line(format_args!("sources    {sources}/docs"));
    }
    if matches!(which, Which::All | Which::Ml) {
        line(format_args!("scoring    {ml}/docs"));
        line("\nscore a purchase:\n");
        line(format_args!("  curl -s {ml}/predict -H 'content-type: application/json' -d '{PURCHASE}'"));
    }
    line("\nCtrl-C stops.");
}
