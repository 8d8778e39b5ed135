//! Users and keys from the command to all three services.

use std::{
    io::Write as _,
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{program::Workspace, services::Served};

const PASSWORD: &str = "correct horse battery";

/// Runs a verb with this on its standard input.
fn with_input(workspace: &Workspace, arguments: &[&str], input: &str) -> Output {
    let mut command = workspace.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn add_user(workspace: &Workspace, name: &str, role: &str) {
    let output = with_input(workspace, &["users", "add", name, "--role", role], &format!("{PASSWORD}\n"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The key that the verb prints, alone on standard output.
fn add_key(workspace: &Workspace, owner: &str, scopes: &[&str]) -> String {
    let mut arguments = vec!["keys", "add", owner, "--label", "a test"];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let ran = workspace.lakehouse(&arguments).good();
    let key = ran.stdout().trim().to_owned();
    assert!(key.starts_with("lhk_") && key.len() == 85, "{key}");
    key
}

#[test]
fn all_three_services_ask_who_is_calling() {
    let workspace = Workspace::with_sample(1_000).with_environment("LAKEHOUSE_ACCOUNTS__REQUIRED", "true");
    workspace.run().good();
    add_user(&workspace, "root", "admin");
    add_user(&workspace, "ada", "viewer");
    assert!(workspace.lakehouse(&["users", "add", "till", "--role", "service", "--no-password"]).output.status.success());
    let served = Served::start(&workspace);
    let get = |url: &str, token: &str| served.send(served.client.get(url).bearer_auth(token));

    for (address, path) in [
        (&served.api, "/client_features/"),
        (&served.api, "/datamarts"),
        (&served.api, "/datamarts/fraud/dm_client_features"),
        (&served.api, "/runs"),
        (&served.api, "/audit"),
        (&served.api, "/sql?q=select%201"),
        (&served.sources, "/files"),
        (&served.sources, "/files/cards_data.csv"),
        (&served.ml, "/model/info"),
        (&served.ml, "/auth/me"),
    ] {
        let (status, answer) = served.get(&format!("{address}{path}"));
        assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")), "{path}");
    }
    for address in [&served.api, &served.sources, &served.ml] {
        for free in ["/health/live", "/metrics", "/openapi.json", "/docs", "/"] {
            assert_eq!(served.get(&format!("{address}{free}")).0, StatusCode::OK, "{free}");
        }
    }

    println!("{} requests of nobody refused", every_described_operation_is_closed_to_nobody(&served));

    // One login is good at all of them, and each allows what the role may.
    let login = json!({ "name": "ada", "password": PASSWORD });
    let (status, tokens) = served.post(&format!("{}/auth/login", served.sources), &login);
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let ada = tokens["access_token"].as_str().unwrap();
    let clients = get(&format!("{}/client_features/", served.api), ada).1.as_array().map(|rows| rows.len().to_string());
    assert_eq!(clients, Some(workspace.value("select count(*) from gold.dm_client_features")));
    assert_eq!(get(&format!("{}/datamarts/fraud/dm_client_features", served.api), ada).0, StatusCode::OK);
    assert_eq!(get(&format!("{}/auth/me", served.ml), ada).1["name"], "ada");
    for url in [format!("{}/files", served.sources), format!("{}/model/info", served.ml), format!("{}/audit", served.api)] {
        assert_eq!(get(&url, ada).1["code"], "missing_scope", "{url}");
    }
    let key = add_key(&workspace, "till", &["ingest", "sources:read"]);
    assert_eq!(get(&format!("{}/files", served.sources), &key).0, StatusCode::OK);
    assert_eq!(get(&format!("{}/client_features/", served.api), &key).1["code"], "missing_scope");

    let id = key.split('_').nth(1).unwrap();
    workspace.lakehouse(&["keys", "revoke", id]).good();
    let revoked = Instant::now();
    while get(&format!("{}/files", served.sources), &key).0 == StatusCode::OK {
        assert!(revoked.elapsed() < Duration::from_secs(3), "a revoked key stops at once");
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("a revoked key stopped after {:.1} s", revoked.elapsed().as_secs_f64());

    let (_, tokens) = served.post(&format!("{}/auth/login", served.api), &json!({ "name": "root", "password": PASSWORD }));
    let (status, trail) = get(&format!("{}/audit?limit=1000", served.api), tokens["access_token"].as_str().unwrap());
    assert_eq!(status, StatusCode::OK);
    let tells = |principal: &str, action: &str, object: &str| {
        let fits = |entry: &Value| entry["principal"] == principal && entry["action"] == action && entry["object"] == object;
        trail.as_array().unwrap().iter().any(fits)
    };
    assert!(tells("ada", "GET", "/client_features/") && tells("till", "GET", "/files"));
    assert!(tells("command", "keys.revoke", id) && tells("command", "users.add", "root as admin"), "{trail}");
}

/// Walks the descriptions of all services: what is not free by name refuses whoever says nothing, and whoever says something false. Tells
/// how often.
fn every_described_operation_is_closed_to_nobody(served: &Served) -> u32 {
    let (mut free, mut closed) = (Vec::new(), 0);
    for address in [&served.api, &served.sources, &served.ml] {
        let described = served.get(&format!("{address}/openapi.json")).1;
        for (path, operations) in described["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let Ok(verb) = reqwest::Method::from_bytes(method.to_uppercase().as_bytes()) else { continue };
                if operation["security"] == json!([]) {
                    free.push(path.clone());
                    continue;
                }
                let filled = path.replace(['{', '}'], "");
                for token in [None, Some("lhk_0000000000000000_"), Some("eyJhbGciOiJub25lIn0.e30.")] {
                    let request = served.client.request(verb.clone(), format!("{address}{filled}"));
                    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
                    assert_eq!(served.send(request).0, StatusCode::UNAUTHORIZED, "{method} {path}: {operation}");
                    closed += 1;
                }
            }
        }
    }
    free.sort();
    free.dedup();
    assert_eq!(free, ["/", "/auth/login", "/auth/refresh", "/health/live", "/health/ready"]);
    closed
}

#[test]
fn passwords_are_never_arguments_and_weak_ones_are_refused() {
    let workspace = Workspace::new();
    let refused = |arguments: &[&str], input: &str| {
        let output = with_input(&workspace, arguments, input);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["users", "add", "ada", "--role", "viewer"], "short\n").contains("fewer than 12 characters"));
    assert!(refused(&["users", "add", "ada", "--role", "viewer"], "").contains("fewer than 12 characters"));
    for arguments in [
        &["users", "add", "ada", PASSWORD, "--role", "viewer"][..],
        &["users", "add", "ada", "--role", "viewer", "--password", PASSWORD],
        &["users", "add", "Ada", "--role", "viewer"],
        &["users", "add", "ada", "--role", "superuser"],
        &["keys", "add", "ada", "--label", "x"],
        &["keys", "add", "ada", "--label", "x", "--scope", "everything"],
    ] {
        refused(arguments, &format!("{PASSWORD}\n"));
    }
    assert!(refused(&["keys", "add", "ada", "--label", "x", "--scope", "ingest"], "").contains("no user `ada`"));
    let list = workspace.lakehouse(&["users", "list", "--json"]).good();
    assert_eq!(serde_json::from_slice::<Value>(&list.output.stdout).unwrap(), json!([]), "there is nobody by default");

    add_user(&workspace, "ada", "viewer");
    assert!(
        refused(&["users", "add", "ada", "--role", "admin"], &format!("{PASSWORD}\n")).contains("there is a user `ada` already")
    );
    workspace.lakehouse(&["users", "role", "ada", "data_scientist"]).good();
    workspace.lakehouse(&["users", "disable", "ada"]).good();
    let list = workspace.lakehouse(&["users", "list", "--json"]).good();
    let list: Value = serde_json::from_slice(&list.output.stdout).unwrap();
    assert_eq!(
        (&list[0]["name"], &list[0]["role"], list[0]["disabled_at"].is_string()),
        (&json!("ada"), &json!("data_scientist"), true)
    );
    assert!(!list.to_string().contains("argon2"), "no hash is listed");
}

#[test]
fn nothing_is_served_beyond_loopback_without_accounts() {
    let workspace = Workspace::new().with_environment("LAKEHOUSE_API__ADDRESS", "0.0.0.0");
    let ran = workspace.lakehouse(&["serve", "api"]);
    let told = ran.stderr();
    assert!(!ran.output.status.success() && told.contains("accounts.required") && told.contains("lakehouse users add"), "{told}");
}
