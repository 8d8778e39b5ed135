//! Entries as bytes: length, checksum, JSON.

use std::{cell::RefCell, io::Write as _};

use twox_hash::XxHash3_64;

use super::Entry;

const HEADER_BYTES: usize = 12;
/// No entry is as long as this: a longer one is damage.
const MAX_ENTRY_BYTES: usize = 1 << 20;

thread_local! {
    static BODY: RefCell<Vec<u8>> = RefCell::default();
}

/// Writes an entry as JSON without its number, and gives that to `append`: the number is known only while everybody else waits.
pub fn with_body<T>(entry: &Entry, append: impl FnOnce(&[u8]) -> T) -> serde_json::Result<T> {
    BODY.with_borrow_mut(|body| {
        body.clear();
        serde_json::to_writer(&mut *body, entry)?;
        Ok(append(body))
    })
}

/// Appends the entry of which `body` is everything but the number.
pub fn write(number: u64, body: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + HEADER_BYTES, 0);
    // Writing to memory does not fail.
    let _ = write!(out, "{{\"n\":{number},");
    out.extend_from_slice(body.get(1..).unwrap_or_default());
    let (header, json) = out[start..].split_at_mut(HEADER_BYTES);
    let (length, checksum) = header.split_at_mut(4);
    length.copy_from_slice(&(json.len() as u32).to_le_bytes());
    checksum.copy_from_slice(&XxHash3_64::oneshot(json).to_le_bytes());
}

/// The entry at the front of `bytes` and how long it is; `None` when what stands there is not whole.
pub fn read(bytes: &[u8]) -> Option<(Entry, usize)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (checksum, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MAX_ENTRY_BYTES)?;
    let json = rest.get(..length)?;
    if XxHash3_64::oneshot(json) != u64::from_le_bytes(*checksum) {
        return None;
    }
    Some((serde_json::from_slice(json).ok()?, HEADER_BYTES + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Fact, StoredTransaction};
    use crate::request::Transaction;

    #[test]
    fn an_entry_is_read_as_it_was_written_and_zeros_are_none() {
        let transaction = StoredTransaction::from(&Transaction::unknown());
        let entry = Entry {
            number: 0,
            made_at: 7,
            id: "a \"b\"".to_owned(),
            fact: Fact::Asked,
            over: 3,
            transaction,
            predictions: Vec::new(),
        };
        let mut bytes = Vec::new();
        for number in [1, u64::MAX] {
            with_body(&entry, |body| write(number, body, &mut bytes)).expect("json");
        }
        let (first, length) = read(&bytes).expect("an entry");
        assert_eq!(first, Entry { number: 1, ..entry.clone() });
        assert_eq!(read(&bytes[length..]), Some((Entry { number: u64::MAX, ..entry }, bytes.len() - length)));
        assert_eq!(read(&[0; 64]), None);
    }
}
