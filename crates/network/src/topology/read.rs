//! The door for files and bytes.

use std::{fmt, fs, path::Path};

use super::{DerivationSettings, Topology, TopologyError, check::check, gml, graphml, json};

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 256 << 20;

/// How a topology is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopologyFormat {
    /// `graph [ node [ … ] edge [ … ] ]`.
    Gml,
    /// XML with declared attributes.
    GraphMl,
    /// Node-link, or our own form.
    Json,
}

impl fmt::Display for TopologyFormat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gml => "GML",
            Self::GraphMl => "GraphML",
            Self::Json => "JSON",
        })
    }
}

/// Reads a topology out of bytes in a known format.
///
/// # Errors
///
/// If the bytes do not follow the format, or what they say cannot be a network.
pub fn read_topology(bytes: &[u8], format: TopologyFormat, settings: &DerivationSettings) -> Result<Topology, TopologyError> {
    if bytes.len() > LARGEST_FILE {
        return Err(TopologyError::TooLarge { what: "bytes", found: bytes.len(), limit: LARGEST_FILE });
    }
    let raw = match format {
        TopologyFormat::Gml => gml::read(bytes),
        TopologyFormat::GraphMl => graphml::read(bytes),
        TopologyFormat::Json => json::read(bytes),
    };
    check(raw?, settings)
}

/// Reads a topology from a file whose name ends in `.gml`, `.graphml` or `.json`. One that has no name gets the file's.
///
/// # Errors
///
/// As [`read_topology`], and if the file cannot be read or its name tells no format.
pub fn read_topology_file(path: &Path, settings: &DerivationSettings) -> Result<Topology, TopologyError> {
    let extension = path.extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    let format = match extension.as_deref() {
        Some("gml") => TopologyFormat::Gml,
        Some("graphml") => TopologyFormat::GraphMl,
        Some("json") => TopologyFormat::Json,
        _ => return Err(TopologyError::UnknownFormat { path: path.to_owned() }),
    };
    let bytes = fs::read(path).map_err(|source| TopologyError::Read { path: path.to_owned(), source })?;
    let mut topology = read_topology(&bytes, format, settings)?;
    if topology.name().is_empty()
        && let Some(stem) = path.file_stem()
    {
        topology.set_name(stem.to_string_lossy().into_owned());
    }
    Ok(topology)
}
