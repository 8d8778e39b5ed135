//! Loading files into PostgreSQL, on a real one.

use std::time::Duration;

use futures::future::join_all;
use lakehouse_settings::{Overrides, Settings};
use lakehouse_sources_api::Tables;
use lakehouse_spec::{Domain, domain_from_dir, find_domain};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::{
    app::{App, code, header},
    database::{Database, on_postgres},
};

const HEADER: &str = "id,date,client_id,card_id,amount,use_chip,merchant_id,merchant_city,merchant_state,zip,mcc,errors\n";

fn transaction(id: u32) -> String {
    format!("{id},2010-01-01 00:01:00,7,8,\"$-1,{:03}.50\",Swipe Transaction,9,\"a, \"\"b\"\"\",ND,58523.0,5499,\n", id % 1000)
}

fn csv(ids: impl IntoIterator<Item = u32>) -> String {
    HEADER.to_owned() + &ids.into_iter().map(transaction).collect::<String>()
}

fn fraud() -> Domain {
    find_domain("fraud", None).expect("the domain")
}

/// A service with the tables of `domain` in the database at `url`.
async fn app(url: &str, domain: Domain) -> App {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("source_database_url_file = {:?}", file.path().with_extension("url"))).expect("settings");
    std::fs::write(file.path().with_extension("url"), url).expect("the address");
    let settings = Settings::load(Some(file.path()), Overrides::default()).expect("settings");
    App::start_with(Tables::new(&settings, &[domain]).expect("tables")).await
}

async fn post(app: &App, path: &str, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let answer = app.request("POST", path).body(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("json"))
}

const LOAD: &str = "/tables/transaction_data/load";

