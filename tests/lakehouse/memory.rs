//! What a run may hold: too little fails with the setting's name, a modest limit is kept by spilling.

use std::path::Path;

use crate::{
    full_disks::{ADVICE, SmallDisk},
    program::{Workspace, contents},
};

const ROWS: u32 = 120_000;
/// What the program needs besides its limit: its code and data, allocator, and what is on its way between threads.
const BESIDES_MIB: u64 = 400;
const MODEST_MIB: u64 = 64;

/// A run under a limit that spills to `spill`, and the largest resident set of its process in MiB.
fn run_within(workspace: &Workspace, mebibytes: u64, spill: &Path) -> (std::process::Output, u64) {
    let mut command = std::process::Command::new("python3");
    let program = "import os, resource, subprocess, sys\n\
                   code = subprocess.call(sys.argv[1:])\n\
                   print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr)\n\
                   sys.exit(code)";
    let run = workspace.command(&["run", "fraud", "--sources", "sources", "--skip-training", "--json"]);
    command.args(["-c", program]).arg(run.get_program()).args(run.get_args());
    command.current_dir(workspace.path()).env("LAKEHOUSE_MEMORY_LIMIT_MB", mebibytes.to_string()).env("TMPDIR", spill);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let peak = said.lines().find_map(|line| line.strip_prefix("peak ")).unwrap_or_else(|| panic!("{said}")).parse().unwrap();
    (output, peak)
}

#[test]
fn too_little_memory_is_an_error_that_names_the_setting_and_a_modest_limit_is_kept_by_spilling() {
    let (workspace, disk) = (Workspace::with_sample(ROWS), SmallDisk::new(1));
    let (output, _) = run_within(&workspace, 1, workspace.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("what to do: raise memory_limit_mb"), "{said}");

    disk.fill(0);
    let (output, _) = run_within(&workspace, MODEST_MIB, disk.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "it spills: {said}");
    assert!(said.contains(ADVICE) && !said.contains("panicked"), "{said}");

    let whole = Workspace::with_sample(ROWS);
    whole.run().good();
    let (output, peak) = run_within(&workspace, MODEST_MIB, workspace.path());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(contents(&workspace), contents(&whole));
    assert!(peak < MODEST_MIB + BESIDES_MIB, "{peak} MiB");
    println!("{ROWS} rows within {MODEST_MIB} MiB, after two failures: peak of {peak} MiB resident");
}
