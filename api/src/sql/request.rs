//! A query as it is sent, and as it is run.

use std::{collections::BTreeMap, time::Duration};

use lakehouse_lake::{At, BoundValue, BoundValues};
use lakehouse_service::Problem;
use lakehouse_spec::{Domain, DomainName};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Format, QueryLimits};

/// Bytes of a query's text: room for a list of ten thousand keys.
const MOST_SQL_BYTES: usize = 256 << 10;

/// In less time not even a plan is made, and the answer would say that the service was late.
const LEAST_TIMEOUT_MS: u64 = 100;

/// A query.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SqlRequest {
    /// One `select`, or `explain` of one; tables are `domain.schema.table`, or `schema.table` of the default domain.
    pub sql: String,
    /// Values for the placeholders: an array for `$1`, `$2` …, an object for `$name`. Numbers, texts, true, false and null.
    #[serde(default)]
    pub params: Value,
    /// The domain whose tables need no prefix; the first one when absent.
    pub domain: Option<String>,
    /// Rows to give at most; the service's own cap holds in any case.
    pub limit: Option<usize>,
    /// Milliseconds after which the query is stopped; the service's own limit holds in any case.
    #[schema(minimum = 100)]
    pub timeout_ms: Option<u64>,
    /// Tables as they were: a version's number, or an instant such as `2026-11-01T12:00:00Z`.
    #[schema(value_type = Option<String>)]
    pub at: Option<Value>,
    /// Only tell the columns; nothing runs.
    #[serde(default)]
    pub describe: bool,
    /// Milliseconds to wait for the end of the query. After that the answer is 202 with an id, under which the result can be asked
    /// for, page by page, until it expires.
    pub wait_ms: Option<u64>,
}

/// A query that can be run.
pub(super) struct Job {
    pub sql: String,
    pub values: BoundValues,
    pub domain: DomainName,
    pub at: Option<At>,
    pub format: Format,
    pub limit: usize,
    pub time: Duration,
    /// Who asks, where a client of PostgreSQL does, which wants its functions and its catalogue.
    pub postgres_user: Option<String>,
}

impl Job {
    pub(super) fn check(request: SqlRequest, domains: &[Domain], limits: &QueryLimits, format: Format) -> Result<Self, Problem> {
        let domain = match &request.domain {
            Some(name) => domains.iter().find(|domain| domain.name.as_str() == name),
            None => domains.first(),
        };
        let unknown = || match &request.domain {
            Some(name) => Problem::not_found(format!("no domain is called `{name}`")),
            None => Problem::not_found("there is no domain"),
        };
        check_length(&request.sql)?;
        let cap = if format.is_held() { limits.held_rows } else { limits.streamed_rows };
        if request.timeout_ms.is_some_and(|time| time < LEAST_TIMEOUT_MS) {
            return Err(Problem::unprocessable(format!("`timeout_ms` is at least {LEAST_TIMEOUT_MS}")));
        }
        Ok(Self {
            domain: domain.ok_or_else(unknown)?.name.clone(),
            values: values(request.params)?,
            at: request.at.as_ref().map(at).transpose()?,
            limit: request.limit.unwrap_or(usize::MAX).min(cap),
            time: request.timeout_ms.map_or(Duration::MAX, Duration::from_millis).min(limits.time),
            sql: request.sql,
            format,
            postgres_user: None,
        })
    }
}

/// Refuses a text that is too long.
pub(super) fn check_length(sql: &str) -> Result<(), Problem> {
    if sql.len() > MOST_SQL_BYTES {
        let detail = format!("`sql` has more than {MOST_SQL_BYTES} bytes; bind long lists as values, or read a table");
        return Err(Problem::too_large(detail).with_code("query_too_large"));
    }
    Ok(())
}

fn values(params: Value) -> Result<BoundValues, Problem> {
    match params {
        Value::Null => Ok(BoundValues::default()),
        Value::Array(values) => {
            let values = values.into_iter().enumerate().map(|(place, value)| bound(&(place + 1).to_string(), value));
            Ok(BoundValues::Positions(values.collect::<Result<_, _>>()?))
        }
        Value::Object(values) => {
            let values = values.into_iter().map(|(name, value)| bound(&name, value).map(|value| (name, value)));
            Ok(BoundValues::Names(values.collect::<Result<BTreeMap<_, _>, _>>()?))
        }
        _ => Err(Problem::unprocessable("`params` is an array for `$1`, `$2` … or an object for `$name`")),
    }
}

fn bound(name: &str, value: Value) -> Result<BoundValue, Problem> {
    match value {
        Value::Null => Ok(BoundValue::Null),
        Value::Bool(value) => Ok(BoundValue::Bool(value)),
        Value::String(text) => Ok(BoundValue::Text(text)),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Ok(BoundValue::Integer(number)),
            // Beyond 63 bits a float would be another number than the one that was sent.
            (None, Some(number_as_float)) if !number.is_u64() => Ok(BoundValue::Float(number_as_float)),
            _ => Err(Problem::unprocessable(format!("`params`: the number for ${name} does not fit 64 bits with a sign"))),
        },
        _ => Err(Problem::unprocessable(format!("`params`: the value for ${name} is a number, a text, true, false or null"))),
    }
}

fn at(value: &Value) -> Result<At, Problem> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse().map_err(|_| Problem::unprocessable("`at` is a version's number, or an instant such as 2026-11-01T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_keep_the_type_that_json_gives_them() {
        let values = values(json!([1, -1.5, 1e3, "1", true, null])).expect("values");
        let expected = [
            BoundValue::Integer(1),
            BoundValue::Float(-1.5),
            BoundValue::Float(1000.0),
            BoundValue::Text("1".into()),
            BoundValue::Bool(true),
            BoundValue::Null,
        ];
        assert_eq!(values, BoundValues::Positions(expected.into()));
    }

    #[test]
    fn values_that_no_column_holds_are_refused_by_name() {
        for (params, name) in
            [(json!([1, [2]]), "$2"), (json!({ "day": {} }), "$day"), (json!([u64::MAX]), "$1"), (json!(7), "$name")]
        {
            let problem = values(params).expect_err("refused");
            assert!(problem.detail().contains(name), "{problem:?}");
        }
    }

    #[test]
    fn at_is_a_version_or_an_instant() {
        assert_eq!(at(&json!(3)).expect("a version"), At::Version(3));
        assert_eq!(at(&json!("3")).expect("a version"), At::Version(3));
        assert_eq!(at(&json!("1970-01-01T00:00:01Z")).expect("an instant"), At::Instant(1_000_000));
        for value in [json!(-1), json!(1.5), json!("noon"), json!([1])] {
            assert!(at(&value).is_err(), "{value}");
        }
    }
}
