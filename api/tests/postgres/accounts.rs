//! Who may come in, what each one is shown, and what becomes of those who may not any more.

use std::{process::Command, sync::Arc, time::Duration};

use lakehouse_accounts::{Accounts, NewApiKey, SigningKey};
use lakehouse_metadata::Metadata;
use lakehouse_settings::Settings;
use lakehouse_spec::{Role, UserName, domain_from_dir};
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, Row as _, postgres::PgSslMode};

use crate::{
    door::{options, state},
    place::Place,
};

const PASSWORD: &str = "correct horse battery";
const DOMAIN: &str = r#"
description = "Card transactions"
owner = "nobody"

[[access.grant]]
roles = ["viewer", "data_scientist"]
tables = ["gold.*"]

[[access.grant]]
roles = ["data_scientist"]
tables = ["silver.numbers"]

[[access.mask]]
tables = ["gold.dm_client_features"]
columns = ["tx_count"]
show = "null"
except = ["admin", "data_scientist"]

[[access.filter]]
tables = ["gold.dm_client_features"]
rows = "client_id < '050'"
except = ["admin", "data_scientist"]
"#;

struct Bank {
    place: Place,
    accounts: Arc<Accounts>,
}

impl Bank {
    async fn open(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("fraud");
        std::fs::create_dir(&shop).unwrap();
        std::fs::write(shop.join("domain.toml"), DOMAIN).unwrap();
        let domain = domain_from_dir(&shop).unwrap();
        let mut used: Option<Settings> = None;
        let place = Place::with_domain(100, domain, |settings| {
            settings.accounts.required = true;
            change(settings);
            used = Some(settings.clone());
        })
        .await;
        let settings = used.unwrap();
        let key = SigningKey::open(&settings.accounts.signing_key_file).unwrap();
        let accounts = Accounts::new(Metadata::open(settings.database_url.expose()).await.unwrap(), &key);
        for (name, role) in [("ada", Role::Viewer), ("bob", Role::DataScientist)] {
            accounts.add_user(&user(name), role, Some(PASSWORD.into()), "a test").await.unwrap();
        }
        Self { place, accounts: Arc::new(accounts) }
    }

    async fn key(&self, owner: &str, scopes: &str) -> (String, String) {
        let new = NewApiKey { owner: user(owner), label: "a test".into(), scopes: scopes.parse().unwrap(), days: 1 };
        let key = self.accounts.add_key(&new, "a test").await.unwrap();
        (key.id().to_string(), key.reveal())
    }

    async fn connect(&self, name: &str, password: &str) -> Result<PgConnection, sqlx::Error> {
        options(self.place.postgres, name, password).connect().await
    }
}

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

#[tokio::test]
async fn each_is_shown_their_part_with_a_password_or_a_key() {
    let bank = Bank::open(|_| ()).await;
    let (_, key) = bank.key("ada", "sql:run").await;
    for (name, password, rows, is_masked) in [("ada", PASSWORD, 50, true), ("ada", &key, 50, true), ("bob", PASSWORD, 100, false)]
    {
        let mut client = bank.connect(name, password).await.unwrap();
        let seen = sqlx::query("select client_id, tx_count from gold.dm_client_features").fetch_all(&mut client).await.unwrap();
        let masked = seen.iter().all(|row| row.get::<Option<i64>, _>("tx_count").is_none());
        assert_eq!((seen.len(), masked), (rows, is_masked), "{name}");
        let tables =
            sqlx::query("select relname from pg_catalog.pg_class where relkind = 'r'").fetch_all(&mut client).await.unwrap();
        assert_eq!(tables.len(), if is_masked { 1 } else { 2 }, "{name}");
        let hidden = sqlx::query("select * from silver.numbers").fetch_all(&mut client).await;
        assert_eq!(hidden.is_err(), is_masked);
        let who = sqlx::query("select current_user, session_user").fetch_one(&mut client).await.unwrap();
        assert_eq!(who.get::<&str, _>(0), name);
    }
    // What was asked is on the audit trail, with who asked it.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let filter = lakehouse_metadata::AuditFilter {
        principal: Some("bob".into()),
        since: jiff::Timestamp::UNIX_EPOCH,
        before: None,
        limit: 100,
    };
    let told = bank.accounts.audit(&filter).await.unwrap();
    let of =
        |action: &str| told.iter().filter(|entry| entry.action == action).map(|entry| entry.object.clone()).collect::<Vec<_>>();
    assert!(of("QUERY").contains(&"select client_id, tx_count from gold.dm_client_features".to_owned()), "{told:?}");
    assert_eq!(of("auth.login"), ["session"]);
}

#[tokio::test]
async fn whoever_may_not_come_in_is_told_no_more_than_that() {
    let bank = Bank::open(|_| ()).await;
    let (id, key) = bank.key("ada", "sql:run").await;
    let (_, weak) = bank.key("ada", "datamarts:read").await;
    let refused = async |name: &str, password: &str| state(bank.connect(name, password).await);
    assert_eq!(refused("ada", "wrong").await, "28P01");
    assert_eq!(refused("nobody", PASSWORD).await, "28P01");
    assert_eq!(refused("bob", &key).await, "28P01", "a key of somebody else");
    assert_eq!(refused("ada", &weak).await, "42501", "a key without the scope");
    assert_eq!(refused("ada", "lhk_nonsense").await, "28P01");
    let elsewhere = options(bank.place.postgres, "ada", &key).database("nowhere").connect().await;
    assert_eq!(state(elsewhere), "3D000");

    // A key that is revoked, and a user who is disabled, end what is open within seconds.
    let mut by_key = bank.connect("ada", &key).await.unwrap();
    let mut by_password = bank.connect("bob", PASSWORD).await.unwrap();
    bank.accounts.revoke_key(&id, "a test").await.unwrap();
    bank.accounts.disable(&user("bob"), "a test").await.unwrap();
    for client in [&mut by_key, &mut by_password] {
        let mut tries = 0;
        let ended = loop {
            match client.execute("select 1").await {
                Ok(_) if tries < 40 => tries += 1,
                outcome => break state(outcome),
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        };
        assert_eq!(ended, "28000");
    }
    assert_eq!(refused("ada", &key).await, "28P01");
    assert_eq!(refused("bob", PASSWORD).await, "28P01");
}

#[tokio::test]
async fn with_a_certificate_nothing_crosses_in_the_clear() {
    // The client's; the service chooses its own.
    let _ = tokio_rustls::rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
        ])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout"])
        .arg(&key)
        .arg("-out")
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let bank = Bank::open(|settings| {
        settings.api.postgres.certificate = certificate.clone();
        settings.api.postgres.key = key;
    })
    .await;
    let secured = options(bank.place.postgres, "ada", PASSWORD).ssl_mode(PgSslMode::Require);
    let mut client = secured.connect().await.unwrap();
    assert_eq!(sqlx::query("select * from gold.dm_client_features").fetch_all(&mut client).await.unwrap().len(), 50);
    // Without a certificate, a client that insists is not served.
    let plain = Bank::open(|_| ()).await;
    assert!(options(plain.place.postgres, "ada", PASSWORD).ssl_mode(PgSslMode::Require).connect().await.is_err());
}
