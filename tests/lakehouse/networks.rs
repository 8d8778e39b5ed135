//! The network domain, from generated sources to datamarts: nothing lost, features as their definition says, appends equal to a
//! rebuild.

use std::{collections::BTreeMap, fs};

use crate::program::{Ran, Workspace};

fn generate(workspace: &Workspace, arguments: &[&str]) {
    let mut all = vec!["generate", "network", "--out", "sources", "--num-sites", "2", "--nodes-per-site", "2"];
    all.extend(arguments);
    workspace.lakehouse(&all).good();
}

fn run(workspace: &Workspace) -> Ran {
    workspace.lakehouse(&["run", "network", "--sources", "sources", "--skip-training", "--json"])
}

fn value(workspace: &Workspace, sql: &str) -> String {
    let ran = workspace.lakehouse(&["sql", sql, "--domain", "network", "--format", "csv"]).good();
    ran.stdout().lines().nth(1).unwrap_or_default().to_owned()
}

fn text(workspace: &Workspace, sql: &str) -> String {
    workspace.lakehouse(&["sql", sql, "--domain", "network", "--format", "csv"]).good().stdout()
}

/// A table's report of a run.
fn decision(ran: &Ran, table: &str) -> String {
    let report = ran.json();
    let of_table = |reports: &serde_json::Value| {
        reports.as_array().unwrap().iter().find(|report| report["table"] == table).unwrap()["decision"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    of_table(&report["tables"])
}

const FEATURES: &str = "select * from signals.features order by entity_type, entity_id, ts";

#[test]
fn every_row_arrives_or_is_in_quarantine_with_its_reason() {
    let workspace = Workspace::new();
    generate(&workspace, &["--duration-min", "120"]);
    let telemetry = workspace.source("telemetry.csv");
    let good = fs::read_to_string(&telemetry).unwrap();
    let bad = [
        "2025-02-03T00:00:00Z,N0,,0.5,0.5,0.5,0.0,",   // again
        "2025-02-03T09:00:00Z,N0,,0.5,0.5,-0.1,0.0,",  // a negative utilisation
        "2025-02-03T09:01:00Z,N0,,NaN,0.5,0.1,0.0,",   // not a number
        "2025-02-03T09:02:00Z,N0,L0,0.5,0.5,0.1,0.0,", // a node and a link
        "2025-02-03T09:03:00Z,,,0.5,0.5,0.1,0.0,",     // neither
        "2025-02-03T09:04:00Z,,L0,,,0.1,0.0,-1",       // a negative latency
        "yesterday,N0,,0.5,0.5,0.1,0.0,",              // no instant
    ];
    fs::write(&telemetry, format!("{good}{}\n", bad.join("\n"))).unwrap();
    let logs = workspace.source("classified_feb_2025.csv");
    let log = fs::read_to_string(&logs).unwrap();
    fs::write(&logs, format!("{log}CORRUPTED_LINE,FW_SITE_A,10.0.0.1,192.0.2.1,TCP,ALLOW,OK,,\n")).unwrap();

    run(&workspace).good();

    let rows = good.lines().count() - 1;
    assert_eq!(value(&workspace, "select count(*) from silver.telemetry"), rows.to_string());
    assert_eq!(value(&workspace, "select count(*) from signals.features"), rows.to_string());
    assert_eq!(value(&workspace, "select count(*) from quarantine.telemetry"), "3", "again, not a number, no instant");
    assert_eq!(value(&workspace, "select count(*) from quarantine.silver_telemetry"), "4");
    let lines = fs::read_to_string(&logs).unwrap().lines().count() - 1;
    let kept: usize = value(&workspace, "select count(*) from silver.firewall_logs").parse().unwrap();
    let refused: usize = value(&workspace, "select count(*) from quarantine.firewall_logs").parse().unwrap();
    assert_eq!(kept + refused, lines);
    let sum = "select sum(total_logs) from gold.dm_firewall_activity";
    assert_eq!(value(&workspace, sum), kept.to_string());
    for (table, count) in [("dm_node_health", "4"), ("dm_site_risk", "2")] {
        assert_eq!(value(&workspace, &format!("select count(*) from gold.{table}")), count);
    }
    let incidents = "select count(*) = (select sum(incidents) from gold.dm_incident_history) from silver.incidents";
    assert_eq!(value(&workspace, incidents), "true");
    println!("{rows} rows of telemetry and {} bad ones, {lines} log lines", bad.len());
}

#[test]
fn a_quiet_hour_has_no_incidents_and_a_silent_one_no_telemetry() {
    let workspace = Workspace::new();
    generate(&workspace, &["--duration-min", "60", "--incident-rate", "0"]);
    let incidents = fs::read_to_string(workspace.source("incidents.csv")).unwrap();
    assert_eq!(incidents.lines().count(), 1, "a header alone");
    run(&workspace).good();
    let telemetry = fs::read_to_string(workspace.source("telemetry.csv")).unwrap();
    let rows = telemetry.lines().count() - 1;
    assert_eq!(value(&workspace, "select count(*) from silver.incidents"), "0");
    let quiet = value(&workspace, "select count(*) from gold.dm_incident_history where incidents = 0");
    assert_eq!(quiet, (rows / 60).to_string());
    fs::remove_file(workspace.source("incidents.csv")).unwrap();
    fs::remove_file(workspace.source("classified_feb_2025.csv")).unwrap();
    run(&workspace).good();

    let header = telemetry.lines().next().unwrap();
    for silent in [format!("{header}\n"), String::new(), format!("{header}\nyesterday,N0,,0.5,0.5,0.1,0.0,\n")] {
        fs::write(workspace.source("telemetry_2.csv"), &silent).unwrap();
        let told = run(&workspace).bad().stderr();
        assert!(told.contains("telemetry_2.csv") && told.contains("no table has changed"), "{silent:?}: {told}");
        assert_eq!(value(&workspace, "select count(*) from silver.telemetry"), rows.to_string());
    }
}

#[test]
fn features_are_those_of_their_definition() {
    let workspace = Workspace::new();
    generate(&workspace, &["--duration-min", "120", "--incident-rate", "0.3"]);
    run(&workspace).good();
    // The definition once more, from the file itself.
    let telemetry = fs::read_to_string(workspace.source("telemetry.csv")).unwrap();
    let mut values: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for row in telemetry.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()).filter(|row| !row[1].is_empty()) {
        values.entry(row[1]).or_default().push(row[3].parse().unwrap());
    }
    let columns = "cpu_current, cpu_mean_5m, cpu_std_5m, cpu_min_5m, cpu_max_5m, cpu_change_5m, cpu_mean_30m, cpu_std_30m";
    let select = format!(
        "select entity_id, (cast(ts as bigint) / 60000000) % 1440 as minute, {columns} from signals.features where entity_type = 'node'"
    );
    let features = text(&workspace, &select);
    let mut compared = 0;
    for row in features.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>()) {
        let minute: usize = row[1].parse().unwrap();
        let window = |minutes: usize| &values[row[0]][minute.saturating_sub(minutes)..=minute];
        let (short, long) = (window(5), window(30));
        let mean = |window: &[f64]| window.iter().sum::<f64>() / window.len() as f64;
        let std = |window: &[f64]| {
            let squares: f64 = window.iter().map(|value| (value - mean(window)).powi(2)).sum();
            (squares / (window.len() as f64 - 1.0)).sqrt()
        };
        let least = short.iter().copied().fold(f64::INFINITY, f64::min);
        let most = short.iter().copied().fold(0.0, f64::max);
        let change = (values[row[0]][minute] - short[0]) / short[0];
        let expected = [values[row[0]][minute], mean(short), std(short), least, most, change, mean(long), std(long)];
        for (found, expected) in row[2..].iter().zip(expected) {
            let found = found.parse::<f64>().unwrap_or(f64::NAN);
            assert!(
                (found.is_nan() && expected.is_nan()) || (found.is_nan() && minute == 0) || (found - expected).abs() < 1e-9,
                "{row:?}: {found} is not {expected}"
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 4 * 120 * 8);
    println!("{compared} values equal their definition");
}

#[test]
fn later_telemetry_is_appended_late_telemetry_rebuilds_and_both_equal_one_run() {
    let [whole, parts] = [Workspace::new(), Workspace::new()];
    for workspace in [&whole, &parts] {
        generate(workspace, &["--duration-min", "180"]);
    }
    run(&whole).good();
    let expected = text(&whole, FEATURES);

    let path = parts.source("telemetry.csv");
    let all = fs::read_to_string(&path).unwrap();
    let (header, rows) = all.split_once('\n').unwrap();
    let part = |from: &str, to: &str| {
        let rows: Vec<&str> = rows.lines().filter(|row| (from..to).contains(&&row[11..16])).collect();
        format!("{header}\n{}\n", rows.join("\n"))
    };
    fs::remove_file(&path).unwrap();
    let write = |name: &str, from: &str, to: &str| fs::write(parts.source(name), part(from, to)).unwrap();
    write("telemetry_1.csv", "00:00", "01:00");
    assert!(decision(&run(&parts).good(), "signals.features").starts_with("rebuild"));
    write("telemetry_3.csv", "02:00", "03:00");
    let appended = run(&parts).good();
    assert!(decision(&appended, "signals.features").starts_with("append: new rows in silver.telemetry"));
    write("telemetry_2.csv", "01:00", "02:00");
    assert_eq!(decision(&run(&parts).good(), "signals.features"), "rebuild: rows of silver.telemetry came late");
    assert!(text(&parts, FEATURES) == expected, "three parts, the second late, differ from one run over all");

    let appending = Workspace::new();
    generate(&appending, &["--duration-min", "180"]);
    fs::remove_file(appending.source("telemetry.csv")).unwrap();
    for (name, from, to) in
        [("telemetry_1.csv", "00:00", "01:10"), ("telemetry_2.csv", "01:10", "01:20"), ("telemetry_3.csv", "01:20", "03:00")]
    {
        fs::write(appending.source(name), part(from, to)).unwrap();
        run(&appending).good();
    }
    assert!(text(&appending, FEATURES) == expected, "three appends differ from one run over all");
    println!("{} rows of features, the same in 1, 3 and 3 runs", expected.lines().count() - 1);
}
