//! In which format an answer is given.

use axum::http::{HeaderMap, HeaderValue, header};
use lakehouse_service::Problem;

/// A format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// One object with columns, rows and whether it was cut.
    Json,
    /// One JSON object a line.
    NdJson,
    /// Comma-separated values with a line of names.
    Csv,
    /// Arrow IPC stream.
    Arrow,
    /// One Parquet file.
    Parquet,
}

const FORMATS: [(&str, Format); 5] = [
    ("application/json", Format::Json),
    ("application/x-ndjson", Format::NdJson),
    ("text/csv", Format::Csv),
    ("application/vnd.apache.arrow.stream", Format::Arrow),
    ("application/vnd.apache.parquet", Format::Parquet),
];

impl Format {
    /// The format that the client likes best; JSON when it does not say.
    pub(crate) fn wanted(headers: &HeaderMap) -> Result<Self, Problem> {
        let accepted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
        if accepted.is_empty() {
            return Ok(Self::Json);
        }
        let ranges = accepted.iter().flat_map(|value| value.split(',')).filter_map(range);
        let mut best: Option<(u32, Self)> = None;
        for (quality, format) in ranges {
            if quality > best.map_or(0, |(best, _)| best) {
                best = Some((quality, format));
            }
        }
        best.map(|(_, format)| format).ok_or_else(|| {
            let names = FORMATS.map(|(name, _)| name).join(", ");
            Problem::not_acceptable(format!("rows are given as {names}"))
        })
    }

    pub(crate) fn content_type(self) -> HeaderValue {
        let (name, _) = FORMATS.into_iter().find(|(_, format)| *format == self).unwrap_or(FORMATS[0]);
        HeaderValue::from_static(name)
    }

    /// Is an answer made as a whole before it is sent?
    pub(crate) fn is_held(self) -> bool {
        self == Self::Json
    }
}

/// A format and how much it is liked, in thousandths.
fn range(text: &str) -> Option<(u32, Format)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let format = match name.as_str() {
        "*/*" | "application/*" => Format::Json,
        "text/*" => Format::Csv,
        "application/ndjson" | "application/jsonl" => Format::NdJson,
        name => FORMATS.into_iter().find(|(known, _)| *known == name)?.1,
    };
    let quality = parts.find_map(|part| part.strip_prefix("q=")).map_or(Ok(1.0), str::parse::<f64>).ok()?;
    Some(((quality.clamp(0.0, 1.0) * 1000.0) as u32, format))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_that_is_liked_best_is_given() {
        let cases = [
            (None, Some(Format::Json)),
            (Some("*/*"), Some(Format::Json)),
            (Some("text/csv"), Some(Format::Csv)),
            (Some("Text/CSV; header=present"), Some(Format::Csv)),
            (Some("application/json;q=0.5, application/vnd.apache.arrow.stream"), Some(Format::Arrow)),
            (Some("text/html, application/vnd.apache.parquet;q=0.9, */*;q=0.1"), Some(Format::Parquet)),
            (Some("application/x-ndjson, text/csv"), Some(Format::NdJson)),
            (Some("text/html"), None),
            (Some("text/csv;q=0"), None),
            (Some("text/csv;q=high"), None),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(Format::wanted(&headers).ok(), expected, "{accept:?}");
        }
    }
}
