//! `lakehouse care`: fewer files, shorter logs, and nothing kept that nobody can go back to.

use std::{process::ExitCode, time::Duration};

use anyhow::bail;
use lakehouse_pipeline::{CareError, CareJob, CareOptions, TableCare, care};
use lakehouse_settings::CareSettings;
use lakehouse_spec::DomainName;
use serde_json::json;

use super::{Context, INTERRUPTED, stop_between_steps};
use crate::{
    cli::CareArgs,
    output::{self, grouped, line},
};

/// Cares for the tables of a domain, or of all. The first Ctrl-C lets the table that is at work finish.
pub async fn run(context: &Context<'_>, arguments: CareArgs) -> anyhow::Result<ExitCode> {
    let options = options(&context.settings.care, &arguments)?;
    let lake = context.lake()?;
    let domains: Vec<DomainName> = match &arguments.domain {
        Some(name) => vec![context.domain(name)?.name],
        None => lake.domains().await?,
    };
    let metadata = context.metadata().await?;
    let stop = stop_between_steps()?;
    let mut all = Vec::new();
    let mut outcome = Ok(());
    for domain in domains {
        let job = CareJob { lake: lake.clone(), domain: domain.clone(), table: arguments.table.clone(), options };
        let tell = |cared: &TableCare| {
            if !arguments.json {
                print(&domain, cared, options.is_dry_run)
            }
        };
        match care(&job, &metadata, &stop, tell).await {
            Ok(tables) => all.extend(tables.into_iter().map(|table| (domain.clone(), table))),
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    metadata.close().await;
    if arguments.json {
        let tables = all.iter().map(|(domain, table)| json!({ "domain": domain, "care": table })).collect::<Vec<_>>();
        line(serde_json::to_string_pretty(&tables)?);
    }
    match outcome {
        Err(stopped @ CareError::Stopped) => {
            output::note(stopped);
            return Ok(ExitCode::from(INTERRUPTED));
        }
        outcome => outcome?,
    }
    let is_good = all.iter().all(|(_, table)| table.error.is_none());
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// As the settings have it, but for what the arguments say.
fn options(settings: &CareSettings, arguments: &CareArgs) -> anyhow::Result<CareOptions> {
    let mut options = CareOptions { is_dry_run: arguments.dry_run, ..CareOptions::new(settings) };
    let Some(hours) = arguments.retention_hours else { return Ok(options) };
    if hours < settings.min_retention_hours && !arguments.allow_short_retention {
        bail!(
            "--retention-hours {hours} is shorter than care.min_retention_hours, {}: time travel and writes under way may lose \
             their files; add --allow-short-retention if nothing writes now",
            settings.min_retention_hours
        );
    }
    options.retention = Duration::from_secs(hours.saturating_mul(3600));
    options.log.retention = options.log.retention.max(options.retention);
    Ok(options)
}

fn print(domain: &DomainName, cared: &TableCare, is_dry_run: bool) {
    let TableCare { compacted, into, alone, overtaken, checkpoint, expired_log_files, removed, .. } = cared;
    let mut done = Vec::new();
    if *compacted > 0 {
        let bytes = grouped(cared.compacted_bytes);
        done.push(format!("{} small files ({bytes} bytes) into {}", grouped(*compacted as u64), grouped(*into as u64)));
    }
    if *overtaken > 0 {
        done.push(format!("{overtaken} small files were replaced meanwhile"));
    }
    if *alone > 0 {
        done.push(format!("{} small files stay, each the only one of its partition to go with", grouped(*alone as u64)));
    }
    if let Some(version) = checkpoint {
        done.push(format!("checkpoint of version {version}"));
    }
    if *expired_log_files > 0 {
        done.push(format!("{} expired log files removed", grouped(*expired_log_files as u64)));
    }
    if removed.count > 0 {
        done.push(format!(
            "{} files ({} bytes) that nobody needs removed",
            grouped(removed.count as u64),
            grouped(removed.bytes)
        ));
    }
    if done.is_empty() && cared.error.is_none() {
        done.push("nothing to do".to_owned());
    }
    let would = if is_dry_run { "would be done: " } else { "" };
    line(format_args!("{domain}.{}: {would}{}", cared.table, done.join("; ")));
    if is_dry_run {
        removed.files.iter().for_each(|file| line(format_args!("  {file}")));
    }
    if let Some(error) = &cared.error {
        output::note(format_args!("error: {domain}.{}: {error}", cared.table));
    }
}
