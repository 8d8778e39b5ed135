//! The `lakehouse` command: parse, load the settings, dispatch.

mod advice;
mod cli;
mod commands;
mod output;

use std::process::ExitCode;

use clap::Parser as _;
use lakehouse_settings::{Settings, telemetry};

use cli::{Cli, Command};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    show_no_caught_panics();
    match start(cli) {
        Ok(code) => code,
        Err(error) => {
            output::error(&error);
            ExitCode::FAILURE
        }
    }
}

/// When a file cannot be completed, the Delta writer runs into a panic of the store's client and catches it; the error says why the
/// file could not be completed. Every other panic is shown.
fn show_no_caught_panics() {
    let show = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_of_the_client = panic.location().is_some_and(|at| at.file().ends_with("/src/buffered.rs"));
        if !(is_of_the_client && panic.payload_as_str() == Some("Already shut down")) {
            show(panic);
        }
    }));
}

fn start(cli: Cli) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(cli.config.as_deref(), cli.overrides())?;
    telemetry::init(&settings.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dispatch(cli, &settings))
}

async fn dispatch(cli: Cli, settings: &Settings) -> anyhow::Result<ExitCode> {
    let context = commands::Context { settings, domains: cli.domains.as_deref() };
    match cli.command {
        Command::Generate(arguments) => commands::generate::run(arguments).await,
        Command::Plan(arguments) => commands::plan::run(&context, arguments).await,
        Command::Publish(arguments) => commands::publish::run(&context, arguments).await,
        Command::Run(arguments) => commands::run::run(&context, arguments).await,
        Command::Resume(arguments) => commands::run::resume(&context, arguments).await,
        Command::Runs(arguments) => commands::runs::run(&context, arguments).await,
        Command::Schedule(arguments) => commands::schedule::run(&context, arguments).await,
        Command::Care(arguments) => commands::care::run(&context, arguments).await,
        Command::Restore(arguments) => commands::restore::run(&context, arguments).await,
        Command::Sql(arguments) => commands::sql::run(&context, arguments).await,
        Command::Serve(arguments) => commands::serve::run(&context, arguments).await,
        Command::Models(arguments) => commands::models::run(&context, arguments).await,
        Command::Users(arguments) => commands::users::run(&context, arguments).await,
        Command::Keys(arguments) => commands::keys::run(&context, arguments).await,
        Command::Split(arguments) => commands::split::run(arguments).await,
        Command::Doctor(arguments) => commands::doctor::run(&context, arguments).await,
        Command::Health(arguments) => Ok(commands::health::run(arguments).await),
        Command::Smoke(arguments) => commands::smoke::run(&context, arguments).await,
        Command::Config => commands::config::run(&context),
    }
}
