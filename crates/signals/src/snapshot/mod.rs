//! Snapshots: the state of a kernel as bytes, written by the pipeline and loaded by services.
//!
//! A header names the format and the plan's fingerprint; the state follows in checksummed blocks and ends in an empty one.
//! So a file that is cut short, damaged or of other signals is refused before any of its content is believed, and memory
//! grows with what has been read, not with what is claimed.

mod blocks;
mod states;

use std::io::{self, Read, Write};

use crate::{Kernel, Plan};
use blocks::{BlockReader, BlockWriter};

const MAGIC: [u8; 8] = *b"lksignal";

/// Raised whenever the bytes change their meaning, the hash behind [`Key`](crate::Key) included.
const VERSION: u32 = 1;

/// Why a snapshot was refused.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The reader failed.
    #[error("failed to read the snapshot")]
    Read(#[source] io::Error),
    /// Something else was read.
    #[error("failed to load the snapshot: these bytes are not one")]
    NotASnapshot,
    /// Written by another version of the program.
    #[error("failed to load the snapshot: it has format {found}, this program reads {VERSION}")]
    Version {
        /// The format it has.
        found: u32,
    },
    /// Written for other signals.
    #[error("failed to load the snapshot: it holds the signals {found:016x}, asked for are {expected:016x}")]
    OtherSignals {
        /// The fingerprint of the plan.
        expected: u64,
        /// The fingerprint in the snapshot.
        found: u64,
    },
    /// It ends too early.
    #[error("failed to load the snapshot: it is cut short")]
    Truncated,
    /// Its content cannot be.
    #[error("failed to load the snapshot: it is damaged, {what}")]
    Corrupt {
        /// What is wrong.
        what: &'static str,
    },
}

impl Kernel {
    /// Writes the state. Equal streams of events give equal bytes.
    pub fn write_to(&self, writer: &mut impl Write) -> io::Result<()> {
        writer.write_all(&MAGIC)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        writer.write_all(&self.plan().fingerprint().to_le_bytes())?;
        let mut blocks = BlockWriter::new(writer);
        for entity in self.entities() {
            states::write(entity, &mut blocks)?;
        }
        blocks.finish()
    }

    /// Reads a state written for the same plan. What follows it is left in the reader.
    pub fn read_from(reader: &mut impl Read, plan: &Plan) -> Result<Self, SnapshotError> {
        if blocks::read_array(reader)? != MAGIC {
            return Err(SnapshotError::NotASnapshot);
        }
        let found = u32::from_le_bytes(blocks::read_array(reader)?);
        if found != VERSION {
            return Err(SnapshotError::Version { found });
        }
        let (found, expected) = (u64::from_le_bytes(blocks::read_array(reader)?), plan.fingerprint());
        if found != expected {
            return Err(SnapshotError::OtherSignals { expected, found });
        }
        let mut kernel = Self::new(plan);
        let mut blocks = BlockReader::new(reader);
        for entity in kernel.entities_mut() {
            states::read(entity, &mut blocks)?;
        }
        blocks.finish()?;
        Ok(kernel)
    }
}
