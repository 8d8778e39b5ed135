//! Entries as bytes: length, checksum, JSON.

use twox_hash::XxHash3_64;

use super::Entry;

const HEADER_BYTES: usize = 12;
/// No entry is as long as this: a longer one is damage.
const MAX_ENTRY_BYTES: usize = 1 << 20;

/// Appends an entry.
pub fn write(entry: &Entry, out: &mut Vec<u8>) -> serde_json::Result<()> {
    let start = out.len();
    out.resize(start + HEADER_BYTES, 0);
    if let Err(error) = serde_json::to_writer(&mut *out, entry) {
        out.truncate(start);
        return Err(error);
    }
    let (header, json) = out[start..].split_at_mut(HEADER_BYTES);
    let (length, checksum) = header.split_at_mut(4);
    length.copy_from_slice(&(json.len() as u32).to_le_bytes());
    checksum.copy_from_slice(&XxHash3_64::oneshot(json).to_le_bytes());
    Ok(())
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
