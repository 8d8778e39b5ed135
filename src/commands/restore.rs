//! `lakehouse restore`: a table as it was, in a new version.

use std::{io::IsTerminal as _, process::ExitCode};

use anyhow::{Context as _, bail};
use lakehouse_lake::LakeTable;
use lakehouse_pipeline::{find_version, restore};
use lakehouse_spec::{Schema, TableName};

use super::Context;
use crate::{
    cli::RestoreArgs,
    output::{self, grouped, line},
};

/// Restores the table, if it is sure that this is wanted, and tells what the next run will make of it.
pub async fn run(context: &Context<'_>, arguments: RestoreArgs) -> anyhow::Result<ExitCode> {
    let domain = context.domain(&arguments.domain)?.name;
    let lake = context.lake()?;
    let table = &arguments.table;
    if !arguments.yes {
        let (now, then) = find_version(&lake, &domain, table, arguments.to).await?;
        ask(&now, &then)?;
    }
    let metadata = context.metadata().await?;
    let outcome = restore(&lake, &metadata, &domain, table, arguments.to).await;
    metadata.close().await;
    let restored = outcome?;
    if arguments.json {
        line(serde_json::to_string_pretty(&restored)?);
    } else if restored.version == restored.before {
        line(format_args!("{domain}.{table} is at version {} already", restored.version));
    } else {
        line(format_args!("{domain}.{table} is at version {}, which is version {} again", restored.version, restored.restored));
        line(what_comes_next(table));
    }
    Ok(ExitCode::SUCCESS)
}

/// A person may say yes; a script has to.
fn ask(now: &LakeTable, then: &LakeTable) -> anyhow::Result<()> {
    let rows = |table: &LakeTable| table.rows().map_or_else(|| "unknown".to_owned(), grouped);
    let what = format!(
        "{}.{} goes from version {} ({} rows) back to version {} ({} rows)",
        now.domain,
        now.name,
        now.version,
        rows(now),
        then.version,
        rows(then)
    );
    if !std::io::stdin().is_terminal() {
        bail!("{what}: add --yes to do it");
    }
    output::note(format_args!("{what}; write yes to do it"));
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("no answer could be read")?;
    if answer.trim() != "yes" {
        bail!("nothing was done");
    }
    Ok(())
}

fn what_comes_next(table: &TableName) -> String {
    match table.schema {
        Schema::Bronze => format!(
            "the next run lands the files again that this version lacks, as far as they are still in its sources; \
             quarantine.{} keeps the refused rows of all batches",
            table.table
        ),
        Schema::Quarantine => "the next run adds to it; rows that were refused later are not refused again".to_owned(),
        _ => "the next run brings it back in line with its inputs: to keep it as it is, restore those or change its definition"
            .to_owned(),
    }
}
