//! Reading one page of a pinned datamart.

use arrow::{array::RecordBatch, compute::concat_batches};
use axum::{
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use lakehouse_lake::{LakeTable, TableQuery};
use lakehouse_service::Problem;

use crate::{ApiState, cursor::Cursor, query, rows};

const VERSION: HeaderName = HeaderName::from_static("x-table-version");
const NEXT: HeaderName = HeaderName::from_static("x-next-cursor");
const TOTAL: HeaderName = HeaderName::from_static("x-total-count");

/// What a client wants of a datamart.
pub(crate) struct Wanted {
    /// Ordered down to the key.
    pub query: TableQuery,
    pub cursor: Option<Cursor>,
    pub is_counted: bool,
}

/// Some rows of a version.
pub(crate) struct Page {
    version: u64,
    rows: RecordBatch,
    next: Option<Cursor>,
    total: Option<usize>,
}

/// Reads the page; one row more is asked for, which tells whether another page follows.
pub(crate) async fn read(state: &ApiState, table: &LakeTable, wanted: &Wanted) -> Result<Page, Problem> {
    let asked = &wanted.query;
    let mut query = asked.clone();
    query.limit += 1;
    if !query.select.is_empty() {
        query.select.extend(asked.order.iter().map(|(name, _)| name.clone()).filter(|name| !asked.select.contains(name)));
    }
    let refused = |refused: lakehouse_lake::TableQueryError| Problem::unprocessable(refused.to_string());
    let stream = state.lake.read(table, &query).await.map_err(query::problem)?.map_err(refused)?;
    let schema = stream.schema();
    let found = query::take(stream, state.limits.sql_timeout()).await?;
    let found = concat_batches(&schema, &found).map_err(Problem::internal)?;
    let rows = found.slice(0, found.num_rows().min(asked.limit));
    let next = if found.num_rows() > asked.limit { Some(Cursor::after(table.version, asked, &rows)) } else { None };
    let shown: Vec<usize> =
        if asked.select.is_empty() { (0..rows.num_columns()).collect() } else { (0..asked.select.len()).collect() };
    let total = match wanted.is_counted {
        true => Some(state.lake.count(table, asked).await.map_err(query::problem)?.map_err(refused)?),
        false => None,
    };
    Ok(Page {
        version: table.version,
        rows: rows.project(&shown).map_err(Problem::internal)?,
        next: next.transpose().map_err(Problem::internal)?,
        total,
    })
}

impl Page {
    /// The rows, with what leads on in the headers; `text` is the query string that asked for them.
    pub(crate) fn response(&self, path: &str, text: &str) -> Result<Response, Problem> {
        let mut response = rows::json(rows::json_array(std::slice::from_ref(&self.rows))?);
        let headers = response.headers_mut();
        headers.insert(VERSION, self.version.into());
        headers.extend(self.total.map(|total| (TOTAL, total.into())));
        if let Some(next) = &self.next {
            let cursor = next.text().map_err(Problem::internal)?;
            let others = text
                .split('&')
                .filter(|pair| !pair.is_empty() && !["cursor=", "offset="].iter().any(|name| pair.starts_with(name)));
            let query: String = others.map(|pair| format!("{pair}&")).collect();
            let link =
                HeaderValue::try_from(format!("<{path}?{query}cursor={cursor}>; rel=\"next\"")).map_err(Problem::internal)?;
            headers.insert(header::LINK, link);
            headers.insert(NEXT, HeaderValue::try_from(cursor).map_err(Problem::internal)?);
        }
        Ok(response)
    }
}
