//! What was answered is not forgotten, and counts once.

use std::{fs, path::Path};

use lakehouse_registry::AliasName;
use serde_json::{Value, json};

use crate::{
    app::{App, post, send, transaction, transaction_with},
    shelf::{Purchase, Shelf, constant, split_on},
};

/// A service whose model gives 0.9 from three earlier purchases of the card within a day.
async fn app() -> App {
    let mut app = App::start();
    prepare(&app.shelf).await;
    app.look().await;
    app
}

async fn prepare(shelf: &Shelf) {
    shelf.promote(&constant("fraud", 0.25)).await;
    shelf.promote(&split_on("fraud_card", "card_count_24h", 3.0)).await;
    shelf.put_state(&[]).await;
}

fn purchase(id: &str, at: &str) -> Value {
    transaction_with(json!({"card_id": 42, "merchant_id": 7, "mcc": 5411, "timestamp": at, "transaction_id": id}))
}

fn unnamed(at: &str) -> String {
    json!({"card_id": 42, "timestamp": at, "amount": 10, "merchant_id": 7, "mcc": 5411}).to_string()
}

fn posted(id: &str, at: &str) -> String {
    json!({"card_id": 42, "timestamp": at, "transaction_id": id, "amount": 10, "merchant_id": 7, "mcc": 5411}).to_string()
}

#[tokio::test]
async fn scored_and_posted_transactions_move_the_signals_and_questions_do_not() {
    let app = app().await;
    assert_eq!(app.probability(&purchase("a", "2019-10-31 09:00:00")).await, 0.1);
    assert_eq!(app.post("/transactions", posted("b", "2019-10-31 10:00:00")).await.json(), json!({"recorded": true}));
    for _ in 0..5 {
        let question = app.post("/predict?record=false", purchase("q", "2019-10-31 10:30:00").to_string()).await;
        assert_eq!(question.json()["fraud_probability"], 0.1);
        assert_eq!(app.post("/explain", purchase("q", "2019-10-31 10:30:00").to_string()).await.status, 200);
    }
    assert_eq!(app.probability(&purchase("c", "2019-10-31 11:00:00")).await, 0.1);
    assert_eq!(app.probability(&purchase("d", "2019-10-31 12:00:00")).await, 0.9, "a, b and c");
}

#[tokio::test]
async fn a_transaction_counts_once_however_often_it_is_sent() {
    let app = app().await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        let answer = app.predict(&purchase("a", "2019-10-31 09:00:00")).await;
        answers.push((answer.text, answer.headers.get("idempotency-replayed").is_some()));
    }
    assert!(answers.iter().all(|(text, _)| *text == answers[0].0), "{answers:?}");
    assert_eq!(answers.iter().map(|(_, replayed)| *replayed).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(app.post("/transactions", posted("a", "2019-10-31 09:00:00")).await.json(), json!({"recorded": false}));
    for _ in 0..3 {
        let mut request = post("/transactions", unnamed("2019-10-31 10:00:00"));
        request.headers_mut().insert("idempotency-key", "till-7".parse().expect("header"));
        assert_eq!(send(&app.router, request).await.status, 200);
    }
    assert_eq!(app.probability(&purchase("z", "2019-10-31 12:00:00")).await, 0.1, "two so far");
    assert_eq!(app.probability(&purchase("y", "2019-10-31 12:00:01")).await, 0.9, "three");
}

#[tokio::test]
async fn what_cannot_be_recorded_is_refused() {
    let app = app().await;
    assert_eq!(app.post("/transactions", unnamed("2019-10-31 10:00:00")).await.problem().0, 422);
    assert_eq!(app.post("/transactions", posted("a", "2999-01-01 00:00:00")).await.problem().0, 422);
    assert_eq!(app.predict(&purchase("a", "2999-01-01 00:00:00")).await.problem().0, 422);
    let empty = App::start();
    assert_eq!(empty.post("/transactions", posted("a", "2019-10-31 10:00:00")).await.problem().1, "no_card_model");
}

