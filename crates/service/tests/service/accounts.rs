//! Who comes in, and who does not: a service with real accounts in a database of its own.

use std::{path::Path, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use lakehouse_accounts::{Accounts, NewApiKey, Scope, SigningKey};
use lakehouse_metadata::Metadata;
use lakehouse_service::{Admission, Caller, Permitted as _, Problems, Service};
use lakehouse_settings::{Overrides, Settings};
use lakehouse_spec::Role;
use serde_json::{Value, json};
use tempfile::TempDir;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::{Answer, LIMITS, send};

const PASSWORD: &str = "correct horse battery";

#[utoipa::path(get, path = "/marts/{name}", responses((status = 200), Problems))]
async fn mart(Caller(caller): Caller) -> String {
    caller.name().to_owned()
}

#[utoipa::path(post, path = "/runs", responses((status = 200), Problems))]
async fn start() {}

#[utoipa::path(get, path = "/forgotten", responses((status = 200), Problems))]
async fn forgotten() -> &'static str {
    "nobody said who may see this"
}

#[utoipa::path(get, path = "/slow", responses((status = 200), Problems))]
async fn slow() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

struct House {
    folder: TempDir,
    router: Router,
    accounts: Accounts,
}

pub fn settings(folder: &Path, changes: &str) -> Settings {
    let file = folder.join("lakehouse.toml");
    let text = format!(
        "lake = '{folder}/lake'\ndatabase_url = 'sqlite://{folder}/metadata.db'\n[accounts]\nrequired = true\n{changes}",
        folder = folder.display()
    );
    std::fs::write(&file, text).expect("settings");
    Settings::load(Some(&file), Overrides::default()).expect("settings")
}

impl House {
    /// With `ada`, a viewer, `bob`, an admin, and `till`, a service.
    async fn new(changes: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        let settings = settings(folder.path(), changes);
        let admission = Admission::new("house", &settings).expect("admission");
        let read = OpenApiRouter::default().routes(routes!(mart)).routes(routes!(slow)).needs(Scope::DatamartsRead);
        let runs = OpenApiRouter::default().routes(routes!(start)).needs(Scope::RunsStart);
        let router = Service::new("house", "1.0.0", &LIMITS)
            .admission(admission)
            .routes(read)
            .routes(runs)
            .routes(OpenApiRouter::default().routes(routes!(forgotten)))
            .build();
        let key = SigningKey::open(&settings.accounts.signing_key_file).expect("a key");
        let metadata = Metadata::open(settings.database_url.expose()).await.expect("a database");
        let accounts = Accounts::new(metadata, &key);
        for (name, role) in [("ada", Role::Viewer), ("bob", Role::Admin), ("till", Role::Service)] {
            let name = name.parse().expect("a name");
            accounts.add_user(&name, role, Some(PASSWORD.to_owned()), "root").await.expect("it is added");
        }
        Self { folder, router, accounts }
    }

    async fn key(&self, owner: &str, scopes: &str) -> String {
        let owner = owner.parse().expect("a name");
        let new = NewApiKey { owner, label: "a test".to_owned(), scopes: scopes.parse().expect("scopes"), days: 1 };
        self.accounts.add_key(&new, "root").await.expect("a key").reveal()
    }

    async fn ask(&self, method: &str, path: &str, authorization: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", authorization);
        send(&self.router, request.body(Body::empty()).expect("request")).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        let request = Request::post(path).header("content-type", "application/json");
        send(&self.router, request.body(Body::from(body.to_string())).expect("request")).await
    }

    async fn login(&self, name: &str) -> Value {
        let answer = self.post("/auth/login", json!({ "name": name, "password": PASSWORD })).await;
        assert_eq!((answer.status, &answer.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().expect("a value")));
        answer.json()
    }
}

fn code(answer: &Answer) -> (u16, String) {
    answer.detail();
    (answer.status.as_u16(), answer.json()["code"].as_str().expect("code").to_owned())
}

fn bearer(token: &Value) -> String {
    format!("Bearer {}", token.as_str().expect("a token"))
}

#[tokio::test]
async fn broken_authentication_lets_nobody_in() {
    let house = House::new("").await;
    let key = house.key("ada", "datamarts:read").await;
    let jwt = house.login("ada").await["access_token"].as_str().expect("a token").to_owned();
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", jwt.split('.').nth(1).expect("claims"));
    let tried = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic YWRhOmFkYQ==".to_owned(),
        format!("Basic {key}"),
        key.clone(),
        format!("Bearer {}", &key[..key.len() - 1]),
        format!("Bearer {key}0"),
        format!("Bearer {}", key.to_uppercase()),
        format!("Bearer {}_{}", &key[..20], "0".repeat(64)),
        format!("Bearer {unsigned}"),
        format!("Bearer {}x", jwt),
        "Bearer ' or 1=1 --".to_owned(),
        format!("Bearer {}", "a".repeat(100_000)),
        "Bearer null".to_owned(),
    ];
    for authorization in &tried {
        let answer = house.ask("GET", "/marts/a", authorization).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{authorization}");
        assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"lakehouse\"");
        assert!(!answer.text.contains(&key[..20]), "what was sent is not repeated");
    }
    println!("{} ways to say nothing of oneself, none let in", tried.len());
    for good in [format!("Bearer {key}"), format!("bearer {jwt}"), format!("BEARER {key}")] {
        for _remembered in 0..2 {
            let answer = house.ask("GET", "/marts/a", &good).await;
            assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "ada"));
        }
    }
}