#[tokio::test]
async fn each_file_gets_the_next_date_and_older_rows_are_never_touched() {
    on_postgres(async |database: &Database| {
        let app = app(&database.url, fraud()).await.with_file("more.csv", csv(1000..1003));
        let (status, answer) = post(&app, LOAD, csv(1..=3)).await;
        let expected = json!({
            "table": "transaction_data", "situation_date": "2025-01-01", "rows": 3, "refused": 0, "verdicts": []
        });
        assert_eq!((status, answer), (201, expected));
        let old = "select *, xmin from transaction_data where situation_date = '2025-01-01' order by id";
        let before = database.lines(old).await;
        assert_eq!(
            before[0].rsplit_once('|').expect("xmin").0,
            "1|2010-01-01T00:01:00+00:00|7|8|-1001.5|Swipe Transaction|9|a, \"b\"|ND|58523|5499|2025-01-01"
        );

        let (status, answer) = post(&app, &format!("{LOAD}?file=more.csv"), "").await;
        assert_eq!((status, &answer["situation_date"], &answer["rows"]), (201, &json!("2025-01-02"), &json!(3)));
        assert_eq!(database.lines(old).await, before, "not even a row's version has changed");
        let counts = database.lines("select situation_date, count(*) from transaction_data group by 1 order by 1").await;
        assert_eq!(counts, ["2025-01-01|3", "2025-01-02|3"]);
        let indexes =
            "select count(*) from pg_indexes where tablename = 'transaction_data' and indexdef like '%(situation_date)'";
        assert_eq!(database.lines(indexes).await, ["1"]);
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_same_content_or_key_is_loaded_once() {
    on_postgres(async |database: &Database| {
        let app = app(&database.url, fraud()).await.with_file("a.csv", csv(1..=3));
        let (first, answer) = post(&app, LOAD, csv(1..=3)).await;
        let mut tried = 1;
        for path in [LOAD, &format!("{LOAD}?file=a.csv"), LOAD] {
            let again = app.request("POST", path).body(csv(1..=3)).send().await.expect("an answer");
            assert_eq!((first, again.status().as_u16(), header(&again, "idempotency-replayed")), (201, 200, "true"));
            assert_eq!(again.json::<Value>().await.expect("json"), answer);
            tried += 1;
        }
        for (content, expected) in [(csv(1..=3), 201), (csv(1..=3), 200), (csv(1..=4), 422)] {
            let keyed =
                app.request("POST", LOAD).header("Idempotency-Key", "monday").body(content).send().await.expect("an answer");
            assert_eq!(keyed.status().as_u16(), expected);
            if expected == 422 {
                assert_eq!(code(keyed).await, "key_reused");
            }
            tried += 1;
        }
        assert_eq!(database.lines("select count(*), count(distinct situation_date) from transaction_data").await, ["6|2"]);
        println!("{tried} loads, 2 of them new");
        app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loads_at_once_get_dates_in_a_row() {
    on_postgres(async |database: &Database| {
        let app = app(&database.url, fraud()).await;
        let answers = join_all((0..4_u32).map(|load| post(&app, LOAD, csv(load * 10_000..load * 10_000 + 5_000)))).await;
        let mut dates: Vec<_> = answers.iter().map(|(status, answer)| (*status, answer["situation_date"].clone())).collect();
        dates.sort_by_key(|(_, date)| date.to_string());
        assert_eq!(dates, (1..=4).map(|day| (201, json!(format!("2025-01-0{day}")))).collect::<Vec<_>>());
        let counts = "select count(*), min(id) / 10000 = max(id) / 10000 from transaction_data group by situation_date";
        assert_eq!(database.lines(counts).await, ["5000|true"; 4]);
        println!("4 loads at once of 5000 rows, 4 dates");
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn rows_that_break_the_contract_are_told_and_the_others_loaded() {
    on_postgres(async |database: &Database| {
        let app = app(&database.url, fraud()).await;
        let bad = [
            "x",
            "1,2",
            "2,2010-13-01 00:00:00,7,8,1,,9,,,,5,",
            "3,2010-01-01 00:00:00,7,8,much,,9,,,,5,",
            "4,2010-01-01 00:00:00,7,8,1,\0,9,,,,5,",
            "5,-008000-01-01 00:00:00,7,8,1,,9,,,,5,",
        ];
        let (status, answer) = post(&app, LOAD, csv(1..=2) + &bad.join("\n") + "\n" + &transaction(9)).await;
        assert_eq!((status, &answer["rows"], &answer["refused"]), (201, &json!(3), &json!(6)), "{answer}");
        let reasons: Vec<_> = answer["verdicts"]
            .as_array()
            .expect("verdicts")
            .iter()
            .map(|verdict| verdict["reason"].as_str().expect("a reason"))
            .collect();
        assert_eq!(
            reasons,
            [
                "1 fields where the header has 12",
                "2 fields where the header has 12",
                "date is not a date and time",
                "amount is not an amount of money",
                "use_chip holds a zero byte, which PostgreSQL's text cannot",
                "date is an instant that PostgreSQL does not know",
            ]
        );
        assert_eq!(answer["verdicts"][0]["line"], 4);

        let (status, answer) = post(&app, LOAD, csv(20..22) + &"bad\n".repeat(500)).await;
        assert_eq!((status, &answer["refused"], answer["verdicts"].as_array().map(Vec::len)), (201, &json!(500), Some(100)));
        let before = database.lines("select count(*), max(situation_date) from transaction_data").await;
        for content in ["", HEADER, &format!("{HEADER}bad\n"), "id,date\n1,2\n", &format!("{}4,2010-01-01 00:0", csv(1..=2))] {
            let (status, answer) = post(&app, LOAD, content.to_owned()).await;
            assert_eq!(status, 422, "{content:?}: {answer}");
        }
        assert_eq!(database.lines("select count(*), max(situation_date) from transaction_data").await, before);
        println!("11 refused rows told, 5 files refused whole");
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_broken_off_upload_loads_nothing() {
    on_postgres(async |database: &Database| {
        let app = app(&database.url, fraud()).await;
        post(&app, LOAD, csv(1..=3)).await;
        let mut connection = app.connect().await;
        let body = csv(10..20_000);
        let request =
            format!("POST {LOAD} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{}", body.len(), &body[..body.len() / 2]);
        connection.write_all(request.as_bytes()).await.expect("send");
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(connection);
        let (_, answer) = post(&app, LOAD, csv(4..=5)).await;
        assert_eq!(answer["situation_date"], "2025-01-02");
        assert_eq!(database.lines("select count(*) from transaction_data").await, ["5"]);
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn protected_columns_are_masked_or_dropped_and_never_told() {
    on_postgres(async |database: &Database| {
        let folder = tempfile::tempdir().expect("folder");
        let domain = folder.path().join("bank");
        std::fs::create_dir_all(domain.join("ingestion")).expect("folder");
        std::fs::write(domain.join("domain.toml"), "description = \"Bank\"\nowner = \"us\"\n").expect("domain");
        let source = "description = \"Cards\"\nfiles = \"cards.csv\"\nformat = \"csv\"\nmode = \"append\"\nkey = [\"id\"]\n\
            columns = [{ name = \"id\", type = \"integer\", required = true }, { name = \"cvv\", type = \"integer\", pii = \"drop\", required = true },\n\
            { name = \"number\", type = \"string\", pii = \"mask\" }]\n\
            [database]\ntable = \"cards\"\nbatch_column = \"loaded_on\"\nfirst_batch = \"2025-01-01\"\n";
        std::fs::write(domain.join("ingestion/cards.toml"), source).expect("source");
        let app = app(&database.url, domain_from_dir(&domain).expect("a domain")).await;
        let (status, answer) = post(&app, "/tables/cards/load", "id,cvv,number\n1,987,4111222233334444\nx,986,4111222233335555\n2,98x,4111222233336666\n").await;
        assert_eq!((status, &answer["rows"], &answer["refused"]), (201, &json!(1), &json!(2)), "{answer}");
        assert_eq!(database.lines("select * from cards").await, ["1|4444|2025-01-01"]);
        let everything = format!("{answer} {:?}", database.lines("select * from lakehouse_loads").await);
        assert!(!["987", "986", "98x", "4111"].iter().any(|planted| everything.contains(planted)), "{everything}");
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_table_of_texts_is_filled_as_it_is_and_another_shape_is_refused() {
    on_postgres(async |database: &Database| {
        let columns = "id bigint, date text, client_id bigint, card_id bigint, amount text, use_chip text, merchant_id bigint, \
            merchant_city text, merchant_state text, zip double precision, mcc bigint, errors text, situation_date date";
        database.run(&format!("create table transaction_data ({columns}); insert into transaction_data (id, situation_date) values (0, '2025-03-09')")).await;
        let app = app(&database.url, fraud()).await;
        let (_, answer) = post(&app, LOAD, csv(1..=1)).await;
        assert_eq!(answer["situation_date"], "2025-03-10");
        assert_eq!(database.lines("select date, amount from transaction_data where id = 1").await, ["2010-01-01 00:01:00|$-1,001.50"]);
        database.run("alter table transaction_data alter id type text; alter table transaction_data alter mcc type numeric").await;
        let (status, answer) = post(&app, LOAD, csv(2..=2)).await;
        assert!(status == 409 && answer["detail"].as_str().is_some_and(|text| text.contains("`mcc`")), "{answer}");
        app.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_database_that_is_not_configured_away_or_refuses_is_told_without_a_secret() {
    on_postgres(async |database: &Database| {
        let unset = App::start_with(
            Tables::new(&Settings::load(None, Overrides::default()).expect("defaults"), &[fraud()]).expect("tables"),
        )
        .await;
        let (status, answer) = post(&unset, LOAD, csv(1..=1)).await;
        assert_eq!((status, &answer["code"]), (503, &json!("not_configured")));
        assert!(answer["detail"].as_str().is_some_and(|text| text.contains("`source_database_url`")), "{answer}");
        let (status, answer) = post(&unset, "/tables/nothing/load", "").await;
        assert_eq!((status, &answer["code"]), (404, &json!("unknown_table")));
        unset.stop().await;

        let mut wrong = url::Url::parse(&database.url).expect("a URL");
        wrong.set_password(Some("wr0ng-pa55word")).expect("a password");
        let mut away = url::Url::parse(&database.url).expect("a URL");
        away.set_port(Some(1)).expect("a port");
        for (url, expected) in [(wrong, 500), (away, 503)] {
            let app = app(url.as_str(), fraud()).await;
            let (status, answer) = post(&app, LOAD, csv(1..=1)).await;
            assert_eq!(status, expected, "{answer}");
            assert!(
                !answer.to_string().contains("pa55word") && !answer.to_string().contains(url.password().expect("a password")),
                "{answer}"
            );
            app.stop().await;
        }

        let app = app(&database.url, fraud()).await;
        let (status, _) = post(&app, &format!("{LOAD}?file=none.csv"), "").await;
        assert_eq!(status, 404);
        app.stop().await;
    })
    .await;
}
