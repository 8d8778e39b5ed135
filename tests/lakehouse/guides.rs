//! Guides, followed word for word.

use std::{fmt::Write as _, fs};

use crate::program::Workspace;

/// The blocks of a guide that are headed by a path: path and text.
fn files(guide: &str) -> Vec<(&str, String)> {
    let mut files = Vec::new();
    let mut lines = guide.lines().peekable();
    while let Some(line) = lines.next() {
        let path = line.strip_prefix('`').and_then(|line| line.strip_suffix("`:"));
        if let Some(path) = path.filter(|_| lines.peek().is_some_and(|next| next.starts_with("```"))) {
            lines.next();
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            files.push((path, text.join("\n") + "\n"));
        }
    }
    files
}

/// Hourly readings at three stations, cold every fourth week and at night, some of them impossible.
fn readings(days: std::ops::Range<i64>) -> String {
    let start: jiff::Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
    let mut text = "station,at,celsius\n".to_owned();
    for hour in days.start * 24..days.end * 24 {
        for station in 0..3_i64 {
            let weeks = ((hour as f64 / 24.0 / 15.0) * std::f64::consts::PI).cos() * -10.0;
            let day = ((hour % 24 - 15) as f64 / 12.0 * std::f64::consts::PI).cos() * 5.0;
            let noise = ((hour * 7_919 + station * 104_729) % 61) as f64 / 10.0 - 3.0;
            let celsius = if hour % 997 == 0 { 99.0 } else { 8.0 + weeks + day + noise };
            let at = start + jiff::SignedDuration::from_hours(hour);
            writeln!(text, "S{station},{at},{celsius:.1}").unwrap();
        }
    }
    text
}

#[test]
fn a_domain_is_added_by_following_its_guide() {
    let guide = include_str!("../../docs/guides/add-a-domain.md");
    let workspace = Workspace::new();
    let files = files(guide);
    for (path, text) in &files {
        let path = workspace.path().join("domains").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    fs::write(workspace.source("readings_1.csv"), readings(0..100)).unwrap();
    let commands: Vec<Vec<String>> = guide.lines().filter_map(|line| line.strip_prefix("lakehouse ")).map(words).collect();
    let follow = || {
        let run = |command: &Vec<String>| {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            workspace.lakehouse(&command).good().stdout()
        };
        commands.iter().map(run).collect::<Vec<_>>()
    };

    let told = follow();
    assert!(told.last().unwrap().contains("freezing"), "{told:?}");
    let count = |table: &str| {
        let sql = format!("select count(*) from {table}");
        let ran = workspace.lakehouse(&["sql", &sql, "--domain", "weather", "--domains", "domains", "--format", "csv"]).good();
        ran.stdout().lines().nth(1).unwrap().parse::<u64>().unwrap()
    };
    assert_eq!(count("silver.readings") + count("quarantine.silver_readings"), 100 * 24 * 3);
    assert!(count("quarantine.silver_readings") > 0);

    // New readings are appended, through the windows too.
    fs::write(workspace.source("readings_2.csv"), readings(100..120)).unwrap();
    let run = workspace.lakehouse(&["run", "weather", "--domains", "domains", "--sources", "sources", "--json"]).good().json();
    for table in ["silver.readings", "signals.features"] {
        let report = run["tables"].as_array().unwrap().iter().find(|report| report["table"] == table).unwrap();
        assert!(report["decision"].as_str().unwrap().starts_with("append"), "{report:#}");
    }
    assert_eq!(count("signals.features"), count("silver.readings"));
    println!("{} files, {} commands", files.len(), commands.len());
}

/// The words of a command; those in quotes belong together.
fn words(command: &str) -> Vec<String> {
    let parts = command.split('"').enumerate();
    let words = parts.flat_map(|(place, part)| match place % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    words.collect()
}
