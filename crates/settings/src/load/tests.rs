use figment::Jail;

use super::*;

/// Runs a story in its own working directory and environment.
fn story(tell: impl FnOnce(&mut Jail)) {
    Jail::expect_with(|jail| {
        tell(jail);
        Ok(())
    });
}

fn load() -> Result<Settings, SettingsError> {
    Settings::load(None, Overrides::default())
}

#[test]
fn without_any_file_the_defaults_hold_and_paths_are_absolute() {
    story(|jail| {
        let settings = load().expect("defaults");
        let here = jail.directory();
        assert_eq!(settings.lake.to_file_path(), Ok(here.join("lake")));
        assert_eq!(settings.registry.to_file_path(), Ok(here.join("lake/registry")));
        assert_eq!(settings.sources, here.join("data/sources"));
        let ports = [settings.api.port, settings.sources_api.port, settings.api_ml.port];
        assert_eq!(ports, [9999, 9998, 9997]);
    });
}

#[test]
fn file_then_environment_then_flags_override() {
    story(|jail| {
        jail.create_file(FILE, "memory_limit_mb = 1\n[api]\nport = 1\n[api_ml]\nport = 1\n").expect("file");
        jail.set_env("LAKEHOUSE_API__PORT", 2);
        jail.set_env("LAKEHOUSE_MEMORY_LIMIT_MB", 2);
        let overrides = Overrides { memory_limit_mb: Some(3), lake: Some("s3://bucket/lake".into()), ..Overrides::default() };
        let settings = Settings::load(None, overrides).expect("layers");
        assert_eq!((settings.api_ml.port, settings.api.port, settings.memory_limit_mb), (1, 2, 3));
        assert_eq!(settings.registry.as_str(), "s3://bucket/lake/registry");
    });
}

#[test]
fn what_is_displayed_loads_to_the_same_settings() {
    story(|jail| {
        let settings = load().expect("defaults");
        jail.create_file("shown.toml", &settings.to_string()).expect("file");
        let again = Settings::load(Some(Path::new("shown.toml")), Overrides::default()).expect("shown");
        assert_eq!(again, settings);
    });
}