#[tokio::test]
async fn a_restart_and_a_new_state_forget_nothing_and_count_nothing_twice() {
    let app = app().await;
    for (id, at) in [("a", "2019-10-31 09:00:00"), ("b", "2019-10-31 10:00:00")] {
        app.predict(&purchase(id, at)).await;
    }
    let mut app = app.restart();
    app.look().await;
    assert_eq!(app.post("/transactions", posted("b", "2019-10-31 10:00:00")).await.json(), json!({"recorded": false}));
    assert_eq!(app.post("/transactions", posted("c", "2019-10-31 11:00:00")).await.json(), json!({"recorded": true}));
    let question = |at: &str| purchase("q", at).to_string();
    let ask =
        async |app: &App, at: &str| app.post("/predict?record=false", question(at)).await.json()["fraud_probability"].clone();
    assert_eq!(ask(&app, "2019-10-31 12:00:00").await, 0.9, "two before the restart, one after");

    // The pipeline's next state has a and b, and nothing later: c counts on top of it, the others do not count again.
    let has = |at: &'static str| Purchase { at, card: 42, merchant: 7, category: 5411, state: "CA", is_fraud: false };
    app.shelf.put_state(&[has("2019-10-31T09:00:00Z"), has("2019-10-31T10:00:00Z")]).await;
    app.look().await;
    assert_eq!(app.get("/model/info").await.json()["models"][1]["online_state"]["number"], 2);
    assert_eq!(ask(&app, "2019-10-31 12:00:00").await, 0.9);
    app.shelf.put_state(&[has("2019-10-31T10:00:00Z")]).await;
    app.look().await;
    assert_eq!(ask(&app, "2019-10-31 12:00:00").await, 0.1, "the newest state says that there was no first purchase");
}

#[tokio::test]
async fn an_entry_that_a_crash_cut_short_is_cut_off_and_damage_is_refused() {
    let app = app().await;
    for hour in 1..=5 {
        app.predict(&purchase(&format!("p{hour}"), &format!("2019-10-31 0{hour}:00:00"))).await;
    }
    let shelf = app.stop();
    let whole = fs::read(segment(&shelf.journal())).expect("segment");
    let mut counts = Vec::new();
    for cut in (0..whole.len()).rev().step_by(whole.len() / 40) {
        fs::write(segment(&shelf.journal()), &whole[..cut]).expect("write");
        let mut app = App::over(Shelf::new(), |settings| settings.journal = shelf.journal());
        prepare(&app.shelf).await;
        app.look().await;
        let mut count = 0;
        for hour in 1..=5 {
            let answer = app.post("/transactions", posted(&format!("p{hour}"), &format!("2019-10-31 0{hour}:00:00"))).await;
            count += usize::from(answer.json()["recorded"] == json!(false));
        }
        counts.push(count);
        drop(app);
        // The five that were posted again stand in a segment of their own.
        for extra in segments(&shelf.journal()).into_iter().skip(1) {
            fs::remove_file(extra).expect("remove");
        }
    }
    assert!(counts.is_sorted_by(|a, b| a >= b) && counts.contains(&4) && counts.contains(&0), "{counts:?}");
    println!("{} cuts of a journal of 5 entries", counts.len());

    fs::write(segment(&shelf.journal()), &whole).expect("write");
    fs::write(shelf.journal().join("0").join(format!("{:020}.journal", 6)), b"").expect("write");
    let mut damaged = whole;
    damaged[60] ^= 1;
    fs::write(segment(&shelf.journal()), damaged).expect("write");
    let refused = std::panic::catch_unwind(|| App::over(Shelf::new(), |settings| settings.journal = shelf.journal()));
    assert!(refused.is_err(), "what follows damage cannot be believed");
}

