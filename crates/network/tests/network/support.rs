//! Networks to tell stories about.

use std::path::{Path, PathBuf};

use lakehouse_network::{
    Topology,
    topology::{DerivationSettings, TopologyFormat, read_topology, read_topology_file},
};

/// The folder of real graphs. It lies beside the project and is not optional: without it the tests say nothing.
pub fn real_folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/network");
    assert!(folder.is_dir(), "../shared/data/network is not beside the repository: put the real graphs there");
    folder
}

/// The real graphs of one format, sorted by path.
pub fn real_files(extension: &str) -> Vec<PathBuf> {
    let files = |folder: &str| std::fs::read_dir(real_folder().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = files("topozoo").chain(files("sndlib")).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    files
}

/// One real graph, by folder and file name.
pub fn real(path: &str) -> Topology {
    read_topology_file(&real_folder().join(path), &DerivationSettings::default()).unwrap()
}

/// A topology in our own JSON form.
pub fn json(text: &str) -> Topology {
    read_topology(text.as_bytes(), TopologyFormat::Json, &DerivationSettings::default()).unwrap()
}