#[test]
fn an_unknown_key_is_refused_with_the_place_that_sets_it() {
    story(|jail| {
        jail.create_file(FILE, "[api]\nprot = 1\n").expect("file");
        let refusal = load().expect_err("typo").to_string();
        assert!(
            refusal.contains(FILE)
                && refusal.ends_with("sets `api.prot`, which is no setting; there are address, port, postgres"),
            "{refusal}"
        );
    });
    story(|jail| {
        jail.set_env("LAKEHOUSE_LOG__LEVLE", "debug");
        let refusal = load().expect_err("typo").to_string();
        assert!(refusal.starts_with("the environment variable LAKEHOUSE_LOG__LEVLE sets `log.levle`"), "{refusal}");
    });
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_key_and_file() {
    story(|jail| {
        jail.create_file(FILE, "[api]\nport = \"high\"\n").expect("file");
        let Err(SettingsError::Value(cause)) = load() else { panic!("a port that is a word was accepted") };
        let cause = cause.to_string();
        assert!(cause.contains("api.port") && cause.contains(FILE), "{cause}");
    });
    for text in ["lake = ", "api = 3", "[log]\nformat = \"xml\""] {
        story(|jail| {
            jail.create_file(FILE, text).expect("file");
            assert!(matches!(load(), Err(SettingsError::Value(_))), "{text}");
        });
    }
}

#[test]
fn a_value_that_cannot_be_used_is_refused_with_a_sentence() {
    for (text, reason) in [
        ("[api_ml]\naddress = \"0.0.0.0\"", "`api_ml.address` is `0.0.0.0`: everybody who reaches it could do everything there"),
        ("[sources_api]\naddress = \"::\"", "`sources_api.address` is `::`"),
        ("[networks]\ncpu_limit = 85.0", "`networks.cpu_limit` is `85`: write a share, 0 to 1"),
        ("[networks]\nhigh_from = 0.2", "`networks.high_from` is `0.2`: the bands must rise"),
        ("[networks]\nlatency_ms_limit = -1.0", "`networks.latency_ms_limit` is `-1`: write milliseconds"),
        ("[networks]\nlogs = \"s3://key:secret@bucket\"", "`networks.logs` is `s3://key:secret@bucket`"),
        ("memory_limit_mb = 0", "`memory_limit_mb` is `0`: nothing would ever be allowed"),
        ("[log]\nlevel = \"loud\"", "`log.level` is `loud`: write error, warn"),
        ("lake = \"s3://key:secret@bucket\"", "credentials do not belong in a URI"),
        ("sources = \"\"", "`sources` is ``: name a folder"),
        ("[api.postgres]\nkey = \"key.pem\"", "`api.postgres.certificate` is ``: a certificate and its key belong together"),
        (
            "[accounts]\nrequired = true\n[api.postgres]\nenabled = true\naddress = \"0.0.0.0\"",
            "`api.postgres.address` is `0.0.0.0`: passwords and rows would cross the network readable",
        ),
        (
            "[mlflow]\ntracking_uri = \"http://ada:hunter2@mlflow:5000\"",
            "`mlflow.tracking_uri` is `***`: credentials do not belong",
        ),
        ("[mlflow]\ntracking_uri = \"databricks\"", "write an address such as http://127.0.0.1:5000"),
        ("[mlflow]\ntoken = \"hunter2\"", "`mlflow.token` is `***`: a settings file"),
        ("publish_schema = \"a; drop\"", "`publish_schema` is `a; drop`: use lower-case letters"),
        ("publish_reader = \"public\"", "`publish_reader` is `public`"),
        (
            "source_database_url = \"postgres://a:hunter2@db/b\"",
            "`source_database_url` is `postgres://a:***@db/b`: a settings file",
        ),
        ("publish_database_url = \"postgres://a:hunter2@db/b\"", "`publish_database_url` is `postgres://a:***@db/b`"),
    ] {
        story(|jail| {
            jail.create_file(FILE, text).expect("file");
            let refusal = load().expect_err(text).to_string();
            assert!(refusal.contains(reason), "{refusal}");
        });
    }
}

#[test]
fn a_file_that_was_asked_for_has_to_exist() {
    story(|_| {
        let refusal = Settings::load(Some(Path::new("other.toml")), Overrides::default());
        assert!(matches!(refusal, Err(SettingsError::Missing(path)) if path == Path::new("other.toml")));
    });
}

#[test]
fn every_default_has_a_sentence() {
    let mut previous = "";
    for line in Settings::DEFAULTS.lines() {
        if line.contains('=') && !line.starts_with('#') {
            assert!(previous.starts_with("# ") && previous.ends_with('.'), "no sentence above `{line}`");
        }
        previous = line;
    }
}

#[test]
fn only_loopback_is_served_without_accounts() {
    let addresses = ["0.0.0.0", "192.168.1.7", "::", "127.0.0.1", "127.8.8.8", "::1"];
    let services = ["API", "SOURCES_API", "API_ML", "SCHEDULER"];
    for (service, address) in services.iter().flat_map(|service| addresses.map(|address| (service, address))) {
        let is_loopback = address.starts_with("127") || address == "::1";
        for required in [false, true] {
            story(|jail| {
                jail.set_env(format!("LAKEHOUSE_{service}__ADDRESS"), address);
                jail.set_env("LAKEHOUSE_ACCOUNTS__REQUIRED", required);
                match load() {
                    Ok(settings) => assert_eq!((is_loopback || required, settings.accounts.required), (true, required)),
                    Err(refusal) => {
                        let refusal = refusal.to_string();
                        assert!(!is_loopback && !required && refusal.contains("lakehouse users add"), "{refusal}");
                    }
                }
            });
        }
    }
}

#[test]
fn the_signing_key_is_beside_the_database_unless_it_is_said_where() {
    story(|jail| {
        let here = jail.directory().to_owned();
        assert_eq!(load().expect("defaults").accounts.signing_key_file, here.join("lake/signing.key"));
        jail.set_env("LAKEHOUSE_LAKE", "s3://bucket/lake");
        assert_eq!(load().expect("a bucket").accounts.signing_key_file, here.join("signing.key"));
        jail.set_env("LAKEHOUSE_ACCOUNTS__SIGNING_KEY_FILE", "/run/secrets/signing");
        assert_eq!(load().expect("a file").accounts.signing_key_file, std::path::Path::new("/run/secrets/signing"));
    });
}
