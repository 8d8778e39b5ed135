//! Made-up telemetry, incidents and logs.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use lakehouse_generate::StagedError;
use lakehouse_network::{
    Topology,
    generator::{
        GenerateError, NetworkSample, NetworkSummary, Record, Severity, Verdict, generate_network, generate_topology,
        stream_network,
    },
};

use crate::support::{json, real};

const DAY: i64 = 1_440;

fn write(sample: &NetworkSample, topology: Option<&Topology>, folder: &Path) -> NetworkSummary {
    generate_network(sample, topology, folder).unwrap()
}

/// FNV-1a over names and contents: enough to notice a change.
fn fingerprint(summary: &NetworkSummary) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in &summary.files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned().into_bytes();
        for byte in name.into_iter().chain(fs::read(file).unwrap()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

fn files_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn equal_arguments_give_equal_bytes_now_and_ever() {
    let [one, other, third] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let sample = NetworkSample::default();
    let first = write(&sample, None, one.path());
    let second = write(&sample, None, other.path());
    assert_eq!(fingerprint(&first), fingerprint(&second));
    assert_eq!(fingerprint(&first), PINNED, "the bytes of the default sample have changed");
    let reseeded = write(&NetworkSample { seed: 43, ..sample }, None, third.path());
    assert_ne!(fingerprint(&first), fingerprint(&reseeded));
}

/// The default sample, to notice when its bytes change.
const PINNED: u64 = 3_130_122_253_356_287_455;

#[test]
fn the_folder_has_the_files_and_the_files_the_columns() {
    let folder = tempfile::tempdir().unwrap();
    let summary = write(&NetworkSample::default(), None, folder.path());
    let names = ["classified_feb_2025.csv", "incidents.csv", "telemetry.csv", "topology.json"];
    assert_eq!(files_in(folder.path()), names);
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    let header = |name: &str| text(name).lines().next().unwrap().to_owned();
    assert_eq!(header("telemetry.csv"), "ts,node_id,link_id,cpu,mem,if_util,pkt_err,latency_ms");
    assert!(header("incidents.csv").starts_with("timestamp,node_id,link_id,type,severity,"));
    let firewall = "timestamp,firewall_id,src_ip,dst_ip,protocol,action,incident_type,bug_type,attack_type";
    assert_eq!(header("classified_feb_2025.csv"), firewall);
    let topology = json(&text("topology.json"));
    let elements = topology.nodes().len() + topology.links().len();
    assert_eq!(summary.telemetry_rows, 1_440 * elements as u64);
    for (name, rows) in [("telemetry.csv", summary.telemetry_rows), ("incidents.csv", summary.incidents)] {
        let text = text(name);
        assert_eq!(text.lines().count() as u64, rows + 1);
        let columns = header(name).split(',').count();
        assert!(text.lines().all(|line| line.split(',').count() == columns));
    }
    let telemetry = text("telemetry.csv");
    let node = telemetry.lines().find(|line| line.contains(",N3,")).unwrap();
    assert!(node.starts_with("2025-02-03T00:00:00Z,N3,,0.") && node.ends_with(','), "{node}");
    let link = telemetry.lines().find(|line| line.contains(",L3,")).unwrap();
    assert!(link.starts_with("2025-02-03T00:00:00Z,,L3,,,0."), "{link}");
    let bytes: u64 = names.iter().map(|name| fs::metadata(folder.path().join(name)).unwrap().len()).sum();
    assert_eq!(summary.bytes, bytes);
}

#[test]
fn logs_are_by_month_and_those_of_other_months_are_not_mixed_in() {
    let folder = tempfile::tempdir().unwrap();
    let sample =
        NetworkSample { start: "2024-12-31".to_owned(), duration_min: 3 * 1_440, freq_min: 30, ..NetworkSample::default() };
    write(&sample, None, folder.path());
    let logs: Vec<String> = files_in(folder.path()).into_iter().filter(|name| name.starts_with("classified")).collect();
    assert_eq!(logs, ["classified_dec_2024.csv", "classified_jan_2025.csv"]);
    for (log, month) in [("classified_dec_2024.csv", "2024-12-31T"), ("classified_jan_2025.csv", "2025-01-0")] {
        let text = fs::read_to_string(folder.path().join(log)).unwrap();
        let times: Vec<&str> = text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
        let whole: Vec<&&str> = times.iter().filter(|time| **time != "CORRUPTED_LINE").collect();
        assert!(whole.iter().all(|time| time.starts_with(month)) && whole.is_sorted());
        assert!(whole.len() > 100);
    }
    write(&sample, None, folder.path());
    let later = NetworkSample { start: "2025-02-01".to_owned(), ..sample };
    let error = generate_network(&later, None, folder.path()).unwrap_err();
    assert!(matches!(error, GenerateError::Stale { .. }), "{error}");
}

/// The rows of a sample, kept.
#[derive(Default)]
struct Kept {
    /// Per node or link: a minute, errors, utilisation, and memory or latency.
    rows: HashMap<String, Vec<(i64, f64, f64, f64)>>,
    incidents: Vec<Incident>,
    firewall: BTreeMap<String, u64>,
    last_minute: i64,
}

struct Incident {
    id: u64,
    element: String,
    is_node: bool,
    minute: i64,
    end_minute: i64,
    severity: Severity,
    caused_by: Option<u64>,
    precursor_min: i64,
}

fn keep(sample: &NetworkSample, topology: &Topology) -> Kept {
    let mut kept = Kept::default();
    stream_network(sample, topology, |record| {
        let minute = match record {
            Record::Node(row) => {
                let values = (row.minute, row.pkt_err.value(), row.if_util.value(), row.mem.value());
                kept.rows.entry(row.node_id.to_owned()).or_default().push(values);
                row.minute
            }
            Record::Link(row) => {
                let values = (row.minute, row.pkt_err.value(), row.if_util.value(), row.latency_ms.value());
                kept.rows.entry(row.link_id.to_owned()).or_default().push(values);
                row.minute
            }
            Record::Incident(row) => {
                kept.incidents.push(Incident {
                    id: row.incident_id,
                    element: row.node_id.or(row.link_id).unwrap().to_owned(),
                    is_node: row.node_id.is_some(),
                    minute: row.minute,
                    end_minute: row.end_minute,
                    severity: row.severity,
                    caused_by: row.caused_by,
                    precursor_min: i64::from(row.precursor_min),
                });
                row.minute
            }
            Record::Firewall(row) => {
                let verdict = match row.verdict {
                    Verdict::Ok => "OK",
                    Verdict::Bug(_) => "Bug",
                    Verdict::Attack(_) => "Attack",
                };
                *kept.firewall.entry(verdict.to_owned()).or_default() += 1;
                row.minute
            }
        };
        assert!(minute >= kept.last_minute, "rows go forward in time");
        kept.last_minute = minute;
        Ok(())
    })
    .unwrap();
    kept
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    sum / count
}

/// Forty days of GÉANT, five minutes apart.
fn forty_days() -> (Topology, Kept) {
    let sample = NetworkSample { duration_min: 40 * 1_440, freq_min: 5, ..NetworkSample::default() };
    let topology = real("sndlib/geant.json");
    let kept = keep(&sample, &topology);
    (topology, kept)
}

#[test]
fn incidents_are_as_frequent_as_asked_mostly_announced_and_sometimes_caused() {
    let (topology, kept) = forty_days();
    let share = |is_node: bool, count: usize| {
        let own = kept.incidents.iter().filter(|incident| incident.is_node == is_node && incident.caused_by.is_none());
        own.map(|incident| (incident.end_minute - incident.minute) as f64).sum::<f64>() / (40 * DAY) as f64 / count as f64
    };
    let nodes = share(true, topology.nodes().len());
    assert!((0.008..0.012).contains(&nodes), "share of time nodes spend in incidents: {nodes}");
    let own: Vec<&Incident> = kept.incidents.iter().filter(|incident| incident.is_node && incident.caused_by.is_none()).collect();
    let announced = own.iter().filter(|incident| incident.precursor_min > 0).count() as f64 / own.len() as f64;
    assert!((0.6..0.8).contains(&announced), "{announced}");
    let by_id: HashMap<u64, &Incident> = kept.incidents.iter().map(|incident| (incident.id, incident)).collect();
    let caused: Vec<&Incident> = kept.incidents.iter().filter(|incident| incident.caused_by.is_some()).collect();
    assert!(caused.len() > 10, "{} caused", caused.len());
    for incident in caused {
        let cause = by_id[&incident.caused_by.unwrap()];
        assert!(cause.severity == Severity::High && cause.minute < incident.minute && incident.minute <= cause.minute + 15);
    }
    assert!(kept.incidents.iter().map(|incident| incident.id).eq(1..=kept.incidents.len() as u64));
}

#[test]
fn symptoms_show_before_announced_incidents_and_not_before_others() {
    let (_, kept) = forty_days();
    let errors_before = |is_announced: bool| {
        let incidents = kept.incidents.iter().filter(|incident| {
            incident.caused_by.is_none() && if is_announced { incident.precursor_min >= 20 } else { incident.precursor_min == 0 }
        });
        let windows = incidents.flat_map(|incident| {
            let rows = kept.rows[&incident.element].iter();
            rows.filter(|(minute, ..)| (incident.minute - 10..incident.minute).contains(minute)).map(|row| row.1)
        });
        mean(windows)
    };
    let usual = mean(kept.rows.values().flatten().map(|row| row.1));
    let (announced, silent) = (errors_before(true), errors_before(false));
    assert!(announced > 3.0 * usual && silent < 2.0 * usual, "announced {announced}, silent {silent}, usual {usual}");
}

#[test]
fn symptoms_that_lead_to_nothing_are_counted_and_in_no_table() {
    let folder = tempfile::tempdir().unwrap();
    let sample = NetworkSample { duration_min: 20 * 1_440, freq_min: 10, firewall_rows_per_min: 0, ..NetworkSample::default() };
    let summary = write(&sample, None, folder.path());
    assert!(summary.false_alarms >= summary.incidents / 8 && summary.false_alarms <= summary.incidents / 2, "{summary:?}");
    assert!(summary.announced_incidents < summary.incidents && summary.caused_incidents > 0, "{summary:?}");
    assert_eq!((summary.firewall_rows, summary.files.len()), (0, 3));
}

#[test]
fn links_are_busy_in_the_afternoon_and_idle_at_night_and_on_sundays() {
    let (topology, kept) = forty_days();
    let used = |day: i64, hours: std::ops::Range<i64>| {
        let rows = topology.links().flat_map(|link| &kept.rows[&link.id]);
        mean(rows.filter(|(minute, ..)| (minute / DAY + 3) % 7 == day && hours.contains(&(minute % DAY / 60))).map(|row| row.2))
    };
    let (afternoon, night, sunday) = (used(1, 12..16), used(1, 2..5), used(6, 12..16));
    assert!(afternoon > 1.8 * night, "afternoon {afternoon}, night {night}");
    assert!(afternoon > 1.2 * sunday, "afternoon {afternoon}, Sunday {sunday}");
}

#[test]
fn a_link_that_is_out_is_empty_and_another_carries_its_load() {
    let (topology, kept) = forty_days();
    let outages: Vec<&Incident> = kept
        .incidents
        .iter()
        .filter(|incident| !incident.is_node && incident.severity == Severity::High && incident.end_minute < kept.last_minute)
        .collect();
    assert!(outages.len() > 5);
    let used = |id: &str, minutes: std::ops::Range<i64>| {
        mean(kept.rows[id].iter().filter(|row| minutes.contains(&row.0)).map(|row| row.2))
    };
    let mut rose = 0;
    for outage in &outages {
        let (during, before) = (outage.minute..outage.end_minute, outage.minute - 10..outage.minute);
        assert_eq!(used(&outage.element, during.clone()), 0.0, "{}", outage.element);
        let more = topology.links().filter(|link| used(&link.id, during.clone()) > used(&link.id, before.clone()) + 0.02).count();
        rose += usize::from(more > 0);
    }
    assert!(rose * 3 > outages.len() * 2, "others rose in {rose} of {} outages", outages.len());
}

#[test]
fn firewalls_log_traffic_faults_attacks_and_damage() {
    let folder = tempfile::tempdir().unwrap();
    let sample = NetworkSample { duration_min: 10 * 1_440, freq_min: 10, ..NetworkSample::default() };
    let summary = write(&sample, None, folder.path());
    let text = fs::read_to_string(folder.path().join("classified_feb_2025.csv")).unwrap();
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [time, firewall, source, target, protocol, action, kind, bug, attack] = fields[..] else { panic!("{line}") };
        *counts.entry(if time == "CORRUPTED_LINE" { time } else { kind }).or_default() += 1;
        assert!(firewall.starts_with("FW_SITE_") && ["TCP", "UDP", "ICMP"].contains(&protocol));
        assert!(["ALLOW", "DENY"].contains(&action));
        assert_eq!((kind == "Bug", kind == "Attack"), (!bug.is_empty(), !attack.is_empty()));
        let is_inside = |ip: &str| ip.starts_with("10.");
        assert!(is_inside(source) != is_inside(target) && [source, target].iter().all(|ip| ip.split('.').count() == 4));
    }
    assert!(summary.damaged_rows > 0 && counts["CORRUPTED_LINE"] == summary.damaged_rows);
    assert!(counts["OK"] > counts["Attack"] && counts["Attack"] > counts["Bug"] && counts["Bug"] > 0, "{counts:?}");
    assert_eq!(summary.firewall_rows, counts.values().sum::<u64>());
}

