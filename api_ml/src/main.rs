//! The scoring API as a program of its own. Without arguments it serves; `health URL` asks a service how it is.

use std::process::ExitCode;

use anyhow::Context;
use lakehouse_settings::{Overrides, Settings, telemetry};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = lakehouse_service::answer_health_verb().await {
        return Ok(code);
    }
    let settings = Settings::load(None, Overrides::default())?;
    telemetry::init(&settings.log)?;
    let stop = lakehouse_service::stop_on_signal()?;
    let address = settings.api_ml.socket();
    let listener = TcpListener::bind(address).await.with_context(|| format!("failed to listen on {address}"))?;
    lakehouse_api_ml::run(listener, &settings, stop).await?;
    Ok(ExitCode::SUCCESS)
}
