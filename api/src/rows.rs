//! Rows as JSON.

use arrow::{
    array::RecordBatch,
    error::ArrowError,
    json::{WriterBuilder, writer::JsonArray},
};
use axum::{
    body::Body,
    http::{HeaderValue, header},
    response::Response,
};
use bytes::Bytes;
use lakehouse_service::Problem;

/// The batches as one JSON array of objects; absent values are `null`, columns keep their order.
pub(crate) fn json_array(batches: &[RecordBatch]) -> Result<Vec<u8>, Problem> {
    let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, JsonArray>(Vec::new());
    let write = |writer: &mut arrow::json::Writer<Vec<u8>, JsonArray>| -> Result<(), ArrowError> {
        writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
        writer.finish()
    };
    write(&mut writer).map_err(Problem::internal)?;
    let bytes = writer.into_inner();
    Ok(if bytes.is_empty() { b"[]".to_vec() } else { bytes })
}

/// An answer that is JSON already.
pub(crate) fn json(text: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Body::from(text.into()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
