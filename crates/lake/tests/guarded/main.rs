//! What a viewer can find out of a table that is masked and filtered: what a copy of the shown part would tell, and nothing else.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

mod attempts;
mod house;
mod pruned;

use arrow::{
    array::{Array as _, AsArray as _, RecordBatch},
    util::pretty::pretty_format_batches,
};
use attempts::ATTEMPTS;
use futures::TryStreamExt as _;
use house::{House, MARK, people};
use lakehouse_lake::{At, Comparison, Filter, Lake, LakeError, Showing, TableQuery};
use lakehouse_spec::{Role, TableName};

/// Rows as text, in an order of their own; an error as its kind.
fn told(outcome: Result<Vec<RecordBatch>, LakeError>) -> Vec<String> {
    match outcome {
        Ok(batches) => {
            let text = pretty_format_batches(&batches).unwrap().to_string();
            let mut lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
            lines.retain(|line| !line.starts_with('+'));
            lines.sort();
            lines
        }
        Err(error) => vec![format!("refused: {error}")],
    }
}

#[tokio::test]
async fn whatever_is_tried_tells_what_a_copy_of_the_shown_part_tells() {
    let house = House::new().await;
    let seen = house.seen(Role::Viewer, "ada");
    let mut tried = 0;
    for table in ["silver.people", "silver.parts"] {
        let rows = house.ask(&seen, &format!("select * from {table}")).await.unwrap();
        let shown = arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap();
        check_shown(&shown);
        let copy = format!("{table}_copy");
        house.put(&copy, &shown, &[]).await;
        for attempt in ATTEMPTS {
            let ask = async |lake: &Lake, name: &str| {
                let told = told(house.ask(lake, &attempt.replace("{t}", name)).await);
                // Results are named for what they are made of.
                told.into_iter().map(|line| line.replace(name, "{t}")).collect::<Vec<_>>()
            };
            let (guarded, copied) = (ask(&seen, table).await, ask(&house.lake, &copy).await);
            if !attempt.contains(" limit 600") {
                assert_eq!(guarded, copied, "{table}: {attempt}");
            }
            // What the attempt says itself, it may find in its answer.
            let hidden = ["918273", "-4000-", "north"].into_iter().filter(|hidden| !attempt.contains(hidden));
            let tells = hidden.flat_map(|hidden| guarded.iter().find(|line| line.contains(hidden))).next();
            assert_eq!(tells, None, "{table}: {attempt}");
            tried += 1;
        }
    }
    println!("{tried} attempts told what a copy tells");
}

#[tokio::test]
async fn where_no_row_is_hidden_the_masks_hold_as_well() {
    let house = House::new().await;
    let seen = house.seen(Role::Viewer, "ada");
    let rows = house.ask(&seen, "select * from gold.masked").await.unwrap();
    house.put("gold.copy", &arrow::compute::concat_batches(&rows[0].schema(), &rows).unwrap(), &[]).await;
    for attempt in ATTEMPTS.iter().filter(|attempt| !attempt.contains(" limit 600")) {
        let ask = async |lake: &Lake, name: &str| {
            let told = told(house.ask(lake, &attempt.replace("{t}", name)).await);
            told.into_iter().map(|line| line.replace(name, "{t}")).collect::<Vec<_>>()
        };
        let (guarded, copied) = (ask(&seen, "gold.masked").await, ask(&house.lake, "gold.copy").await);
        assert_eq!(guarded, copied, "{attempt}");
        let hidden = ["918273", "-4000-"].into_iter().filter(|hidden| !attempt.contains(hidden));
        let tells = hidden.flat_map(|hidden| guarded.iter().find(|line| line.contains(hidden))).next();
        assert_eq!(tells, None, "{attempt}");
    }
}

/// Half of the rows, and nothing of what is masked.
fn check_shown(rows: &RecordBatch) {
    assert_eq!(rows.num_rows(), 500);
    let text = |column: &str| rows.column_by_name(column).unwrap().as_string::<i32>().clone();
    assert!(text("region").iter().all(|region| region == Some("south")));
    assert_eq!(rows.column_by_name("salary").unwrap().null_count(), 500);
    assert!(text("card").iter().flatten().all(|card| card.len() == 8 && card.starts_with("****")));
    let (names, ids) = (text("name"), rows.column_by_name("id").unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone());
    for (row, name) in names.iter().enumerate() {
        let id = ids.value(row);
        assert_eq!(name.is_none(), id % 9 == 0);
        assert!(name.is_none_or(|name| name.len() == 32 && !name.contains(MARK)));
        let twin = ids.values().iter().position(|other| *other == id + 50).filter(|twin| names.is_valid(*twin) && name.is_some());
        assert!(twin.is_none_or(|twin| Some(names.value(twin)) == name), "equal values stay equal");
    }
    assert!(!pretty_format_batches(std::slice::from_ref(rows)).unwrap().to_string().contains(MARK));
}

