//! Searching classified firewall logs: files of a month, `classified_*.csv`.
//!
//! A file is read once for an index of 17 bytes a line (when, what, where in the file) and again only when it has changed. A
//! search looks the range up, counts by type from the index, and reads the lines of its page alone. Damaged lines are counted.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead as _, BufReader},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::instant;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub enum IncidentType {
    /// Traffic in order.
    #[serde(rename = "OK")]
    Ok,
    /// A fault of the firewall.
    Bug,
    /// An attack.
    Attack,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LogLine {
    /// When, as the log writes it.
    pub timestamp: String,
    /// The firewall.
    pub firewall_id: String,
    /// Where the packet came from.
    pub src_ip: String,
    /// Where it was to go.
    pub dst_ip: String,
    /// `TCP`, `UDP` or `ICMP`.
    pub protocol: String,
    /// `ALLOW` or `DENY`.
    pub action: String,
    /// `OK`, `Bug` or `Attack`.
    pub incident_type: String,
    /// What failed; null unless it is a bug.
    pub bug_type: Option<String>,
    /// Kind of attack; null unless it is one.
    pub attack_type: Option<String>,
}

/// Lines by what they are about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Traffic in order.
    pub ok: u64,
    /// Faults.
    pub bug: u64,
    /// Attacks.
    pub attack: u64,
}

/// Which lines are looked for.
#[derive(Debug, Clone)]
pub struct Search {
    /// From this second since 1970 on.
    pub from: i64,
    /// To this one, included.
    pub to: i64,
    /// About these; empty means all.
    pub types: Vec<IncidentType>,
    /// Lines to skip and to return at most.
    pub page: (usize, usize),
}

/// The indices of a folder's logs.
#[derive(Debug, Default)]
pub struct Firewalls {
    known: Mutex<BTreeMap<PathBuf, Known>>,
}

/// A file as it was when it was indexed.
#[derive(Debug)]
struct Known {
    bytes: u64,
    modified: SystemTime,
    index: Arc<Index>,
}

#[derive(Debug, Default)]
struct Index {
    /// By time, then place.
    lines: Vec<(i64, u64, IncidentType)>,
    damaged: u64,
}

impl Firewalls {
    /// What the search finds: counts of all, and the lines of the page by time.
    pub fn search(&self, folder: &Path, search: &Search) -> io::Result<(Counts, Vec<LogLine>)> {
        let (mut counts, mut skipped, mut page) = (Counts::default(), 0, Vec::new());
        for (path, index) in self.by_time(folder)? {
            let lines = &index.lines;
            let range = lines.partition_point(|line| line.0 < search.from)..lines.partition_point(|line| line.0 <= search.to);
            let is_asked = |line: &&(i64, u64, IncidentType)| search.types.is_empty() || search.types.contains(&line.2);
            let found = lines.get(range).unwrap_or_default().iter().filter(is_asked);
            let mut wanted = Vec::new();
            for (_, place, kind) in found {
                counts.add(*kind);
                if skipped < search.page.0 {
                    skipped += 1;
                } else if page.len() + wanted.len() < search.page.1 {
                    wanted.push(*place);
                }
            }
            read_lines(&path, &wanted, &mut page)?;
        }
        Ok((counts, page))
    }

    /// All lines by what they are about, how many are damaged, and the files.
    pub fn stats(&self, folder: &Path) -> io::Result<(Counts, u64, Vec<String>)> {
        let (mut counts, mut damaged, mut names) = (Counts::default(), 0, Vec::new());
        for (path, index) in self.by_time(folder)? {
            index.lines.iter().for_each(|line| counts.add(line.2));
            damaged += index.damaged;
            names.extend(path.file_stem().and_then(|name| name.to_str()?.strip_prefix("classified_").map(str::to_owned)));
        }
        Ok((counts, damaged, names))
    }

    /// The logs of a folder, indexed, the earliest first.
    fn by_time(&self, folder: &Path) -> io::Result<Vec<(PathBuf, Arc<Index>)>> {
        let mut logs = Vec::new();
        for entry in folder.read_dir()? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("classified_") && name.ends_with(".csv") {
                logs.push((path.clone(), self.index(&path)?));
            }
        }
        logs.sort_by_key(|(path, index)| (index.lines.first().map(|line| line.0), path.clone()));
        Ok(logs)
    }

    fn index(&self, path: &Path) -> io::Result<Arc<Index>> {
        let metadata = path.metadata()?;
        let (bytes, modified) = (metadata.len(), metadata.modified()?);
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known().get(path)
            && (known.bytes, known.modified) == (bytes, modified)
        {
            return Ok(Arc::clone(&known.index));
        }
        let index = Arc::new(Index::read(path)?);
        known().insert(path.to_owned(), Known { bytes, modified, index: Arc::clone(&index) });
        Ok(index)
    }
}

impl Index {
    fn read(path: &Path) -> io::Result<Self> {
        let (mut index, mut place, mut line) = (Self::default(), 0, Vec::new());
        let mut reader = BufReader::with_capacity(1 << 20, File::open(path)?);
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                break;
            }
            let is_header = place == 0;
            match parse(&line).and_then(|line| Some((instant::parse(&line.timestamp)?, kind(&line.incident_type)?))) {
                Some((at, kind)) => index.lines.push((at.as_second(), place, kind)),
                None if is_header || line.trim_ascii().is_empty() => {}
                None => index.damaged += 1,
            }
            place += length;
        }
        index.lines.sort_unstable();
        Ok(index)
    }
}

impl Counts {
    /// All of them.
    pub fn total(self) -> u64 {
        self.ok + self.bug + self.attack
    }

    fn add(&mut self, kind: IncidentType) {
        match kind {
            IncidentType::Ok => self.ok += 1,
            IncidentType::Bug => self.bug += 1,
            IncidentType::Attack => self.attack += 1,
        }
    }
}

fn kind(text: &str) -> Option<IncidentType> {
    match text {
        "OK" => Some(IncidentType::Ok),
        "Bug" => Some(IncidentType::Bug),
        "Attack" => Some(IncidentType::Attack),
        _ => None,
    }
}

/// The nine fields of a line. Logs quote nothing: a line with a quote in it counts as damaged.
fn parse(line: &[u8]) -> Option<LogLine> {
    let line = std::str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
    let fields: Vec<&str> = line.split(',').collect();
    let [timestamp, firewall_id, src_ip, dst_ip, protocol, action, incident_type, bug_type, attack_type] =
        fields.try_into().ok()?;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Some(LogLine {
        timestamp: some(timestamp)?,
        firewall_id: firewall_id.to_owned(),
        src_ip: src_ip.to_owned(),
        dst_ip: dst_ip.to_owned(),
        protocol: protocol.to_owned(),
        action: action.to_owned(),
        incident_type: incident_type.to_owned(),
        bug_type: some(bug_type),
        attack_type: some(attack_type),
    })
}

/// Appends the lines that begin at `places`.
fn read_lines(path: &Path, places: &[u64], page: &mut Vec<LogLine>) -> io::Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mut file = BufReader::new(File::open(path)?);
    let (mut line, mut at) = (Vec::new(), 0);
    for place in places {
        // Most lines follow each other: what is already in the buffer is kept.
        file.seek_relative(place.cast_signed() - at)?;
        line.clear();
        let length = file.read_until(b'\n', &mut line)?;
        at = place.cast_signed() + length as i64;
        page.extend(parse(&line));
    }
    Ok(())
}