#[test]
fn a_receiver_that_refuses_stops_the_stream_and_no_file_is_left_half() {
    let mut received = 0;
    let topology = generate_topology(&NetworkSample::default()).unwrap();
    let stopped = stream_network(&NetworkSample::default(), &topology, |_| {
        received += 1;
        if received == 100 { Err(std::io::Error::other("enough")) } else { Ok(()) }
    });
    assert!(matches!(stopped, Err(GenerateError::Sink(_))));
    assert_eq!(received, 100);
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("telemetry.csv")).unwrap();
    let error = generate_network(&NetworkSample::default(), None, folder.path()).unwrap_err();
    assert!(matches!(error, GenerateError::File(StagedError::Publish { .. })), "{error}");
    assert_eq!(files_in(folder.path()), ["telemetry.csv"], "nothing half-written, nothing without its marker");
}

#[test]
fn arguments_that_cannot_be_are_refused() {
    let wrong = |change: fn(&mut NetworkSample)| {
        let mut sample = NetworkSample::default();
        change(&mut sample);
        generate_topology(&sample).unwrap_err().to_string()
    };
    for (error, expected) in [
        (wrong(|sample| sample.num_sites = 0), "`num_sites` of 0: it must be between 1 and 50"),
        (wrong(|sample| sample.nodes_per_site = 21), "`nodes_per_site` of 21"),
        (wrong(|sample| sample.duration_min = 59), "`duration_min` of 59"),
        (wrong(|sample| sample.freq_min = 0), "`freq_min` of 0"),
        (wrong(|sample| sample.incident_rate = f64::NAN), "`incident_rate` of NaN: it must be between 0 and 1"),
        (wrong(|sample| sample.start = "today".to_owned()), "`start` of today: it must be a day between 1970 and 9000"),
    ] {
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn always_in_incidents_and_never_are_possible() {
    let count = |incident_rate: f64| {
        let folder = tempfile::tempdir().unwrap();
        let sample = NetworkSample { incident_rate, firewall_rows_per_min: 0, ..NetworkSample::default() };
        write(&sample, None, folder.path()).incidents
    };
    assert!(count(1.0) > 200);
    assert!(count(0.0) < 5, "only overload is left");
}
