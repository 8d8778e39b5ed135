//! `lakehouse doctor`: is everything there that a run needs, and what to do where it is not.

use std::process::ExitCode;

use lakehouse_lake::probe_put_if_absent;
use lakehouse_spec::builtin_domains;
use serde::Serialize;

use super::Context;
use crate::{cli::DoctorArgs, output};

/// Writers and rounds of the race for one object.
const PROBE_WRITERS: usize = 32;
const PROBE_ROUNDS: usize = 20;
/// Below this many bytes a run on real data is likely to fill the disk.
const WANTED_SPACE: u64 = 2 << 30;

#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    is_good: bool,
    detail: String,
}

/// Checks everything and tells what to do. Fails if anything is not good.
pub async fn run(context: &Context<'_>, arguments: DoctorArgs) -> anyhow::Result<ExitCode> {
    let findings = vec![
        finding("version", Ok(format!("lakehouse {}", env!("CARGO_PKG_VERSION")))),
        finding("settings", Ok(format!("lake {}, memory limit {} MiB", context.settings.lake, context.settings.memory_limit_mb))),
        finding("domains", domains(context)),
        finding("sources", sources(context)),
        finding("store", store(context).await),
        finding("registry", registry(context).await),
        finding("space", space(context)),
    ];
    let is_good = findings.iter().all(|finding| finding.is_good);
    if arguments.json {
        output::line(serde_json::to_string_pretty(&findings)?);
    } else {
        let row = |finding: &Finding| {
            let verdict = if finding.is_good { "good" } else { "BAD" };
            vec![finding.check.to_owned(), verdict.to_owned(), finding.detail.clone()]
        };
        output::table(&findings.iter().map(row).collect::<Vec<_>>(), &[]);
    }
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn finding(check: &'static str, outcome: anyhow::Result<String>) -> Finding {
    match outcome {
        Ok(detail) => Finding { check, is_good: true, detail },
        Err(error) => Finding { check, is_good: false, detail: format!("{error:#}") },
    }
}

fn domains(context: &Context<'_>) -> anyhow::Result<String> {
    let names = builtin_domains();
    for name in &names {
        context.domain(name.as_str())?;
    }
    Ok(names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

fn sources(context: &Context<'_>) -> anyhow::Result<String> {
    let folder = &context.settings.sources;
    let files = std::fs::read_dir(folder).map(|entries| entries.flatten().count());
    let files = files.map_err(|error| {
        anyhow::anyhow!("`{}`: {error}; make one with `lakehouse generate fraud --out {}`", folder.display(), folder.display())
    })?;
    Ok(format!("{files} files in {}", folder.display()))
}

async fn store(context: &Context<'_>) -> anyhow::Result<String> {
    let lake = context.lake()?;
    let report = probe_put_if_absent(&lake, PROBE_WRITERS, PROBE_ROUNDS).await?;
    Ok(format!("one winner in each of {} races of {} writers", report.rounds, report.writers))
}

async fn registry(context: &Context<'_>) -> anyhow::Result<String> {
    let models = context.registry()?.models().await?;
    Ok(format!("{} models in {}", models.len(), context.settings.registry))
}

fn space(context: &Context<'_>) -> anyhow::Result<String> {
    let Some(folder) = context.lake()?.location().folder() else {
        return Ok("the lake is in a bucket".to_owned());
    };
    let free = fs4::available_space(&folder)?;
    let gib = free as f64 / f64::from(1 << 30);
    anyhow::ensure!(
        free >= WANTED_SPACE,
        "only {gib:.1} GiB are free at {}; make room or set `lake` elsewhere",
        folder.display()
    );
    Ok(format!("{gib:.1} GiB free at {}", folder.display()))
}
