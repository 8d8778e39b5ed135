//! `lakehouse sql`: one read-only query, streamed out.

use std::{
    fs::File,
    io::{BufWriter, Write},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use arrow::{
    array::RecordBatch,
    csv,
    json::{WriterBuilder, writer::LineDelimited},
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt as _;
use lakehouse_lake::QueryStream;
use parquet::arrow::ArrowWriter;

use super::Context;
use crate::{
    cli::{Format, SqlArgs},
    output,
};

/// Rows a table on a terminal shows; it must be held to know the width of its columns.
const MAX_TABLE_ROWS: usize = 10_000;

/// Runs the query.
pub async fn run(context: &Context<'_>, arguments: SqlArgs) -> anyhow::Result<ExitCode> {
    let domain = context.domain(&arguments.domain)?;
    let lake = context.lake()?;
    let session = lake.session(&domain.name);
    match arguments.at {
        Some(at) => session.register_references_at(&lake, &arguments.query, at).await?,
        None => session.register_references(&lake, &arguments.query).await?,
    };
    let rows = session.query(&arguments.query).await?;
    let create = |path: &std::path::PathBuf| File::create(path).with_context(|| format!("failed to create `{}`", path.display()));
    let out: Box<dyn Write + Send> = match &arguments.out {
        Some(path) => Box::new(BufWriter::new(create(path)?)),
        None if arguments.format == Format::Parquet => bail!("parquet needs a file: add --out FILE"),
        None => Box::new(BufWriter::new(std::io::stdout())),
    };
    match arguments.format {
        Format::Table => table(rows, out).await?,
        Format::Csv => write_csv(rows, out).await?,
        Format::Json => json(rows, out).await?,
        Format::Parquet => write_parquet(rows, out).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn table(mut rows: QueryStream, mut out: Box<dyn Write + Send>) -> anyhow::Result<()> {
    let mut batches = vec![RecordBatch::new_empty(rows.schema())];
    let mut count = 0;
    while let Some(batch) = rows.try_next().await? {
        let room = MAX_TABLE_ROWS - count;
        count += batch.num_rows().min(room);
        batches.push(batch.slice(0, batch.num_rows().min(room)));
        if batch.num_rows() > room {
            output::note(format_args!(
                "only the first {MAX_TABLE_ROWS} rows are shown; use --format csv, json or parquet for all"
            ));
            break;
        }
    }
    writeln!(out, "{}", pretty_format_batches(&batches)?)?;
    Ok(out.flush()?)
}

async fn write_csv(mut rows: QueryStream, out: Box<dyn Write + Send>) -> anyhow::Result<()> {
    let mut writer = csv::WriterBuilder::new().with_header(true).build(out);
    writer.write(&RecordBatch::new_empty(rows.schema()))?;
    while let Some(batch) = rows.try_next().await? {
        writer.write(&batch)?;
    }
    Ok(writer.into_inner().flush()?)
}

async fn json(mut rows: QueryStream, out: Box<dyn Write + Send>) -> anyhow::Result<()> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(out);
    while let Some(batch) = rows.try_next().await? {
        writer.write(&batch)?;
    }
    writer.finish()?;
    Ok(writer.into_inner().flush()?)
}

async fn write_parquet(mut rows: QueryStream, out: Box<dyn Write + Send>) -> anyhow::Result<()> {
    let mut writer = ArrowWriter::try_new(out, rows.schema(), None)?;
    while let Some(batch) = rows.try_next().await? {
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}
