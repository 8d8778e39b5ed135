//! What a user of accounts may rely on, over a real database.

#![expect(clippy::expect_used, clippy::panic, reason = "a story that cannot go on has failed")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lakehouse_accounts::{Accounts, AccountsError, Deed, NewApiKey, Principal, Refusal, Scope, Scopes, SigningKey, Trail};
use lakehouse_metadata::{AuditFilter, Metadata};
use lakehouse_spec::{Role, UserName};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse battery";

struct House {
    _folder: TempDir,
    metadata: Metadata,
    key: SigningKey,
}

impl House {
    async fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let url = format!("sqlite://{}/metadata.db", folder.path().display());
        Self { metadata: Metadata::open(&url).await.expect("it opens"), _folder: folder, key: SigningKey::random() }
    }

    /// Another program over the same database, with the same key and nothing remembered.
    fn program(&self) -> Accounts {
        Accounts::new(self.metadata.clone(), &self.key)
    }

    async fn with(self, user: &str, role: Role) -> Self {
        self.program().add_user(&name(user), role, Some(PASSWORD.to_owned()), "root").await.expect("it is added");
        self
    }
}

fn name(user: &str) -> UserName {
    user.parse().expect(user)
}

fn key_for(user: &str, scopes: &str) -> NewApiKey {
    NewApiKey { owner: name(user), label: "a dashboard".to_owned(), scopes: scopes.parse().expect("scopes"), days: 30 }
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, AccountsError>) -> Refusal {
    match outcome {
        Err(AccountsError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_login_gives_tokens_that_name_who_asks() {
    let house = House::new().await.with("ada", Role::DataScientist).await;
    let accounts = house.program();
    let tokens = accounts.login("ada", PASSWORD.to_owned()).await.expect("she logs in");
    let ada = house.program().authenticate(&tokens.access).await.expect("it is good in another program");
    assert_eq!((ada.name(), ada.role(), ada.scopes()), ("ada", Role::DataScientist, Scopes::of_role(Role::DataScientist)));
    assert_eq!(refusal(accounts.authenticate(&tokens.refresh).await), Refusal::Invalid, "a refresh token is no access token");
    assert_eq!(refusal(accounts.refresh(&tokens.access).await), Refusal::Invalid, "nor the other way round");
    for (user, password) in
        [("ada", "wrong horse battery"), ("ada", ""), ("bob", PASSWORD), ("Ada", PASSWORD), ("", ""), ("a' or 1=1 --", PASSWORD)]
    {
        assert_eq!(refusal(accounts.login(user, password.to_owned()).await), Refusal::Login, "{user}");
    }
}

#[tokio::test]
async fn a_stolen_refresh_token_ends_the_session_of_thief_and_owner() {
    let house = House::new().await.with("ada", Role::Viewer).await;
    let accounts = house.program();
    let first = accounts.login("ada", PASSWORD.to_owned()).await.expect("she logs in");
    let second = accounts.refresh(&first.refresh).await.expect("she goes on");
    assert_eq!(refusal(accounts.refresh(&first.refresh).await), Refusal::Reused);
    assert_eq!(refusal(accounts.refresh(&second.refresh).await), Refusal::Invalid);
    for token in [&first.access, &second.access] {
        assert_eq!(refusal(house.program().authenticate(token).await), Refusal::Invalid);
        assert_eq!(accounts.remembered(token), None, "what was remembered of the session is forgotten");
    }
}

#[tokio::test]
async fn what_is_taken_back_stops_at_the_next_question() {
    let house = House::new().await.with("ada", Role::Viewer).await;
    let accounts = house.program();
    let login = async || accounts.login("ada", PASSWORD.to_owned()).await.expect("she logs in").access;
    let is_refused = async |credential: &str| refusal(house.program().authenticate(credential).await);

    let (logged_out, kept) = (login().await, login().await);
    let session = accounts.authenticate(&logged_out).await.expect("it is good").session().expect("a session").to_owned();
    accounts.logout(&session).await.expect("she logs out");
    assert_eq!(is_refused(&logged_out).await, Refusal::Invalid);
    assert!(accounts.remembered(&logged_out).is_none() && house.program().authenticate(&kept).await.is_ok());

    accounts.set_password(&name("ada"), "another horse battery".to_owned(), "root").await.expect("it is set");
    assert_eq!(is_refused(&kept).await, Refusal::Invalid, "another password ends every session");

    let key = accounts.add_key(&key_for("ada", "datamarts:read"), "root").await.expect("a key").reveal();
    assert!(house.program().authenticate(&key).await.is_ok());
    assert!(accounts.disable(&name("ada"), "root").await.expect("it is done"));
    assert_eq!(is_refused(&key).await, Refusal::Invalid, "and disabling revokes every key");
    assert_eq!(refusal(accounts.login("ada", "another horse battery".to_owned()).await), Refusal::Login);
}

#[tokio::test]
async fn what_another_program_takes_back_is_not_believed_any_longer() {
    let house = House::new().await.with("ada", Role::Viewer).await;
    let (here, elsewhere) = (Arc::new(house.program()), house.program());
    tokio::spawn(Accounts::watch(Arc::downgrade(&here)));
    let other = elsewhere.add_key(&key_for("ada", "datamarts:read"), "root").await.expect("a key").reveal();
    for change in 0..4 {
        let key = elsewhere.add_key(&key_for("ada", "datamarts:read"), "root").await.expect("a key");
        while here.remembered(&key.reveal()).is_none() {
            here.authenticate(&key.reveal()).await.expect("it is good");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let changed = Instant::now();
        match change {
            0 => elsewhere.revoke_key(key.id().as_str(), "root").await.expect("it is revoked"),
            1 => elsewhere.set_role(&name("ada"), Role::Service, "root").await.expect("it is set"),
            2 => elsewhere.set_password(&name("ada"), "another horse battery".to_owned(), "root").await.expect("it is set"),
            _ => assert!(elsewhere.disable(&name("ada"), "root").await.expect("she is disabled")),
        }
        while here.remembered(&key.reveal()).is_some() {
            assert!(changed.elapsed() < Accounts::REMEMBERED / 2, "change {change} is not seen");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("change {change} was seen after {:?}", changed.elapsed());
    }
    assert_eq!(refusal(here.authenticate(&other).await), Refusal::Invalid);
}

#[tokio::test]
async fn a_key_allows_its_scopes_within_its_owners_role() {
    let house = House::new().await.with("till", Role::Service).await;
    let accounts = house.program();
    let key = accounts.add_key(&key_for("till", "ingest,predict"), "root").await.expect("a key");
    let till = accounts.authenticate(&key.reveal()).await.expect("it is good");
    assert_eq!((till.name(), till.key()), ("till", Some(key.id().as_str())));
    assert!(till.may(Scope::Ingest) && till.may(Scope::Predict) && !till.may(Scope::SqlRun));
    assert!(accounts.keys().await.expect("they list")[0].last_used_at.is_some());

    accounts.set_role(&name("till"), Role::Viewer, "root").await.expect("it is set");
    let till = house.program().authenticate(&key.reveal()).await.expect("it is good");
    assert!(till.scopes().are_none(), "a key never allows more than its owner may now");

    for (scopes, days) in [("audit:read", 30), ("", 30), ("datamarts:read", 0), ("datamarts:read", 400)] {
        let refused = accounts.add_key(&NewApiKey { days, ..key_for("till", scopes) }, "root").await;
        assert!(matches!(refused, Err(AccountsError::Key(_))), "{scopes} for {days} days: {refused:?}");
    }
    let wrong = format!("lhk_{}_{}", key.id(), "0".repeat(64));
    assert_eq!(refusal(accounts.authenticate(&wrong).await), Refusal::Invalid, "an id alone is worth nothing");
    accounts.revoke_key(key.id().as_str(), "root").await.expect("it is revoked");
    assert_eq!(refusal(house.program().authenticate(&key.reveal()).await), Refusal::Invalid);
}

#[tokio::test]
async fn nothing_that_is_kept_or_shown_gives_a_secret_away() {
    let house = House::new().await.with("ada", Role::Viewer).await;
    let accounts = house.program();
    let key = accounts.add_key(&key_for("ada", "datamarts:read"), "root").await.expect("a key");
    let tokens = accounts.login("ada", PASSWORD.to_owned()).await.expect("she logs in");
    accounts.refresh(&tokens.refresh).await.expect("she goes on");
    let url = format!("{:?}", house.metadata);
    let file = url.split("sqlite://").nth(1).expect("a file").trim_end_matches(')').to_owned();
    let mut bytes = std::fs::read(&file).expect("a file");
    bytes.extend(std::fs::read(format!("{file}-wal")).expect("a log"));
    let key = key.reveal();
    let (secret, signature) =
        (key.rsplit('_').next().expect("a secret"), tokens.refresh.rsplit('.').next().expect("a signature"));
    let planted = [PASSWORD, secret, &tokens.access, signature];
    for secret in planted {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is in the database");
    }
    println!("{} secrets sought in {} bytes", planted.len(), bytes.len());
}

#[tokio::test]
async fn equal_deeds_are_one_entry_and_none_is_lost() {
    let house = House::new().await;
    let trail = Arc::new(Trail::new("api", Arc::new(house.program())));
    let deed = |number: u32| Deed {
        principal: "ada".to_owned(),
        action: "GET".to_owned(),
        object: format!("/client_features/{number}"),
        outcome: 200,
    };
    let tasks = (0..8).map(|_| {
        let trail = trail.clone();
        tokio::spawn(async move {
            for number in 0..6_000 {
                trail.note(deed(number), "/client_features/{key}", None);
            }
        })
    });
    futures::future::join_all(tasks).await;
    trail.note(deed(0), "/client_features/{key}", Some("the last".to_owned()));
    trail.write().await;
    trail.write().await;
    let all = AuditFilter { principal: Some("ada".to_owned()), since: Timestamp::MIN, before: None, limit: 10_000 };
    let entries = house.program().audit(&all).await.expect("it reads");
    assert_eq!(entries.iter().map(|entry| entry.times).sum::<u64>(), 48_001);
    assert_eq!(entries.len(), 5_001, "what is too much to tell apart is told by its route");
    let last = entries.iter().find(|entry| entry.object == "/client_features/0").expect("it is told");
    assert_eq!((last.times, last.request.as_deref()), (9, Some("the last")));
    println!("48001 deeds in {} entries", entries.len());
}

#[test]
fn whoever_asks_a_service_without_accounts_may_do_everything() {
    assert!(Scope::ALL.iter().all(|scope| Principal::local().may(*scope)));
}
