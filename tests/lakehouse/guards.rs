//! The shape of the workspace: who may name whom, how long a file may be, which licences come in, which paths exist.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn metadata(arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let fixed = ["metadata", "--format-version", "1", "--offline", "--filter-platform", &platform];
    let output = command.current_dir(root()).args(fixed).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Package → what it names outside tests.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata(&["--no-deps"]);
    let of = |package: &Value| {
        let dependencies = package["dependencies"].as_array().unwrap();
        let normal = dependencies.iter().filter(|dependency| dependency["kind"].is_null());
        let names = normal.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
        (package["name"].as_str().unwrap().to_owned(), names)
    };
    metadata["packages"].as_array().unwrap().iter().map(of).collect()
}

#[test]
fn nothing_names_what_stands_above_it() {
    let may = BTreeMap::from([
        ("lakehouse-spec", "settings"),
        ("lakehouse-settings", ""),
        ("lakehouse-generate", ""),
        ("lakehouse-wire", ""),
        ("lakehouse-lake", "spec settings wire"),
        ("lakehouse-landing", "spec"),
        ("lakehouse-engine", "lake signals spec settings"),
        ("lakehouse-signals", "spec settings"),
        ("lakehouse-metadata", "spec settings"),
        ("lakehouse-accounts", "metadata spec"),
        ("lakehouse-models", "spec settings"),
        ("lakehouse-mlflow", "models registry spec settings"),
        ("lakehouse-network", "generate"),
        ("lakehouse-onnx", "models registry"),
        ("lakehouse-postgres", "spec"),
        ("lakehouse-training", "models spec settings"),
        ("lakehouse-registry", "spec settings"),
        ("lakehouse-service", "accounts metadata settings"),
        ("lakehouse-pipeline", "engine lake landing training mlflow models registry metadata postgres spec settings"),
        ("lakehouse-api", "accounts lake metadata registry spec service settings wire"),
        ("lakehouse-sources-api", "accounts landing postgres spec service settings"),
        ("lakehouse-api-ml", "accounts landing network onnx signals models registry spec service settings"),
    ]);
    for (package, names) in named() {
        let siblings: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("lakehouse-")).collect();
        let Some(allowed) = may.get(package.as_str()) else {
            assert_eq!(package, "lakehouse", "`{package}` has no rule: say in this test whom it may name");
            continue;
        };
        let allowed: Vec<&str> = allowed.split_whitespace().collect();
        let wrong: Vec<_> = siblings.iter().filter(|sibling| !allowed.contains(sibling)).collect();
        assert!(wrong.is_empty(), "`{package}` must not name {wrong:?}");
    }
}

#[test]
fn heavy_crates_have_one_door() {
    let doors = [
        ("deltalake", vec!["lakehouse-lake"]),
        ("datafusion", vec!["lakehouse-engine", "lakehouse-lake"]),
        ("smartcore", vec!["lakehouse-training"]),
        ("sqlx", vec!["lakehouse-metadata", "lakehouse-postgres"]),
        ("axum", vec!["lakehouse-api", "lakehouse-api-ml", "lakehouse-service", "lakehouse-sources-api"]),
    ];
    let named = named();
    for (heavy, allowed) in doors {
        let namers: Vec<&str> =
            named.iter().filter(|(_, names)| names.contains(heavy)).map(|(package, _)| package.as_str()).collect();
        assert!(namers.iter().all(|package| allowed.contains(package)), "{heavy} is named by {namers:?}, allowed: {allowed:?}");
    }
}

#[test]
fn the_scoring_service_ships_without_a_query_engine() {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["tree", "--offline", "--package", "lakehouse-api-ml", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.starts_with("lakehouse-api-ml"), "{}", String::from_utf8_lossy(&output.stderr));
    for heavy in ["datafusion", "deltalake", "parquet", "smartcore"] {
        let found: Vec<&str> = tree.lines().filter(|line| line.starts_with(heavy)).collect();
        assert!(found.is_empty(), "{found:?}");
    }
}

#[test]
fn licences_are_permissive() {
    let allowed = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "Zlib",
        "Unicode-3.0",
        "CC0-1.0",
        "Unlicense",
        "0BSD",
        "MIT-0",
        "BSL-1.0",
        "OpenSSL",
        "CDLA-Permissive-2.0",
        "bzip2-1.0.6",
        "NCSA",
    ];
    // Copyleft of single files, used as they are.
    let allowed: Vec<&str> = allowed.into_iter().chain(["MPL-2.0"]).collect();
    let metadata = metadata(&[]);
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        let Some(licence) = package["license"].as_str() else { panic!("`{name}` states no licence") };
        let alternatives = licence.replace('/', " OR ").replace(['(', ')'], "");
        let is_allowed = |alternative: &str| {
            alternative.split(" AND ").all(|part| allowed.contains(&part.split(" WITH ").next().unwrap_or_default().trim()))
        };
        assert!(alternatives.split(" OR ").any(is_allowed), "`{name}` has the licence {licence}");
    }
}

#[test]
fn the_version_square_is_one_version_each() {
    let metadata = metadata(&[]);
    for corner in ["deltalake-core", "datafusion", "arrow", "parquet", "object_store"] {
        let packages = metadata["packages"].as_array().unwrap().iter().filter(|package| package["name"] == corner);
        assert_eq!(packages.count(), 1, "more than one version of {corner}: their types refuse to meet");
    }
}

fn sources() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .current_dir(root())
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .output()
        .unwrap();
    let files = String::from_utf8(listed.stdout).unwrap();
    files.lines().map(|file| root().join(file)).filter(|file| file.is_file()).collect()
}

#[test]
fn files_have_one_subject() {
    let mut long = Vec::new();
    for file in sources() {
        let is_code = matches!(file.extension().and_then(|extension| extension.to_str()), Some("rs" | "sql" | "py" | "sh"));
        let is_test = file.strip_prefix(root()).unwrap().components().any(|part| part.as_os_str() == "tests");
        let lines = if is_code { fs::read_to_string(&file).unwrap().lines().count() } else { 0 };
        if lines > if is_test { 600 } else { 400 } {
            long.push(format!("{}: {lines} lines", file.display()));
        }
    }
    assert!(long.is_empty(), "find the second subject of {long:#?}");
}

/// Paths in backquotes and links of the documents.
#[test]
fn documents_name_paths_that_exist() {
    let mut wrong = Vec::new();
    for file in sources().iter().filter(|file| file.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(file).unwrap();
        let folder = file.parent().unwrap();
        for (position, code) in text.split('`').enumerate() {
            let is_path = position % 2 == 1
                && code.contains('/')
                && !code.contains(|c: char| c.is_whitespace() || "<>{}*:$?&=()|,".contains(c))
                && !code.starts_with(['/', '.'])
                && root().join(code.split('/').next().unwrap()).exists();
            if is_path && !root().join(code).exists() && !folder.join(code).exists() {
                wrong.push(format!("{}: `{code}`", file.display()));
            }
        }
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if !target.is_empty() && !target.contains("://") && !folder.join(target).exists() {
                wrong.push(format!("{}: ({link})", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn decisions_have_numbers_of_their_own() {
    let mut numbers = BTreeSet::new();
    for entry in fs::read_dir(root().join("docs/decisions")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let number = name.split('-').next().unwrap().to_owned();
        assert!(number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()), "{name}");
        assert!(numbers.insert(number), "{name} has a number that is taken");
    }
}