#[tokio::test]
async fn predictions_are_delivered_once_with_their_inputs_and_without_identifiers() {
    let app = app().await;
    for number in 0..30 {
        let transaction = transaction_with(json!({"transaction_id": number, "amount": number}));
        assert_eq!(app.predict(&transaction).await.status, 200);
    }
    app.predict(&purchase("with-a-card", "2019-10-31 09:00:00")).await;
    app.predict(&transaction()).await;
    assert_eq!(app.delivery.deliver().await.expect("delivered"), 32);
    assert_eq!(app.delivery.deliver().await.expect("nothing"), 0);
    let rows = app.shelf.delivered_predictions();
    assert_eq!(rows.len(), 32);
    let mut ids: Vec<&str> = rows.iter().map(|row| row["prediction_id"].as_str().expect("id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 32);
    assert_eq!(
        (&rows[7]["transaction_id"], &rows[7]["model"], &rows[7]["role"]),
        (&json!("7"), &json!("fraud"), &json!("champion"))
    );
    assert_eq!((&rows[30]["transaction_id"], &rows[30]["model"]), (&json!("with-a-card"), &json!("fraud_card")));
    assert_eq!(rows[31].get("transaction_id"), None);
    let inputs: Value = serde_json::from_str(rows[7]["inputs"].as_str().expect("inputs")).expect("json");
    assert_eq!((&inputs["amount"], &inputs["card_brand"]), (&json!(7.0), &json!("Visa")));
    assert!(!rows.iter().any(|row| row.to_string().contains("card_id") || row.to_string().contains("merchant_id")));
    println!("{} predictions delivered", rows.len());
}

#[tokio::test]
async fn the_log_can_be_fast_or_off() {
    for (mode, delivered) in [("fast", 2), ("off", 0)] {
        let mut app =
            App::over(Shelf::new(), |settings| settings.predictions = serde_json::from_value(json!(mode)).expect("mode"));
        prepare(&app.shelf).await;
        app.look().await;
        app.predict(&transaction()).await;
        app.predict(&purchase("a", "2019-10-31 09:00:00")).await;
        assert_eq!(app.delivery.deliver().await.expect("delivered"), delivered, "{mode}");
        let mut app = app.restart();
        app.look().await;
        assert_eq!(
            app.post("/transactions", posted("a", "2019-10-31 09:00:00")).await.json(),
            json!({"recorded": false}),
            "{mode}"
        );
    }
}

#[tokio::test]
async fn a_share_of_the_cards_is_the_challengers_and_the_rest_is_shadowed() {
    let mut app = App::over(Shelf::new(), |settings| settings.canary_percent = 20);
    prepare(&app.shelf).await;
    app.shelf.promote(&constant("fraud_card", 0.25)).await;
    let challenger = app.shelf.register(&constant("fraud_card", 0.75)).await;
    app.shelf.point(&AliasName::challenger(), "fraud_card", challenger).await;
    app.look().await;
    let ask = async |app: &App, card: u32, id: u32| {
        let answer = app
            .predict(&transaction_with(json!({"card_id": card, "transaction_id": id, "timestamp": "2019-10-31 09:00:00"})))
            .await;
        (answer.json()["fraud_probability"].as_f64().expect("number"), answer.model().1.to_owned())
    };
    let mut canaries = Vec::new();
    for card in 0..1_000 {
        let (score, version) = ask(&app, card, card).await;
        assert!([(0.25, "2".to_owned()), (0.75, "3".to_owned())].contains(&(score, version)), "{score}");
        canaries.push(score == 0.75);
    }
    let share = canaries.iter().filter(|is_canary| **is_canary).count();
    assert!((160..=240).contains(&share), "{share} of 1000");
    for card in (0..1_000).step_by(7) {
        assert_eq!(ask(&app, card, 5_000 + card).await.0 == 0.75, canaries[card as usize], "a card stays where it is");
    }
    app.delivery.deliver().await.expect("delivered");
    let rows = app.shelf.delivered_predictions();
    let with_role = |role: &str| rows.iter().filter(|row| row["role"] == role).count();
    assert_eq!(with_role("shadow"), 1_000 + 143);
    assert_eq!(with_role("canary") + with_role("champion"), 1_000 + 143);

    app.shelf.point(&AliasName::champion(), "fraud_card", challenger).await;
    app.look().await;
    assert_eq!(ask(&app, 1, 9_001).await, (0.75, "3".to_owned()), "promoted, it answers for all");
    let model = "fraud_card".parse().expect("name");
    app.shelf.registry().rollback(&model, &AliasName::champion()).await.expect("rollback");
    app.look().await;
    let honest = canaries.iter().position(|is_canary| !is_canary).expect("a card of the champion");
    assert_eq!(ask(&app, u32::try_from(honest).expect("card"), 9_002).await, (0.25, "2".to_owned()), "rolled back");
    println!("{share} of 1000 cards were the challenger's at 20 percent");
}

#[tokio::test]
async fn too_many_requests_are_told_to_come_back() {
    let mut app = App::over(Shelf::new(), |settings| settings.requests_at_once = 3);
    prepare(&app.shelf).await;
    app.look().await;
    let one = transaction().to_string();
    let asked: Vec<_> = (0..200).map(|_| send(&app.router, post("/predict", one.clone()))).collect();
    let answers = futures::future::join_all(asked).await;
    let (good, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(good.len() >= 3 && !busy.is_empty(), "{} answered", good.len());
    assert!(busy.iter().all(|answer| answer.status == 429 && answer.headers.contains_key("retry-after")));
    assert_eq!(app.predict(&transaction()).await.status, 200, "and afterwards there is room");
    println!("{} of 200 requests at once were answered, {} told to come back", good.len(), busy.len());
}

fn segments(journal: &Path) -> Vec<std::path::PathBuf> {
    let mut paths: Vec<_> = fs::read_dir(journal.join("0")).expect("journal").map(|entry| entry.expect("entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "journal"));
    paths.sort();
    paths
}

/// The first one, which is where a new service writes.
fn segment(journal: &Path) -> std::path::PathBuf {
    segments(journal).remove(0)
}