#[tokio::test]
async fn broken_function_level_authorization_finds_every_function_closed() {
    let house = House::new("").await;
    let narrow = format!("Bearer {}", house.key("till", "ingest").await);
    let viewer = format!("Bearer {}", house.key("ada", "datamarts:read").await);
    let admin = bearer(&house.login("bob").await["access_token"]);
    for (who, method, path, wanted) in [
        (&narrow, "GET", "/marts/a", 403),
        (&narrow, "HEAD", "/marts/a", 403),
        (&narrow, "POST", "/runs", 403),
        (&narrow, "GET", "/audit", 403),
        (&viewer, "GET", "/marts/a", 200),
        (&viewer, "HEAD", "/marts/a", 200),
        (&viewer, "POST", "/runs", 403),
        (&viewer, "GET", "/audit", 403),
        (&viewer, "PUT", "/runs", 405),
        (&viewer, "POST", "/marts/a", 405),
        (&viewer, "GET", "/forgotten", 403),
        (&admin, "GET", "/forgotten", 403),
        (&admin, "POST", "/runs", 200),
        (&admin, "GET", "/audit", 200),
        (&admin, "GET", "/nothing", 404),
    ] {
        let answer = house.ask(method, path, who).await;
        assert_eq!(answer.status.as_u16(), wanted, "{method} {path}: {}", answer.text);
    }
    let missing = house.ask("POST", "/runs", &viewer).await;
    assert_eq!(code(&missing), (403, "missing_scope".to_owned()));
    for free in ["/health/live", "/health/ready", "/metrics", "/openapi.json", "/docs/"] {
        let answer = send(&house.router, Request::get(free).body(Body::empty()).expect("request")).await;
        assert!(answer.status.is_success(), "{free}");
    }
    let described = house.ask("GET", "/openapi.json", "").await.json();
    assert_eq!(described["paths"]["/marts/{name}"]["get"]["security"], json!([{ "bearer": ["datamarts:read"] }]));
    assert_eq!(described["paths"]["/auth/login"]["post"]["security"], json!([]));
    assert_eq!(described["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
}

#[tokio::test]
async fn a_session_goes_on_by_refresh_and_ends_at_logout_or_theft() {
    let house = House::new("").await;
    let first = house.login("ada").await;
    let refresh = async |tokens: &Value| house.post("/auth/refresh", json!({ "refresh_token": tokens["refresh_token"] })).await;
    let second = refresh(&first).await.json();
    let me = house.ask("GET", "/auth/me", &bearer(&second["access_token"])).await.json();
    assert_eq!(me, json!({ "name": "ada", "role": "viewer", "scopes": ["datamarts:read", "sql:run"], "key": null }));
    assert_eq!(code(&refresh(&first).await), (401, "token_reused".to_owned()));
    assert_eq!(code(&refresh(&second).await), (401, "invalid_credential".to_owned()));
    assert_eq!(house.ask("GET", "/auth/me", &bearer(&second["access_token"])).await.status, StatusCode::UNAUTHORIZED);

    let third = house.login("ada").await;
    let access = bearer(&third["access_token"]);
    assert_eq!(house.ask("GET", "/marts/a", &access).await.status, StatusCode::OK);
    assert_eq!(house.ask("POST", "/auth/logout", &access).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.ask("GET", "/marts/a", &access).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&third).await.status, StatusCode::UNAUTHORIZED);
    let key = format!("Bearer {}", house.key("ada", "datamarts:read").await);
    assert_eq!(code(&house.ask("POST", "/auth/logout", &key).await), (400, "no_session".to_owned()));
}

#[tokio::test]
async fn guessing_passwords_is_slowed_down() {
    let house = House::new("").await;
    let mut statuses = Vec::new();
    for number in 0..12 {
        let answer = house.post("/auth/login", json!({ "name": "bob", "password": format!("guess number {number}") })).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!(code(&answer), (429, "login_limited".to_owned()));
            let seconds: u32 = answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
            assert!((1..=12).contains(&seconds), "{seconds}");
        }
        statuses.push(answer.status.as_u16());
    }
    assert_eq!(statuses, [[401; 5].as_slice(), &[429; 7]].concat(), "five tries, then one every twelve seconds");
    assert_eq!(house.post("/auth/login", json!({ "name": "ada", "password": PASSWORD })).await.status, StatusCode::OK);
    for body in [json!({}), json!({ "name": "ada" }), json!({ "name": "ada", "password": PASSWORD, "role": "admin" })] {
        assert_eq!(
            house.post("/auth/login", body).await.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "nothing is taken on the side"
        );
    }
}

