//! The messages of an Arrow IPC stream, whole and checked: a decoder trusts the lengths they state.
//!
//! Encapsulated message format: <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>.

use arrow::ipc::{Buffer, RecordBatch, root_as_message};

/// What a message states of itself fits into so many bytes; a schema of thousands of columns does.
const MAX_HEADER_BYTES: usize = 1 << 20;
/// A record batch is held in memory.
const MAX_BODY_BYTES: usize = 64 << 20;
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Cuts a stream that comes in pieces into messages.
#[derive(Default)]
pub struct Frames {
    pending: Vec<u8>,
    is_ended: bool,
}

impl Frames {
    pub fn add(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole message, as a decoder takes it. On `Err`, the end of a sentence that starts with the body.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, String> {
        if self.is_ended {
            return if self.pending.is_empty() { Ok(None) } else { Err("goes on after its end".to_owned()) };
        }
        let Some(length) = self.message_bytes()? else { return Ok(None) };
        let rest = self.pending.split_off(length);
        Ok(Some(std::mem::replace(&mut self.pending, rest)))
    }

    /// Is everything that came part of a message?
    pub fn is_whole(&self) -> bool {
        self.pending.is_empty()
    }

    /// Bytes of the message that stands in front, once all of them are there.
    fn message_bytes(&mut self) -> Result<Option<usize>, String> {
        let marker = if self.pending.starts_with(&CONTINUATION) { 4 } else { 0 };
        let Some(size) = self.pending.get(marker..marker + 4) else { return Ok(None) };
        let header_bytes = u32::from_le_bytes([size[0], size[1], size[2], size[3]]) as usize;
        let header_start = marker + 4;
        if header_bytes == 0 {
            self.is_ended = true;
            return Ok(Some(header_start));
        }
        if header_bytes > MAX_HEADER_BYTES {
            return Err(format!("is no Arrow IPC stream, or has a message whose header is longer than {MAX_HEADER_BYTES} bytes"));
        }
        let header_end = header_start + header_bytes;
        let Some(header) = self.pending.get(header_start..header_end) else { return Ok(None) };
        let message = root_as_message(header).map_err(|_| "has a message that cannot be read".to_owned())?;
        let body_bytes = usize::try_from(message.bodyLength()).map_err(|_| "has a message of a negative length".to_owned())?;
        if body_bytes > MAX_BODY_BYTES {
            return Err(format!("has a record batch of {body_bytes} bytes; send batches of at most {MAX_BODY_BYTES}"));
        }
        let batches = [message.header_as_record_batch(), message.header_as_dictionary_batch().and_then(|batch| batch.data())];
        if !batches.into_iter().flatten().all(|batch| lies_within(&batch, body_bytes)) {
            return Err("has a record batch whose buffers lie outside of it".to_owned());
        }
        let length = header_end + body_bytes;
        Ok((self.pending.len() >= length).then_some(length))
    }
}

fn lies_within(batch: &RecordBatch<'_>, body_bytes: usize) -> bool {
    let is_inside = |buffer: &Buffer| {
        let (offset, length) = (usize::try_from(buffer.offset()), usize::try_from(buffer.length()));
        let end = offset.ok().zip(length.ok()).and_then(|(offset, length)| offset.checked_add(length));
        end.is_some_and(|end| end <= body_bytes)
    };
    // A row takes at least a bit of one buffer, unless it has no columns at all.
    let is_length = |length: i64| usize::try_from(length).is_ok_and(|length| length <= body_bytes.saturating_mul(8));
    batch.buffers().is_none_or(|buffers| buffers.iter().all(is_inside))
        && batch.nodes().is_none_or(|nodes| nodes.iter().all(|node| is_length(node.length()) && is_length(node.null_count())))
        && batch.length() >= 0
}
