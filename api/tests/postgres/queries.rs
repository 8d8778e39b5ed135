//! The same answers as over HTTP, with values bound, in both protocols of statements; and what a client says beside queries.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, Row as _};

use crate::{
    door::{Raw, connect, framed, shown, state},
    place::{Place, typed},
    statements::refused,
};

const HEAVY: &str = "select count(*) from silver.numbers a, silver.numbers b, silver.numbers c where a.half + b.half < c.half";

#[tokio::test]
async fn rows_are_those_of_http_in_text_and_in_binary() {
    let place = Place::with_numbers(10_000).await;
    place.publish(&typed()).await;
    let mut client = connect(&place).await;
    for sql in [
        "select * from silver.numbers order by n limit 2000",
        "select client_id, tx_count, share, word, is_new, cast(seen_at as bigint) as micros from dm_client_features order by client_id",
        "select word, count(*) as n, avg(half) as mean, array_agg(n order by n) as ns from silver.numbers where n < 40 group by word order by word",
        "select is_even, min(n) as least from fraud.silver.numbers group by is_even order by least",
        "select null as nothing, 1 as one, -1.5 as less, 'é;''' as text, true as yes, 1::smallint as small, 2::int as more, 0.1::real as part",
        "select n from silver.numbers where false",
        "with a as (select n from silver.numbers where n < 3) select count(*) as c from a, a b",
        "values (1, 'a'), (2, null)",
    ] {
        let expected = place.rows(sql).await;
        let binary = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut client).await.unwrap();
        assert_eq!(Value::Array(binary.iter().map(shown).collect()), expected, "{sql}");
        let text = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_all(&mut client).await.unwrap();
        assert_eq!(Value::Array(text.iter().map(shown).collect()), expected, "{sql}");
    }
    let all: i64 = sqlx::query("select * from silver.numbers").fetch_all(&mut client).await.unwrap().len() as i64;
    assert_eq!(all, 10_000);
}

#[tokio::test]
async fn values_are_bound_and_never_part_of_the_text() {
    let place = Place::with_numbers(1_000).await;
    let mut client = connect(&place).await;
    let sql = "select count(*) from silver.numbers where n < $1 and (word = $2 or half > $3 or is_even = $4)";
    let count = sqlx::query(sql).bind(100_i64).bind("word 7, é").bind(49.0).bind(true).fetch_one(&mut client).await.unwrap();
    let plain = "select count(*) as c from silver.numbers where n < 100 and (word = 'word 7, é' or half > 49 or is_even = true)";
    assert_eq!(json!([{ "c": count.get::<i64, _>(0) }]), place.rows(plain).await);
    let attack = "x' or true --";
    let none =
        sqlx::query("select count(*) from silver.numbers where word = $1").bind(attack).fetch_one(&mut client).await.unwrap();
    assert_eq!(none.get::<i64, _>(0), 0);
    let row = sqlx::query("select $1::bigint + 1, $2, $3::double precision").bind(41_i64).bind("text").bind(f64::NAN);
    let row = row.fetch_one(&mut client).await.unwrap();
    assert_eq!((row.get::<i64, _>(0), row.get::<&str, _>(1)), (42, "text"));
    assert!(row.get::<f64, _>(2).is_nan());
    let nothing = sqlx::query("select $1::bigint is null, $2 is null").bind(None::<i64>).bind(None::<&str>);
    let row = nothing.fetch_one(&mut client).await.unwrap();
    assert_eq!((row.get::<bool, _>(0), row.get::<bool, _>(1)), (true, true));
    let limited = sqlx::query("select n from silver.numbers order by n limit $1 offset $2").bind(5_i64).bind(2_i64);
    assert_eq!(limited.fetch_all(&mut client).await.unwrap().len(), 5);
    // The same statement again, with other values.
    for n in 0..20_i64 {
        let found = sqlx::query("select n from silver.numbers where n = $1").bind(n).fetch_one(&mut client).await.unwrap();
        assert_eq!(found.get::<i64, _>(0), n);
    }
}

