//! A state that explains itself: the signals file it belongs to, then the kernel. What the pipeline hands to services.
//!
//! A magic, a format, the length of the file as JSON, the file, the kernel's own snapshot and nothing after it. The kernel's
//! part names the fingerprint of its plan, so a signals file that was damaged into another valid one is refused as well.

use std::io::{self, Write};

use lakehouse_spec::SignalsSpec;

use crate::{Kernel, Plan, PlanError, SnapshotError};

const MAGIC: [u8; 8] = *b"lkonline";

/// Raised whenever the bytes before the kernel's part change their meaning.
const VERSION: u32 = 1;

/// A kernel's state together with its signals file.
#[derive(Debug)]
pub struct Snapshot;

/// Why a state was refused.
#[derive(Debug, thiserror::Error)]
pub enum PortableError {
    /// Something else was read.
    #[error("failed to load the online state: these bytes are not one")]
    NotAState,
    /// Written by another version of the program.
    #[error("failed to load the online state: it has format {found}, this program reads {VERSION}")]
    Version {
        /// The format it has.
        found: u32,
    },
    /// It ends too early.
    #[error("failed to load the online state: it is cut short")]
    Truncated,
    /// Its signals file cannot be read.
    #[error("failed to read the signals file of the online state")]
    Spec(#[source] serde_json::Error),
    /// Its signals file has no plan.
    #[error("failed to plan the signals of the online state")]
    Plan(#[source] PlanError),
    /// Its kernel cannot be read, or belongs to other signals.
    #[error("failed to read the kernel of the online state")]
    Kernel(#[source] SnapshotError),
    /// Bytes follow it.
    #[error("failed to load the online state: {0} bytes follow it")]
    Trailing(usize),
}

impl Snapshot {
    /// Writes `kernel`, which is a state of the plan of `spec`. The same file and equal streams of events give equal bytes.
    pub fn write(spec: &SignalsSpec, kernel: &Kernel, writer: &mut impl Write) -> io::Result<()> {
        let spec = serde_json::to_vec(spec)?;
        writer.write_all(&MAGIC)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        writer.write_all(&(spec.len() as u64).to_le_bytes())?;
        writer.write_all(&spec)?;
        kernel.write_to(writer)
    }

    /// Reads what [`write`](Self::write) wrote, and nothing else.
    pub fn read(bytes: &[u8]) -> Result<(SignalsSpec, Kernel), PortableError> {
        let (magic, rest) = split::<8>(bytes)?;
        if magic != MAGIC {
            return Err(PortableError::NotAState);
        }
        let (version, rest) = split(rest)?;
        let found = u32::from_le_bytes(version);
        if found != VERSION {
            return Err(PortableError::Version { found });
        }
        let (length, rest) = split(rest)?;
        let length = usize::try_from(u64::from_le_bytes(length)).map_err(|_| PortableError::Truncated)?;
        let (spec, mut rest) = rest.split_at_checked(length).ok_or(PortableError::Truncated)?;
        let spec: SignalsSpec = serde_json::from_slice(spec).map_err(PortableError::Spec)?;
        let plan = Plan::compile(&spec).map_err(PortableError::Plan)?;
        let kernel = Kernel::read_from(&mut rest, &plan).map_err(PortableError::Kernel)?;
        if rest.is_empty() { Ok((spec, kernel)) } else { Err(PortableError::Trailing(rest.len())) }
    }
}

fn split<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), PortableError> {
    bytes.split_first_chunk().map(|(first, rest)| (*first, rest)).ok_or(PortableError::Truncated)
}
