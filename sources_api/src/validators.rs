//! Validators: does the client have this file already, or the beginning of it? (RFC 9110, section 13)

use std::{fs::Metadata, os::unix::fs::MetadataExt};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use jiff::{
    Timestamp,
    fmt::rfc2822::{DateTimeParser, DateTimePrinter},
};

/// What tells one state of a file from another.
pub struct Validators {
    /// Strong: a file is replaced by another (the inode differs) and never changed in place by this service; changed in place
    /// by others, it has another time or size. Hashing the content would cost a read of it before the first byte is sent.
    pub etag: String,
    pub modified: Option<Timestamp>,
}

impl Validators {
    pub fn of(file: &Metadata) -> Self {
        let etag = format!("\"{:x}-{:x}-{:x}-{:x}\"", file.ino(), file.size(), file.mtime(), file.mtime_nsec());
        // HTTP dates have whole seconds.
        Self { etag, modified: Timestamp::from_second(file.mtime()).ok() }
    }

    /// The headers that carry them.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let modified = self.modified.and_then(|modified| DateTimePrinter::new().timestamp_to_rfc9110_string(&modified).ok());
        let headers = [(header::ETAG, Some(self.etag.clone())), (header::LAST_MODIFIED, modified)];
        headers.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::try_from(value?).ok()?)))
    }

    /// Whether the client's copy is this state. A list of tags decides alone when it is there.
    pub fn is_known_to(&self, client: &HeaderMap) -> bool {
        let mut tags = client.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).peekable();
        if tags.peek().is_some() {
            let is_this = |tag: &str| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.etag;
            return tags.flat_map(|list| list.split(',')).any(|tag| is_this(tag.trim()));
        }
        let since = client.get(header::IF_MODIFIED_SINCE).and_then(date);
        matches!((since, self.modified), (Some(since), Some(modified)) if modified <= since)
    }

    /// Whether a range of this state continues what the client has.
    pub fn allow_range(&self, client: &HeaderMap) -> bool {
        match client.get(header::IF_RANGE) {
            None => true,
            Some(value) if value.as_bytes().starts_with(b"\"") => value == self.etag.as_str(),
            Some(value) => date(value).is_some() && date(value) == self.modified,
        }
    }
}

fn date(value: &HeaderValue) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(value.to_str().ok()?).ok()
}