#[tokio::test]
async fn nobody_takes_more_than_a_share() {
    let house = House::new("requests_per_second = 1\nburst = 20\nrequests_at_once = 3\n").await;
    let ada = format!("Bearer {}", house.key("ada", "datamarts:read").await);
    let at_once = futures::future::join_all((0..6).map(|_| house.ask("GET", "/slow", &ada))).await;
    let count = |status| at_once.iter().filter(|answer| answer.status.as_u16() == status).count();
    assert_eq!((count(200), count(429)), (3, 3));
    let refused = at_once.iter().find(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).expect("one is refused");
    assert_eq!((code(refused).1.as_str(), &refused.headers["retry-after"]), ("too_many_at_once", &"1".parse().expect("a value")));
    let mut limited = 0;
    for _ in 0..30 {
        let answer = house.ask("GET", "/marts/a", &ada).await;
        limited += u32::from(answer.status == StatusCode::TOO_MANY_REQUESTS && code(&answer).1 == "rate_limited");
    }
    assert!((14..=16).contains(&limited), "{limited} of 30 after 6 of a burst of 20");
    let till = format!("Bearer {}", house.key("till", "datamarts:read").await);
    assert_eq!(house.ask("GET", "/marts/a", &till).await.status, StatusCode::OK, "others are not hindered");
}

#[tokio::test]
async fn the_trail_tells_who_did_what_and_keeps_no_secret() {
    let house = House::new("").await;
    let key = house.key("ada", "datamarts:read").await;
    for _ in 0..3 {
        house.ask("GET", "/marts/salaries?secret=1", &format!("Bearer {key}")).await;
    }
    house.ask("POST", "/runs", &format!("Bearer {key}")).await;
    for number in 0..50 {
        house.ask("GET", &format!("/marts/{number}"), "Bearer lhk_nobody").await;
    }
    let admin = bearer(&house.login("bob").await["access_token"]);
    let answer = house.ask("GET", "/audit?limit=1000", &admin).await;
    let entries = answer.json();
    let told = |principal: &str, object: &str, outcome: u16| {
        let fits = |entry: &&Value| entry["principal"] == principal && entry["object"] == object && entry["outcome"] == outcome;
        entries.as_array().expect("entries").iter().filter(fits).map(|entry| entry["times"].as_u64().expect("times")).sum::<u64>()
    };
    assert_eq!(told("ada", "/marts/salaries", 200), 3);
    assert_eq!(told("ada", "/runs", 403), 1);
    assert_eq!(told("nobody", "/marts/{name}", 401), 50, "whoever is nobody does not fill the trail with paths");
    assert_eq!(told("bob", "session", 200), 1);
    assert_eq!(told("root", "ada as viewer", 200), 1);
    for secret in [PASSWORD, key.rsplit('_').next().expect("a secret"), "secret=1"] {
        assert!(!answer.text.contains(secret));
    }
    let of_ada = house.ask("GET", "/audit?principal=ada&limit=1", &admin).await.json();
    assert_eq!(of_ada.as_array().map(Vec::len), Some(1));
    for wrong in ["/audit?limit=0", "/audit?limit=1001", "/audit?since=yesterday", "/audit?nothing=1"] {
        assert_eq!(house.ask("GET", wrong, &admin).await.status.as_u16() / 100, 4, "{wrong}");
    }
}

#[tokio::test]
async fn without_accounts_everybody_on_loopback_may_do_what_is_described() {
    let folder = TempDir::new().expect("a folder");
    let settings = settings(folder.path(), "").accounts;
    let open = Settings {
        accounts: lakehouse_settings::AccountSettings { required: false, ..settings },
        ..self::settings(folder.path(), "")
    };
    let routes = OpenApiRouter::default().routes(routes!(mart)).needs(Scope::DatamartsRead);
    let admission = Admission::new("house", &open).expect("admission");
    let closed = OpenApiRouter::default().routes(routes!(forgotten));
    let router = Service::new("house", "1.0.0", &LIMITS).admission(admission).routes(routes).routes(closed).build();
    let get = async |path: &str, authorization: Option<&str>| {
        let request = Request::get(path);
        let request = match authorization {
            Some(value) => request.header("authorization", value),
            None => request,
        };
        send(&router, request.body(Body::empty()).expect("request")).await
    };
    assert_eq!(get("/marts/a", None).await.text, "local");
    assert!(!folder.path().join("metadata.db").exists(), "nothing was asked of a database");
    assert_eq!(get("/forgotten", None).await.status, StatusCode::FORBIDDEN);
    assert_eq!(get("/marts/a", Some("Bearer lhk_wrong")).await.status, StatusCode::UNAUTHORIZED, "what is sent is checked");
}

#[tokio::test]
async fn a_signing_key_that_others_can_read_stops_the_start() {
    use std::os::unix::fs::PermissionsExt as _;

    let house = House::new("").await;
    let settings = settings(house.folder.path(), "");
    let file = &settings.accounts.signing_key_file;
    assert_eq!(std::fs::metadata(file).expect("a file").permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    assert!(Admission::new("house", &settings).is_err());
}