#[tokio::test]
async fn no_explanation_tells_what_is_hidden() {
    let house = House::new().await;
    let seen = house.seen(Role::Viewer, "ada");
    let kinds = [
        "explain",
        "explain verbose",
        "explain analyze",
        "explain analyze verbose",
        "explain format tree",
        "explain format pgjson",
    ];
    let queries = [
        "select * from silver.people",
        "select count(*) from silver.parts",
        "select id from silver.people where card like 'a%' limit 3",
    ];
    for (kind, query) in kinds.iter().flat_map(|kind| queries.map(|query| (kind, query))) {
        let text = told(house.ask(&seen, &format!("{kind} {query}")).await).join("\n");
        for hidden in [
            "south",
            "north",
            "parquet",
            "918273",
            MARK,
            "region =",
            "Precision",
            "Exact(1000",
            "rows=1000",
            "output_rows=1000",
            "1000,",
        ] {
            assert!(!text.contains(hidden), "{kind} {query} tells {hidden}: {text}");
        }
    }
    println!("{} explanations", kinds.len() * queries.len());
}

#[tokio::test]
async fn what_is_not_granted_is_not_there() {
    let house = House::new().await;
    let seen = house.seen(Role::Viewer, "ada");
    let tables = [
        "bronze.people",
        "shop.bronze.people",
        "\"bronze\".\"people\"",
        "quarantine.people",
        "gold.people",
        "gold.broken",
        "silver.nothing",
        "other.silver.people",
        "fraud.gold.dm_client_features",
        "information_schema.tables",
        "information_schema.columns",
        "information_schema.df_settings",
        "information_schema.views",
        "information_schema.schemata",
    ];
    for table in tables {
        for statement in [
            "select * from {}",
            "explain select * from {}",
            "select 1 where exists (select 1 from {})",
            "select (select count(*) from {})",
        ] {
            let outcome = house.ask(&seen, &statement.replace("{}", table)).await;
            assert!(matches!(&outcome, Err(LakeError::UnknownTable { .. })), "{table}: {outcome:?}");
        }
        let Ok(name) = table.parse::<TableName>() else { continue };
        let now = seen.table(&house.domain.name, &name).await.unwrap();
        assert!(now.is_none() && seen.table_at(&house.domain.name, &name, 0).await.unwrap().is_none(), "{table}");
        assert!(seen.table_as_of(&house.domain.name, &name, At::Version(0)).await.is_err());
    }
    let listed: Vec<String> = seen.tables(&house.domain.name).await.unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["silver.parts", "silver.people", "gold.broken", "gold.masked", "gold.mine"]);
    println!("{} tables that are not there", tables.len());
}

#[tokio::test]
async fn pages_and_earlier_versions_are_guarded_alike() {
    let house = House::new().await;
    let seen = house.seen(Role::Viewer, "ada");
    let name: TableName = "silver.people".parse().unwrap();
    house.put("silver.people", &people().slice(0, 10), &[]).await;
    for version in [0, 1] {
        let table = seen.table_as_of(&house.domain.name, &name, At::Version(version)).await.unwrap();
        assert_eq!(table.rows(), None, "the log counts rows that are not shown");
        let of = |column: &str, comparison, value: &str| Filter { column: column.into(), comparison, value: value.into() };
        for (filter, wanted) in [
            (of("id", Comparison::GreaterOrEqual, "0"), if version == 0 { 500 } else { 5 }),
            (of("region", Comparison::Equal, "north"), 0),
            (of("card", Comparison::Like, "Zx%"), 0),
            (of("card", Comparison::Equal, "****0003"), 1),
            (of("salary", Comparison::IsNull, "false"), 0),
        ] {
            let query = TableQuery { filters: vec![filter.clone()], limit: 10_000, ..TableQuery::default() };
            let rows: Vec<RecordBatch> = seen.read(&table, &query).await.unwrap().unwrap().try_collect().await.unwrap();
            assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), wanted, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn each_sees_their_own_and_an_admin_everything() {
    let house = House::new().await;
    house.put("gold.mine", &people(), &[]).await;
    let count = async |lake: &Lake| {
        let rows = house.ask(lake, "select count(*) from gold.mine").await.unwrap();
        rows[0].column(0).as_primitive::<arrow::datatypes::Int64Type>().value(0)
    };
    for (role, user, wanted) in
        [(Role::Viewer, "south", 500), (Role::Viewer, "north", 500), (Role::Viewer, "ada", 0), (Role::Admin, "ada", 1_000)]
    {
        assert_eq!(count(&house.seen(role, user)).await, wanted, "{user}");
    }
    assert_eq!(count(&house.lake).await, 1_000);
    let key = |role, user| house.seen(role, user).access_key().to_owned();
    assert_ne!(key(Role::Viewer, "south"), key(Role::Viewer, "north"), "what is shown depends on the user");
    assert_ne!(key(Role::Viewer, "ada"), key(Role::Admin, "ada"));
    assert_eq!(house.lake.access_key(), "");
    let nobody = Showing::new(&[], [7; 32]).to(Role::Viewer, "ada".parse().unwrap());
    let none = house.lake.seen_by(&nobody).table(&house.domain.name, &"silver.people".parse().unwrap()).await.unwrap();
    assert!(none.is_none(), "a domain that nobody told of shows nothing");
}
