//! The body of a snapshot: blocks of a length, a checksum and that many bytes; an empty block ends it.

use std::io::{self, Read, Write};

use twox_hash::XxHash3_64;

use super::SnapshotError;

/// The most bytes in a block, and so the most that a damaged length can make us allocate.
const BLOCK: usize = 1 << 16;

/// The block's position goes into its checksum, so that blocks cannot change places.
fn checksum(position: u64, block: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(position, block)
}

/// Splits what is put into it into blocks.
pub(super) struct BlockWriter<'a, W> {
    writer: &'a mut W,
    block: Vec<u8>,
    position: u64,
}

impl<'a, W: Write> BlockWriter<'a, W> {
    pub fn new(writer: &'a mut W) -> Self {
        Self { writer, block: Vec::with_capacity(BLOCK), position: 0 }
    }

    pub fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((fits, rest)) = bytes.split_at_checked(BLOCK - self.block.len()) {
            self.block.extend_from_slice(fits);
            self.flush_block()?;
            bytes = rest;
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    pub fn put_u64(&mut self, value: u64) -> io::Result<()> {
        self.put(&value.to_le_bytes())
    }

    pub fn put_i64(&mut self, value: i64) -> io::Result<()> {
        self.put(&value.to_le_bytes())
    }

    pub fn put_length(&mut self, length: usize) -> io::Result<()> {
        self.put_u64(length as u64)
    }

    pub fn finish(mut self) -> io::Result<()> {
        if !self.block.is_empty() {
            self.flush_block()?;
        }
        self.flush_block()
    }

    fn flush_block(&mut self) -> io::Result<()> {
        // A block is never longer than `BLOCK`.
        self.writer.write_all(&(self.block.len() as u32).to_le_bytes())?;
        self.writer.write_all(&checksum(self.position, &self.block).to_le_bytes())?;
        self.writer.write_all(&self.block)?;
        self.position += 1;
        self.block.clear();
        Ok(())
    }
}

/// Gives back what a [`BlockWriter`] was given.
pub(super) struct BlockReader<'a, R> {
    reader: &'a mut R,
    block: Vec<u8>,
    /// Bytes of the block that have been taken.
    taken: usize,
    position: u64,
}

impl<'a, R: Read> BlockReader<'a, R> {
    pub fn new(reader: &'a mut R) -> Self {
        Self { reader, block: Vec::new(), taken: 0, position: 0 }
    }

    pub fn take<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut bytes = [0; N];
        let mut missing = bytes.as_mut_slice();
        while !missing.is_empty() {
            let here = self.available(missing.len())?;
            let (filled, rest) = missing.split_at_mut(here.len());
            filled.copy_from_slice(here);
            missing = rest;
        }
        Ok(bytes)
    }

    pub fn take_u64(&mut self) -> Result<u64, SnapshotError> {
        self.take().map(u64::from_le_bytes)
    }

    pub fn take_i64(&mut self) -> Result<i64, SnapshotError> {
        self.take().map(i64::from_le_bytes)
    }

    /// That many bytes; the memory grows with what is there, not with what is claimed.
    pub fn take_bytes(&mut self, mut length: usize) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = Vec::new();
        while length > 0 {
            let here = self.available(length)?;
            bytes.reserve_exact(here.len());
            bytes.extend_from_slice(here);
            length -= here.len();
        }
        Ok(bytes)
    }

    pub fn take_length(&mut self) -> Result<usize, SnapshotError> {
        usize::try_from(self.take_u64()?).map_err(|_| SnapshotError::Corrupt { what: "a length is out of range" })
    }

    /// The content has been taken: nothing may be left of it.
    pub fn finish(mut self) -> Result<(), SnapshotError> {
        if self.taken < self.block.len() || self.next_block()? {
            return Err(SnapshotError::Corrupt { what: "it holds more than its signals need" });
        }
        Ok(())
    }

    /// Takes between one and `most` bytes.
    fn available(&mut self, most: usize) -> Result<&[u8], SnapshotError> {
        if self.taken == self.block.len() && !self.next_block()? {
            return Err(SnapshotError::Corrupt { what: "it holds less than its signals need" });
        }
        let start = self.taken;
        self.taken = self.block.len().min(start.saturating_add(most));
        Ok(self.block.get(start..self.taken).unwrap_or_default())
    }

    /// Reads a block; false if it was the empty one at the end.
    fn next_block(&mut self) -> Result<bool, SnapshotError> {
        let length = u32::from_le_bytes(read_array(self.reader)?);
        let expected = u64::from_le_bytes(read_array(self.reader)?);
        if length as usize > BLOCK {
            return Err(SnapshotError::Corrupt { what: "a block is too long" });
        }
        self.block.clear();
        self.taken = 0;
        self.reader.take(u64::from(length)).read_to_end(&mut self.block).map_err(SnapshotError::Read)?;
        if self.block.len() < length as usize {
            return Err(SnapshotError::Truncated);
        }
        if checksum(self.position, &self.block) != expected {
            return Err(SnapshotError::Corrupt { what: "a checksum does not match" });
        }
        self.position += 1;
        Ok(length > 0)
    }
}

pub(super) fn read_array<const N: usize>(reader: &mut impl Read) -> Result<[u8; N], SnapshotError> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => SnapshotError::Truncated,
        _ => SnapshotError::Read(error),
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, BlockReader, BlockWriter};

    #[test]
    fn what_is_put_comes_back_across_blocks() {
        let long: Vec<u8> = (0..3 * BLOCK + 17).map(|i| i as u8).collect();
        let mut bytes = Vec::new();
        let mut writer = BlockWriter::new(&mut bytes);
        writer.put(&long).unwrap();
        writer.put_i64(-5).unwrap();
        writer.finish().unwrap();

        let mut rest = bytes.as_slice();
        let mut reader = BlockReader::new(&mut rest);
        assert_eq!(reader.take_bytes(long.len()).unwrap(), long);
        assert_eq!(reader.take_i64().unwrap(), -5);
        reader.finish().unwrap();
        assert!(rest.is_empty());
    }
}
