//! Arrow IPC streams from outside.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow::{array::RecordBatch, buffer::Buffer, error::ArrowError, ipc::reader::StreamDecoder};

use crate::arrow_frames::Frames;

/// Decodes a stream that comes in pieces and may be anything. On `Err`, a sentence for the client; the decoder is then done with.
#[derive(Default)]
pub struct ArrowStream {
    frames: Frames,
    decoder: StreamDecoder,
}

impl ArrowStream {
    /// Takes the next bytes; gives the batches that are whole now.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<RecordBatch>, String> {
        self.frames.add(bytes);
        let mut batches = Vec::new();
        while let Some(frame) = self.frames.next().map_err(|reason| format!("the body {reason}"))? {
            batches.extend(self.decode(frame)?);
        }
        Ok(batches)
    }

    /// Is the stream whole?
    pub fn end(&mut self) -> Result<(), String> {
        if !self.frames.is_whole() {
            return Err("the body is cut off in the middle of a message".to_owned());
        }
        self.decoder.finish().map_err(|error| malformed(&error))
    }

    /// The decoder panics on some schemas that no writer makes. That is the body's fault, and the end of this decoder.
    fn decode(&mut self, frame: Vec<u8>) -> Result<Vec<RecordBatch>, String> {
        let mut frame = Buffer::from(frame);
        let decode = AssertUnwindSafe(|| {
            let mut batches = Vec::new();
            while !frame.is_empty() {
                batches.extend(self.decoder.decode(&mut frame)?);
            }
            Ok(batches)
        });
        let unreadable = |_| Err("the body is no Arrow IPC stream of a known kind".to_owned());
        catch_unwind(decode).map_or_else(unreadable, |decoded| decoded.map_err(|error: ArrowError| malformed(&error)))
    }
}

fn malformed(error: &ArrowError) -> String {
    format!("the body is not a whole Arrow IPC stream: {error}")
}
