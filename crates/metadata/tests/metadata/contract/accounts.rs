use jiff::Timestamp;
use lakehouse_metadata::{AuditFilter, Metadata, MetadataError, NewAudit, NewKey, NewUser, Rotation, SessionEnd};
use lakehouse_spec::{Role, UserName};

use crate::harness::{Home, all_at_once, at};

fn ada() -> UserName {
    "ada".parse().expect("a name")
}

fn user(name: &str, role: Role) -> NewUser {
    NewUser { name: name.parse().expect(name), role, password: Some("hashed".to_owned()), created_at: at(0) }
}

fn entry(action: &str, object: &str, seconds: i64) -> NewAudit {
    NewAudit {
        at: at(seconds),
        service: "command".to_owned(),
        principal: "root".to_owned(),
        action: action.to_owned(),
        object: object.to_owned(),
        outcome: 200,
        times: 1,
        request: None,
    }
}

fn key(id: &str) -> NewKey {
    NewKey {
        id: id.to_owned(),
        owner: ada(),
        label: "the dashboard".to_owned(),
        digest: "0f".repeat(32),
        scopes: "datamarts:read sql:run".to_owned(),
        created_at: at(1),
        expires_at: at(1_000),
    }
}

async fn with_ada(home: &Home) -> Metadata {
    let metadata = home.open().await;
    metadata.add_user(&user("ada", Role::Viewer), &entry("users.add", "ada", 0)).await.expect("she is added");
    metadata
}

async fn actions(metadata: &Metadata) -> Vec<String> {
    let all = AuditFilter { principal: None, since: Timestamp::MIN, before: None, limit: 100 };
    metadata.audit(&all).await.expect("it reads").into_iter().map(|entry| entry.action).collect()
}

pub async fn a_user_is_added_once_and_changed_with_an_entry_for_each_change(home: &Home) {
    let metadata = with_ada(home).await;
    let again = metadata.add_user(&user("ada", Role::Admin), &entry("users.add", "ada", 1)).await;
    assert!(matches!(&again, Err(MetadataError::UserExists(name)) if name == "ada"), "{again:?}");
    metadata.set_role(&ada(), Role::DataScientist, &entry("users.role", "ada", 2)).await.expect("it is set");
    metadata.set_password(&ada(), "hashed again", &entry("users.password", "ada", 3)).await.expect("it is set");
    let found = metadata.user(&ada()).await.expect("it reads").expect("she is there");
    assert_eq!((found.role, found.password.as_deref(), found.disabled_at), (Role::DataScientist, Some("hashed again"), None));
    assert!(!serde_json::to_string(&found).expect("JSON").contains("hashed"), "a listed user shows no hash");

    let nobody: UserName = "nobody".parse().expect("a name");
    let unknown = |outcome: Result<(), MetadataError>| matches!(outcome, Err(MetadataError::UnknownUser(_)));
    assert!(unknown(metadata.set_role(&nobody, Role::Admin, &entry("users.role", "nobody", 4)).await));
    assert!(unknown(metadata.set_password(&nobody, "x", &entry("users.password", "nobody", 4)).await));
    assert!(unknown(metadata.enable_user(&nobody, &entry("users.enable", "nobody", 4)).await));
    assert!(unknown(metadata.add_key(&NewKey { owner: nobody, ..key("k") }, &entry("keys.add", "k", 4)).await));
    assert_eq!(actions(&metadata).await, ["users.password", "users.role", "users.add"], "what failed left no entry");
}

pub async fn a_user_who_is_disabled_loses_keys_and_sessions_for_good(home: &Home) {
    let metadata = with_ada(home).await;
    metadata.add_key(&key("k1"), &entry("keys.add", "k1", 1)).await.expect("it is added");
    metadata.start_session("s1", &ada(), at(1), at(1_000)).await.expect("it begins");
    assert!(metadata.disable_user(&ada(), &entry("users.disable", "ada", 2)).await.expect("it is done"));
    assert!(!metadata.disable_user(&ada(), &entry("users.disable", "ada", 3)).await.expect("it is done"), "once");
    metadata.enable_user(&ada(), &entry("users.enable", "ada", 4)).await.expect("it is done");
    assert_eq!(metadata.user(&ada()).await.expect("it reads").expect("she is there").disabled_at, None);
    assert_eq!(metadata.key("k1").await.expect("it reads").expect("it is there").revoked_at, Some(at(2)));
    let session = metadata.session("s1").await.expect("it reads").expect("it is there");
    assert_eq!((session.ended_at, session.ended_by), (Some(at(2)), Some(SessionEnd::Disabled)));
}

