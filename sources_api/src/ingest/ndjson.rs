//! One JSON object a line.

use lakehouse_landing::PushRows;
use memchr::memchr;
use serde_json::{Map, Value};

use super::{BodyFault, Reader};

/// A line is held in memory; one that is longer than this is no row.
const MAX_LINE_BYTES: usize = 1 << 20;

/// Finds the lines of a body that comes in pieces.
#[derive(Default)]
pub struct Lines {
    unfinished: Vec<u8>,
    count: u64,
}

impl Lines {
    fn line(&mut self, line: &[u8], rows: &mut PushRows) -> Result<(), BodyFault> {
        self.count += 1;
        let text = line.trim_ascii();
        if text.is_empty() {
            return Ok(());
        }
        if let Ok(object) = serde_json::from_slice::<Map<String, Value>>(text) {
            let texts = rows.contract().texts_of(&object);
            let fields: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
            rows.take(&fields)?;
        } else {
            rows.refuse("not a JSON object".to_owned());
        }
        Ok(())
    }
}

impl Reader for Lines {
    fn take(&mut self, mut bytes: &[u8], rows: &mut PushRows) -> Result<(), BodyFault> {
        while let Some(end) = memchr(b'\n', bytes) {
            let (line, rest) = bytes.split_at(end);
            if self.unfinished.is_empty() {
                self.line(line, rows)?;
            } else {
                let mut whole = std::mem::take(&mut self.unfinished);
                whole.extend_from_slice(line);
                self.line(&whole, rows)?;
            }
            bytes = &rest[1..];
        }
        self.unfinished.extend_from_slice(bytes);
        if self.unfinished.len() > MAX_LINE_BYTES {
            let line = self.count + 1;
            return Err(BodyFault::Malformed(format!("line {line} has more than {MAX_LINE_BYTES} bytes")));
        }
        Ok(())
    }

    fn end(&mut self, rows: &mut PushRows) -> Result<(), BodyFault> {
        let last = std::mem::take(&mut self.unfinished);
        self.line(&last, rows)
    }
}
