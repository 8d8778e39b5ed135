//! Writes a sample into a folder and says how fast.
//!
//! `cargo run --release -p lakehouse-network --example sample_speed FOLDER [days] [topology file]`
#![expect(clippy::print_stdout, reason = "an example prints what it measures")]

use std::{error::Error, path::Path, time::Instant};

use lakehouse_network::{
    generator::{NetworkSample, generate_network},
    topology::{DerivationSettings, read_topology_file},
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name a folder")?;
    let days: u32 = arguments.next().map_or(Ok(30), |days| days.parse())?;
    let settings = DerivationSettings::default();
    let topology = arguments.next().map(|file| read_topology_file(Path::new(&file), &settings)).transpose()?;
    let sample = NetworkSample { duration_min: days * 1_440, ..NetworkSample::default() };
    let start = Instant::now();
    let summary = generate_network(&sample, topology.as_ref(), Path::new(&folder))?;
    let seconds = start.elapsed().as_secs_f64();
    println!("{summary:#?}");
    let rows = summary.telemetry_rows + summary.firewall_rows;
    println!("{seconds:.2} s, {:.2} M rows/s", rows as f64 / seconds / 1e6);
    Ok(())
}