pub async fn a_key_is_added_used_and_revoked_once(home: &Home) {
    let metadata = with_ada(home).await;
    metadata.add_key(&key("k1"), &entry("keys.add", "k1", 1)).await.expect("it is added");
    for seconds in [20, 10] {
        metadata.key_was_used("k1", at(seconds)).await.expect("it is noted");
    }
    let found = metadata.key("k1").await.expect("it reads").expect("it is there");
    assert_eq!((found.last_used_at, found.revoked_at), (Some(at(20)), None), "the last use does not go back");
    assert!(!serde_json::to_string(&found).expect("JSON").contains("0f0f"), "a listed key shows no digest");
    metadata.revoke_key("k1", &entry("keys.revoke", "k1", 30)).await.expect("it is revoked");
    for gone in ["k1", "k2"] {
        let again = metadata.revoke_key(gone, &entry("keys.revoke", gone, 31)).await;
        assert!(matches!(&again, Err(MetadataError::UnknownKey(id)) if id == gone), "{again:?}");
    }
    assert_eq!(metadata.keys().await.expect("it lists").len(), 1);
    assert_eq!(actions(&metadata).await, ["keys.revoke", "keys.add", "users.add"]);
}

pub async fn a_refresh_token_that_comes_twice_ends_its_session(home: &Home) {
    let metadata = with_ada(home).await;
    metadata.start_session("s1", &ada(), at(1), at(1_000)).await.expect("it begins");
    let refresh = async |generation: u64, seconds: i64| {
        metadata.rotate_session("s1", generation, &entry("auth.reuse", "s1", seconds)).await.expect("it answers")
    };
    assert_eq!(refresh(0, 2).await, Rotation::Rotated);
    assert_eq!(refresh(1, 3).await, Rotation::Rotated);
    assert_eq!(refresh(7, 4).await, Rotation::Over, "a generation that never was ends nothing");
    assert_eq!(refresh(0, 5).await, Rotation::Reused);
    assert_eq!(refresh(2, 6).await, Rotation::Over, "the good token of an ended session is good no more");
    let session = metadata.session("s1").await.expect("it reads").expect("it is there");
    assert_eq!((session.generation, session.ended_by), (2, Some(SessionEnd::Reuse)));
    assert_eq!(actions(&metadata).await, ["auth.reuse", "users.add"]);

    metadata.start_session("s2", &ada(), at(1), at(10)).await.expect("it begins");
    let late = metadata.rotate_session("s2", 0, &entry("auth.reuse", "s2", 11)).await.expect("it answers");
    assert_eq!(late, Rotation::Over, "a session ends by itself");
    metadata.start_session("s3", &ada(), at(1), at(1_000)).await.expect("it begins");
    metadata.end_session("s3", SessionEnd::Logout, at(5)).await.expect("it ends");
    let after = metadata.rotate_session("s3", 0, &entry("auth.reuse", "s3", 6)).await.expect("it answers");
    assert_eq!(after, Rotation::Over, "and when its owner logs out");
    assert_eq!(metadata.forget_sessions(at(500)).await.expect("it forgets"), 1);
}

pub async fn of_sixteen_who_refresh_at_once_at_most_one_goes_on(home: &Home) {
    let metadata = with_ada(home).await;
    metadata.start_session("s1", &ada(), at(1), at(1_000)).await.expect("it begins");
    let handles = home.open_many(4).await;
    let handles: Vec<Metadata> = handles.iter().cycle().take(16).cloned().collect();
    let outcomes = all_at_once(&handles, |_, metadata| async move {
        metadata.rotate_session("s1", 0, &entry("auth.reuse", "s1", 2)).await.expect("it answers")
    })
    .await;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    let counts = [Rotation::Rotated, Rotation::Reused, Rotation::Over].map(count);
    assert_eq!(counts, [1, 1, 14]);
    println!("16 refreshes of one generation: {counts:?} rotated, reused, over");
}

pub async fn the_trail_is_numbered_found_by_who_and_forgotten_by_age(home: &Home) {
    let metadata = home.open().await;
    let of = |number: i64| NewAudit {
        principal: if number % 2 == 0 { "ada" } else { "bob" }.to_owned(),
        object: format!("/datamarts/{number}\0"),
        times: 3,
        request: Some("r".to_owned()),
        ..entry("GET", "", number)
    };
    let entries: Vec<NewAudit> = (0..50).map(of).collect();
    for part in entries.chunks(7) {
        metadata.append_audit(part).await.expect("it is appended");
    }
    let filter = AuditFilter { principal: Some("ada".to_owned()), since: at(10), before: None, limit: 15 };
    let first = metadata.audit(&filter).await.expect("it reads");
    let next = AuditFilter { before: first.last().map(|entry| entry.id), ..filter };
    let second = metadata.audit(&next).await.expect("it reads");
    let seen: Vec<i64> = first.iter().chain(&second).map(|entry| entry.id).collect();
    assert_eq!(seen, (10..50).rev().filter(|number| number % 2 == 0).map(|number| number + 1).collect::<Vec<_>>());
    assert_eq!((first[0].object.as_str(), first[0].times), ("/datamarts/48\u{fffd}", 3));
    assert_eq!(metadata.forget_audit(at(30)).await.expect("it forgets"), 30);
    assert_eq!(actions(&metadata).await.len(), 20);
}
