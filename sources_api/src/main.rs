//! The sources API as a program of its own.

use lakehouse_settings::{Overrides, Settings, telemetry};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::load(None, Overrides::default())?;
    telemetry::init(&settings.log)?;
    let stop = lakehouse_service::stop_on_signal()?;
    lakehouse_sources_api::run(&settings, stop).await?;
    Ok(())
}
