//! A sample as a folder of files.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use lakehouse_generate::{Date, StagedFile, publish};

use super::{
    GenerateError, NetworkSample, Record, Verdict,
    calendar::DAY,
    sites::generate_topology,
    stream,
    text::{FIREWALL_HEADER, INCIDENT_HEADER, Line, TELEMETRY_HEADER},
};
use crate::Topology;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkSummary {
    /// Rows of `telemetry.csv`.
    pub telemetry_rows: u64,
    /// Rows of `incidents.csv`.
    pub incidents: u64,
    /// Incidents that announced themselves.
    pub announced_incidents: u64,
    /// Incidents that followed another.
    pub caused_incidents: u64,
    /// Symptoms that led to nothing; they are in the telemetry, and nowhere else.
    pub false_alarms: u64,
    /// Lines of all firewall logs.
    pub firewall_rows: u64,
    /// Lines among them that are about attacks.
    pub attack_rows: u64,
    /// Lines among them that are damaged.
    pub damaged_rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// The files, in the order in which they got their names.
    pub files: Vec<PathBuf>,
}

/// Writes a sample of a network into a folder: of the given one, or of one that is made up.
///
/// The files are `topology.json`, `incidents.csv`, a firewall log `classified_<month>_<year>.csv` per month, and
/// `telemetry.csv`. Each appears whole; `telemetry.csv` is the last, so where it stands the others stand too.
///
/// # Errors
///
/// If an argument is out of its range, a file cannot be written, or the folder holds firewall logs of other months, which
/// would be taken for part of the sample.
pub fn generate_network(
    sample: &NetworkSample,
    topology: Option<&Topology>,
    folder: &Path,
) -> Result<NetworkSummary, GenerateError> {
    sample.check()?;
    let made_up;
    let topology = match topology {
        Some(topology) => topology,
        None => {
            made_up = generate_topology(sample)?;
            &made_up
        }
    };
    fs::create_dir_all(folder).map_err(|source| GenerateError::Folder { path: folder.to_owned(), source })?;
    refuse_stale_logs(sample, folder)?;
    let mut files = Files::create(folder)?;
    let mut topology_file = StagedFile::create(folder, "topology.json")?;
    topology_file.write(topology.to_json().map_err(|source| GenerateError::Sink(source.into()))?.as_bytes())?;
    topology_file.end()?;
    let false_alarms = stream::run(sample, topology, |record| files.put(record))?;
    let Files { telemetry, incidents, logs, mut summary, .. } = files;
    let all: Vec<StagedFile> = [topology_file, incidents].into_iter().chain(logs).chain([telemetry]).collect();
    summary.false_alarms = false_alarms;
    summary.bytes = all.iter().map(StagedFile::bytes).sum();
    summary.files = all.iter().map(|file| file.path().to_owned()).collect();
    publish(all)?;
    Ok(summary)
}

fn log_name(date: Date) -> String {
    format!("classified_{}_{}.csv", date.month_name(), date.year)
}

/// Logs of months that this sample does not write would be read with it.
fn refuse_stale_logs(sample: &NetworkSample, folder: &Path) -> Result<(), GenerateError> {
    let first = sample.first_minute()?;
    let days = first / DAY..=(first + i64::from(sample.duration_min) - 1) / DAY;
    let own: BTreeSet<String> = days.map(|day| log_name(Date::from_days(day))).collect();
    let unreadable = |source| GenerateError::Folder { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
        if name.starts_with("classified_") && name.ends_with(".csv") && !own.contains(&name) {
            return Err(GenerateError::Stale { path: folder.join(name) });
        }
    }
    Ok(())
}

/// The files under way, and what is in them.
struct Files {
    folder: PathBuf,
    telemetry: StagedFile,
    incidents: StagedFile,
    /// By month; only the last is open.
    logs: Vec<StagedFile>,
    month: Option<(i64, u8)>,
    line: Line,
    summary: NetworkSummary,
}

impl Files {
    fn create(folder: &Path) -> Result<Self, GenerateError> {
        let open = |name: &str, header: &[u8]| {
            let mut file = StagedFile::create(folder, name)?;
            file.write(header)?;
            Ok::<_, GenerateError>(file)
        };
        Ok(Self {
            folder: folder.to_owned(),
            telemetry: open("telemetry.csv", TELEMETRY_HEADER)?,
            incidents: open("incidents.csv", INCIDENT_HEADER)?,
            logs: Vec::new(),
            month: None,
            line: Line::default(),
            summary: NetworkSummary::default(),
        })
    }

    fn put(&mut self, record: &Record<'_>) -> Result<(), GenerateError> {
        let file = match record {
            Record::Node(row) => {
                self.line.node(row);
                self.summary.telemetry_rows += 1;
                &mut self.telemetry
            }
            Record::Link(row) => {
                self.line.link(row);
                self.summary.telemetry_rows += 1;
                &mut self.telemetry
            }
            Record::Incident(row) => {
                self.line.incident(row);
                self.summary.incidents += 1;
                self.summary.announced_incidents += u64::from(row.precursor_min > 0);
                self.summary.caused_incidents += u64::from(row.caused_by.is_some());
                &mut self.incidents
            }
            Record::Firewall(row) => {
                self.turn_month(row.minute)?;
                self.line.firewall(row);
                self.summary.firewall_rows += 1;
                self.summary.attack_rows += u64::from(matches!(row.verdict, Verdict::Attack(_)));
                self.summary.damaged_rows += u64::from(row.second.is_none());
                match self.logs.last_mut() {
                    Some(log) => log,
                    None => return Ok(()),
                }
            }
        };
        Ok(file.write(&self.line.bytes)?)
    }

    /// Begins a log with the first line of a month.
    fn turn_month(&mut self, minute: i64) -> Result<(), GenerateError> {
        let date = Date::from_days(minute.div_euclid(DAY));
        if self.month == Some((date.year, date.month)) {
            return Ok(());
        }
        if let Some(log) = self.logs.last_mut() {
            log.end()?;
        }
        let mut log = StagedFile::create(&self.folder, &log_name(date))?;
        log.write(FIREWALL_HEADER)?;
        self.logs.push(log);
        self.month = Some((date.year, date.month));
        Ok(())
    }
}
