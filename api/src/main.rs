//! The datamart query API as a program of its own. Without arguments it serves; `health URL` asks a service how it is.

use std::process::ExitCode;

use lakehouse_service::stop_on_signal;
use lakehouse_settings::{Overrides, Settings, telemetry};
use lakehouse_spec::{builtin_domains, find_domain};

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    if let Some(code) = lakehouse_service::answer_health_verb().await {
        return Ok(code);
    }
    let settings = Settings::load(None, Overrides::default())?;
    telemetry::init(&settings.log)?;
    let domains = builtin_domains().iter().map(|name| find_domain(name.as_str(), None)).collect::<Result<_, _>>()?;
    lakehouse_api::run(&settings, domains, stop_on_signal()?).await?;
    Ok(ExitCode::SUCCESS)
}
