//! Disks that are full: of tables, of the metadata database, of what queries spill.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::program::{Workspace, contents};

pub const ADVICE: &str = "what to do: make room on the disk";

/// A disk of a few MiB, in memory.
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    pub fn new(mebibytes: u32) -> Self {
        let disk = Self { folder: TempDir::new().unwrap() };
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(disk.path()).output().unwrap();
        let said = String::from_utf8_lossy(&mounted.stderr);
        assert!(mounted.status.success(), "a small disk needs the right to mount a tmpfs, which root has: {said}");
        disk
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves no more than `free` bytes.
    pub fn fill(&self, free: usize) -> PathBuf {
        let filler = self.path().join("filler");
        let chunk = vec![0; 64 * 1024];
        let mut file = fs::File::create(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &chunk).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length.saturating_sub(free as u64)).unwrap();
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// A lake of 200 transactions, then 2,000 wait in the sources.
fn grown_on(disk: &SmallDisk, database: &str) -> Workspace {
    let lake = disk.path().join("lake");
    let workspace = Workspace::new().with_lake(lake.to_str().unwrap()).with_environment("LAKEHOUSE_DATABASE_URL", database);
    workspace.generate(&["--transactions", "200"]);
    workspace.run().good();
    workspace.generate(&["--transactions", "2000"]);
    workspace
}

#[test]
fn a_lake_on_a_full_disk_stays_as_it_was_until_there_is_room() {
    let whole = Workspace::with_sample(2_000);
    whole.run().good();
    let count = "select count(*) from silver.transactions";
    let mut failures = 0;
    for free_kib in [0, 40, 150, 300] {
        let disk = SmallDisk::new(8);
        let elsewhere = TempDir::new().unwrap();
        let workspace = grown_on(&disk, &format!("sqlite://{}/metadata.db", elsewhere.path().display()));
        let filler = disk.fill(free_kib * 1024);

        let ran = workspace.run().bad();

        assert!(ran.stderr().contains("No space left on device") && ran.stderr().contains(ADVICE), "{}", ran.stderr());
        let rows = workspace.value(count);
        assert!(rows == "200" || rows == "2000", "{rows} rows of a table that had 200");
        failures += 1;
        fs::remove_file(filler).unwrap();
        workspace.run().good();
        let told = workspace.path().join("lake");
        std::os::unix::fs::symlink(disk.path().join("lake"), told).unwrap();
        assert_eq!(contents(&workspace), contents(&whole), "{free_kib} KiB were free");
    }
    println!("{failures} disks with 0 to 300 KiB left, each made good");
}

#[test]
fn a_metadata_database_on_a_full_disk_is_said_before_a_table_is_touched() {
    let disk = SmallDisk::new(8);
    let database = format!("sqlite://{}/metadata.db", disk.path().display());
    let workspace = Workspace::with_sample(200).with_environment("LAKEHOUSE_DATABASE_URL", &database);
    let filler = disk.fill(0);

    let ran = workspace.run().bad();

    assert!(ran.stderr().contains("metadata") && ran.stderr().contains(ADVICE), "{}", ran.stderr());
    assert!(!workspace.lake().join("bronze").exists());
    fs::remove_file(filler).unwrap();
    workspace.run().good();
}