#[tokio::test]
async fn what_fails_is_said_as_postgresql_says_it_and_the_session_goes_on() {
    let place = Place::with_numbers(100).await;
    let mut client = connect(&place).await;
    for (sql, expected) in [
        ("selec 1", "42601"),
        ("select nothing from silver.numbers", "42703"),
        ("select * from silver.nothing", "42P01"),
        ("select * from '/etc/passwd'", "42P01"),
        ("select no_such_function(1)", "42883"),
        ("drop table silver.numbers", "25006"),
        ("insert into silver.numbers values (1, 1, '1', true)", "25006"),
        ("copy silver.numbers from stdin", "25006"),
        ("select 1 / 0", "22000"),
        ("select repeat('x', 100000000)", "54000"),
        ("show nothing", "42704"),
        ("set client_encoding to 'LATIN1'", "22023"),
    ] {
        assert_eq!(state(client.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(sql))).await), expected, "{sql}");
        if !sql.starts_with("set") {
            assert_eq!(state(sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&mut client).await), expected, "{sql}");
        }
        assert_eq!(sqlx::query("select 1").fetch_all(&mut client).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_transaction_is_a_courtesy_and_settings_hold() {
    let place = Place::with_numbers(20_000).await;
    let mut client = connect(&place).await;
    let mut transaction = client.begin().await.unwrap();
    assert_eq!(sqlx::query("select n from silver.numbers").fetch_all(&mut *transaction).await.unwrap().len(), 20_000);
    assert_eq!(state(transaction.execute("selec").await), "42601");
    assert_eq!(state(transaction.execute("select 1").await), "25P02");
    transaction.rollback().await.unwrap();
    assert_eq!(client.execute("select 1").await.unwrap().rows_affected(), 1);

    client.execute("set statement_timeout to 200").await.unwrap();
    let began = Instant::now();
    assert_eq!(state(client.execute(HEAVY).await), "57014");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let shown = sqlx::query("show statement_timeout").fetch_one(&mut client).await.unwrap();
    assert_eq!(shown.get::<&str, _>(0), "200");
    client.execute("reset all; set lakehouse.at = '0'").await.unwrap();
    place.publish(&typed()).await;
    let then = client.execute("select generation from dm_client_features").await.unwrap().rows_affected();
    client.execute("reset lakehouse.at").await.unwrap();
    assert_eq!((then, state(client.execute("select generation from dm_client_features").await)), (100, "42703".to_owned()));
}

#[tokio::test]
async fn rows_come_in_steps_and_as_files() {
    let place = Place::with_numbers(5_000).await;
    let (mut client, _) = Raw::session(place.postgres).await;
    client
        .query("begin; declare c cursor for select n from silver.numbers order by n; fetch 3 from c; fetch all from c; commit")
        .await;
    let (kinds, fault) = client.answer().await;
    assert_eq!((kinds.iter().filter(|kind| **kind == b'D').count(), fault), (5_000, None));
    for (options, rows) in [("", 5_000), ("(format csv, header true)", 5_001), ("(format binary)", 5_001)] {
        client.query(&format!("copy (select * from silver.numbers) to stdout {options}")).await;
        let (kinds, fault) = client.answer().await;
        assert_eq!((kinds.iter().filter(|kind| **kind == b'd').count(), fault), (rows, None), "{options}");
        assert_eq!((kinds[0], &kinds[kinds.len() - 3..]), (b'H', &b"cCZ"[..]));
    }
    // A portal that is asked for two rows at a time.
    let mut series = framed(Some(b'P'), b"\0select n from silver.numbers limit 5\0\0\0");
    series.extend(framed(Some(b'B'), b"\0\0\0\0\0\0\0\0"));
    (0..3).for_each(|_| series.extend(framed(Some(b'E'), b"\0\0\0\0\x02")));
    series.extend(framed(Some(b'S'), b""));
    client.send(&series).await;
    assert_eq!(client.answer().await, (b"12DDsDDsDCZ".to_vec(), None));
}

#[tokio::test]
async fn a_query_is_stopped_by_its_key_and_by_its_clients_end() {
    let place = Place::with(20_000, |settings| {
        settings.sql.queries_at_once = 1;
        settings.sql.wait_seconds = 20;
    })
    .await;
    let (mut client, key) = Raw::session(place.postgres).await;
    client.query(HEAVY).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let mut wrong = key.clone();
    wrong[7] ^= 1;
    for key in [&wrong, &key] {
        let mut other = Raw::connect(place.postgres).await;
        other.send(&framed(None, &[&80_877_102_u32.to_be_bytes(), &key[..]].concat())).await;
        assert_eq!(other.next().await, None, "nobody is told whether the key is right");
    }
    let began = Instant::now();
    assert_eq!(client.answer().await.1.as_deref(), Some("57014"));
    client.query("select 1").await;
    assert_eq!(client.answer().await, (b"TDCZ".to_vec(), None));
    // One that goes away leaves its turn to the next.
    client.query(HEAVY).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(client);
    assert_eq!(place.rows("select 1 as one").await, json!([{ "one": 1 }]));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn hostile_statements_reach_nothing_by_this_door_either() {
    let place = Place::with_numbers(100).await;
    let secret = place.folder().join("secret.csv");
    std::fs::write(&secret, "a,b\ncanary-7e1f,1\n").unwrap();
    let files = || std::process::Command::new("find").arg(place.folder()).output().unwrap().stdout;
    let before = files();
    let (mut answered, mut refusals) = (Vec::new(), 0);
    for sql in refused(&secret) {
        let (mut client, _) = Raw::session(place.postgres).await;
        if sql.contains('\0') {
            continue;
        }
        client.query(&sql).await;
        let mut fault = None;
        while let Some((kind, body)) = client.next().await {
            assert!(!body.windows(6).any(|window| window == b"canary"), "{sql}");
            match kind {
                b'E' => fault = Some(String::from_utf8_lossy(&body).into_owned()),
                b'Z' => break,
                _ => {}
            }
        }
        match fault {
            Some(fault) => {
                assert!(!fault.contains("CXX000"), "{sql}: {fault}");
                refusals += 1;
            }
            None => answered.push(sql),
        }
    }
    println!("{refusals} refused; answered: {answered:?}");
    let harmless = [
        "set",
        "reset",
        "begin",
        "start",
        "commit",
        "rollback",
        "savepoint",
        "discard",
        "deallocate",
        "close",
        "declare",
        "-- nothing",
        "/* nothing */",
        ";",
        "select 1; select 2",
        "select current_setting",
        "select * from information_schema",
        "select * from fraud.information_schema",
        "select * from pg_catalog",
        "select * from pg_class",
        "select set_config",
    ];
    let is_harmless = |sql: &String| sql.is_empty() || harmless.iter().any(|known| sql.starts_with(known));
    let bad: Vec<&String> = answered.iter().filter(|sql| !is_harmless(sql)).collect();
    assert!(bad.is_empty(), "{bad:?}");
    assert!(refusals > 100, "{refusals}");
    assert_eq!(files(), before, "nothing is written");
}
