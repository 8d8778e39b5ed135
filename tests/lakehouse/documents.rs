//! What the documents say of the code holds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use reqwest::StatusCode;

use crate::{components::readers, program::Workspace, services::Served};

/// Everything that git knows below the root and ends like this.
fn files(end: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = Command::new("git").current_dir(root).args(["ls-files", "--cached", "--others", "--exclude-standard"]).output();
    let listed = String::from_utf8(listed.unwrap().stdout).unwrap();
    let wanted = listed.lines().filter(|path| path.ends_with(end) && root.join(path).is_file());
    wanted.map(|path| (path.to_owned(), fs::read_to_string(root.join(path)).unwrap())).collect()
}

/// Code → statuses, of the problems that the services make. A problem is made by a constructor that says its status, and may get a
/// more telling code after that.
fn problems_of_the_code() -> BTreeMap<String, BTreeSet<u16>> {
    let mut problems: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    let mut statuses = BTreeMap::new();
    let sources = files(".rs").into_iter().filter(|(path, _)| path.contains("/src/"));
    let sources: Vec<(String, String)> = sources.collect();
    let (_, constructors) = sources.iter().find(|(path, _)| path == "crates/service/src/problem.rs").unwrap();
    for constructor in constructors.split("fn ").filter(|text| text.contains("Self::new(StatusCode::")) {
        let (name, _) = constructor.split_once('(').unwrap();
        let (_, made) = constructor.split_once("Self::new(StatusCode::").unwrap();
        let reason = made.split(',').next().unwrap().replace('_', " ");
        let is_it = |status: &StatusCode| status.canonical_reason().is_some_and(|text| text.eq_ignore_ascii_case(&reason));
        let status = (400..600).filter_map(|number| StatusCode::from_u16(number).ok()).find(is_it).expect(name).as_u16();
        statuses.insert(name.to_owned(), status);
        problems.entry(made.split('"').nth(3).unwrap().to_owned()).or_default().insert(status);
    }
    for (path, text) in &sources {
        for (place, _) in text.match_indices(".with_code(") {
            let code = text[place + ".with_code(".len()..].trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next());
            let code =
                code.unwrap_or_else(|| panic!("{path}: a code has to stand where it is given, or the list cannot be checked"));
            let before = text[..place].rmatch_indices("Problem::").find_map(|(made, _)| {
                let name = text[made + "Problem::".len()..].split('(').next()?;
                statuses.get(name)
            });
            problems.entry(code.to_owned()).or_default().insert(*before.expect(code));
        }
    }
    problems
}

#[test]
fn every_problem_is_listed_with_its_status_and_nothing_else_is() {
    let mut listed: BTreeMap<String, BTreeSet<u16>> = BTreeMap::new();
    for line in include_str!("../../docs/problems.md").lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let statuses = cells[2].split(", ").map(|status| status.parse().unwrap()).collect();
        let before = listed.insert(cells[1].trim_matches('`').to_owned(), statuses);
        assert!(before.is_none() && cells[3].ends_with('.'), "{line}");
    }
    let made = problems_of_the_code();
    let differing: Vec<_> = made.iter().filter(|(code, statuses)| listed.get(*code) != Some(statuses)).collect();
    assert!(differing.is_empty(), "docs/problems.md lacks, or has with another status: {differing:?}");
    let never_made: Vec<_> = listed.keys().filter(|code| !made.contains_key(*code)).collect();
    assert!(never_made.is_empty(), "docs/problems.md lists what nothing answers: {never_made:?}");
}

#[test]
fn the_tests_that_the_security_list_names_are_there() {
    let tests = files(".rs").into_iter().filter(|(path, text)| path.contains("tests/") || text.contains("#[cfg(test)]"));
    let tests: String = tests.map(|(_, text)| text).collect();
    let mut named = 0;
    for line in include_str!("../../docs/security.md").lines().filter(|line| line.starts_with("| API")) {
        let names: Vec<&str> = line.rsplit('|').nth(1).unwrap().split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{line}");
        for name in names {
            assert!(tests.contains(&format!("fn {name}(")), "there is no test `{name}`: {line}");
            named += 1;
        }
    }
    assert!(named >= 10, "every item names a test");
}

/// The blocks of a guide that are to be run: heading, language and text.
fn blocks(guide: &str) -> Vec<(&str, &str, String)> {
    let (mut blocks, mut heading, mut lines) = (Vec::new(), "", guide.lines());
    while let Some(line) = lines.next() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text;
        }
        if let Some(language) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((heading, language, text.join("\n")));
        }
    }
    blocks
}

#[test]
fn the_lake_is_asked_as_its_guide_says() {
    let workspace = Workspace::with_sample(2_000);
    workspace.run().good();
    let served = Served::start(&workspace);
    let address = served.api.strip_prefix("http://").unwrap();
    let clients = workspace.value("select count(*) from gold.dm_client_features");
    let blocks = blocks(include_str!("../../docs/guides/query.md"));
    for (heading, language, text) in &blocks {
        let text = text.replace("localhost:9999", address);
        let mut command = match *language {
            "sh" => Command::new("bash"),
            "python" => Command::new(readers()),
            other => panic!("nobody can run {other}"),
        };
        let before = if *language == "sh" { "set -euo pipefail\n" } else { "" };
        let output = command.arg("-c").arg(format!("{before}{text}")).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}\n{told}\n{}", String::from_utf8_lossy(&output.stderr));
        match *heading {
            "From programs" => assert_eq!(told.trim(), clients, "{text}"),
            "One row by its key" => assert!(told.ends_with("\n304\n"), "{told}"),
            _ => assert!(!told.trim().is_empty(), "{text}"),
        }
    }
    println!("{} blocks", blocks.len());
}
