//! What a viewer can find out of a table that is masked and filtered: what a copy of the shown part would tell, and nothing else.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on has failed")]

use std::sync::Arc;

use arrow::{
    array::{Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
    util::pretty::pretty_format_batches,
};
use futures::TryStreamExt as _;
use lakehouse_lake::{
    At, Change, ChangeMode, CommitNote, Comparison, Filter, Lake, LakeError, LakeOptions, Showing, TableQuery, Viewer,
    WriteLayout,
};
use lakehouse_spec::{Domain, Role, TableName, domain_from_dir};
use object_store::local::LocalFileSystem;
use tempfile::TempDir;

/// Stands in every value that must not be seen.
const MARK: &str = "Zx7Q";

const DOMAIN: &str = r#"
description = "A shop"
owner = "nobody"

[[access.grant]]
roles = ["viewer"]
tables = ["silver.*", "gold.mine", "gold.broken"]

[[access.mask]]
tables = ["silver.people", "silver.parts"]
columns = ["name"]
show = "hash"

[[access.mask]]
tables = ["silver.people", "silver.parts"]
columns = ["salary"]
show = "null"

[[access.mask]]
tables = ["silver.people", "silver.parts"]
columns = ["card"]
show = { keep_last = 4 }

[[access.filter]]
tables = ["silver.people", "silver.parts"]
rows = "region = 'south' and (level <> 7 or not level in (7, 8)) and id is not null"

[[access.filter]]
tables = ["gold.mine"]
rows = "region in ($user, 'everybody')"

[[access.filter]]
tables = ["gold.broken"]
rows = "no_such_column = 1"
"#;

struct House {
    _folder: TempDir,
    lake: Lake,
    domain: Domain,
}

impl House {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let shop = folder.path().join("shop");
        std::fs::create_dir_all(&shop).unwrap();
        std::fs::write(shop.join("domain.toml"), DOMAIN).unwrap();
        let domain = domain_from_dir(&shop).unwrap();
        let location = folder.path().join("lake").display().to_string();
        let options = LakeOptions::new(&location, 256).unwrap();
        let lake = Lake::open(options, Arc::new(LocalFileSystem::new())).unwrap();
        let house = Self { _folder: folder, lake, domain };
        for (table, partitions) in [
            ("silver.people", &[][..]),
            ("silver.parts", &["region"]),
            ("gold.mine", &[]),
            ("gold.broken", &[]),
            ("bronze.people", &[]),
        ] {
            house.put(table, &people(), partitions).await;
        }
        house
    }

    async fn put(&self, table: &str, rows: &RecordBatch, partitions: &[&str]) {
        let name: TableName = table.parse().unwrap();
        let partition_columns = partitions.iter().map(ToString::to_string).collect();
        let layout = WriteLayout { schema: rows.schema(), partition_columns };
        let mut writer = self.lake.writer(&self.domain.name, &name, &layout).unwrap();
        writer.write(rows).await.unwrap();
        let files = writer.finish().await.unwrap();
        let change = Change { files, mode: ChangeMode::Overwrite, layout, batch: None, note: CommitNote::default() };
        self.lake.commit(&self.domain.name, &name, &change).await.unwrap();
    }

    fn viewer(&self, role: Role, user: &str) -> Viewer {
        Showing::new(std::slice::from_ref(&self.domain), [7; 32]).to(role, user.parse().unwrap())
    }

    fn seen(&self, role: Role, user: &str) -> Lake {
        self.lake.seen_by(&self.viewer(role, user))
    }

    async fn ask(&self, lake: &Lake, sql: &str) -> Result<Vec<RecordBatch>, LakeError> {
        let session = lake.session(&self.domain.name);
        session.register_references(lake, sql).await?;
        session.query(sql).await?.try_collect().await
    }
}

/// A thousand people; those of the north are hidden, and have what nobody in the south has.
fn people() -> RecordBatch {
    let all = Vec::from_iter(0..1_000_i64);
    let is_north = |id: &i64| id % 2 == 0;
    let region = |id: &i64| if is_north(id) { "north" } else { "south" };
    let fields = vec![
        Field::new("id", DataType::Int64, false),
        Field::new("region", DataType::Utf8, true),
        Field::new("level", DataType::Int64, true),
        Field::new("word", DataType::Utf8, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("salary", DataType::Int64, true),
        Field::new("card", DataType::Utf8, true),
    ];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(all.clone())),
        Arc::new(StringArray::from_iter_values(all.iter().map(region))),
        // Only in the north is there a 7, and a word that is no number.
        Arc::new(Int64Array::from_iter_values(all.iter().map(|id| if is_north(id) { 7 } else { id % 5 }))),
        Arc::new(StringArray::from_iter_values(
            all.iter().map(|id| if is_north(id) { format!("{MARK}{id}") } else { id.to_string() }),
        )),
        Arc::new(StringArray::from_iter(all.iter().map(|id| (id % 9 > 0).then(|| format!("{MARK} {}", id % 50))))),
        Arc::new(Int64Array::from_iter_values(all.iter().map(|id| 918_273_000 + id))),
        Arc::new(StringArray::from_iter_values(all.iter().map(|id| format!("{MARK}-4000-{id:04}")))),
    ];
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

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

/// `{t}` is the table.
const ATTEMPTS: &[&str] = &[
    "select * from {t}",
    "select count(*) from {t}",
    "select count(id), count(salary), count(name), count(distinct name), count(distinct card) from {t}",
    "select min(salary), max(salary), sum(salary), avg(salary), stddev(salary) from {t}",
    "select min(card), max(card), min(name), max(name), min(word), max(word), max(level), min(region) from {t}",
    "select region, count(*) from {t} group by region",
    "select level, count(*) from {t} group by level having count(*) > 1",
    "select region, level, count(*) from {t} group by rollup(region, level)",
    "select id from {t} where salary > 918273500",
    "select id from {t} where salary is not null",
    "select id from {t} where salary = 918273001 or salary <> 918273001",
    "select id from {t} where name = 'Zx7Q 1'",
    "select id from {t} where name like 'Zx7Q%'",
    "select id from {t} where name ~ '^Zx'",
    "select id from {t} where name is null",
    "select id from {t} where card = 'Zx7Q-4000-0001'",
    "select id from {t} where card like '%-4000-%'",
    "select id from {t} where length(card) > 8",
    "select id from {t} where starts_with(card, 'Zx')",
    "select id from {t} where card in ('****0001', 'Zx7Q-4000-0003')",
    "select id from {t} where card between 'Z' and 'Zz'",
    "select id from {t} where substr(card, 1, 4) = 'Zx7Q'",
    "select id from {t} where region = 'north'",
    "select id from {t} where region <> 'south'",
    "select id from {t} where region = 'north' or 1 = 1",
    "select id from {t} where not (region = 'south')",
    "select id from {t} where level = 7",
    "select id from {t} where id = 2",
    "select id from {t} where id in (1, 2, 3, 4)",
    "select id from {t} where 1 / (level - 7) > 100",
    "select 1 / (level - 7) from {t}",
    "select id from {t} where case when region = 'north' then 1 / 0 else 1 end = 1",
    "select id from {t} where cast(word as bigint) > 0",
    "select cast(word as bigint) from {t}",
    "select id from {t} where cast(card as bigint) > 0",
    "select id from {t} where cast(name as bigint) > 0",
    "select id from {t} where cast(salary as tinyint) > 0",
    "select arrow_cast(word, 'Int64') from {t}",
    "select id from {t} where regexp_like(word, '^[0-9]+$') and cast(word as bigint) % 2 = 0",
    "select id from {t} order by salary desc limit 3",
    "select id from {t} order by id limit 3",
    "select id from {t} order by id desc limit 3 offset 2",
    "select word from {t} order by word desc limit 5",
    "select card from {t} order by card limit 1",
    "select id from {t} limit 600",
    "select count(*) from (select id from {t} limit 600)",
    "select count(*) from (select 1 from {t} limit 1000)",
    "select a.id from {t} a join {t} b on a.id = b.id + 1",
    "select a.id from {t} a join {t} b on a.name = b.name where b.id = 2",
    "select count(*) from {t} a cross join (select 1) b",
    "select a.id from (values (2), (3)) v(id) join {t} a on a.id = v.id",
    "select v.id, a.card from (values (2), (3)) v(id) left join {t} a on a.id = v.id",
    "select v.card from (values ('Zx7Q-4000-0003'), ('****0003')) v(card) join {t} a on a.card = v.card",
    "select v.salary from (values (918273003)) v(salary) where v.salary in (select salary from {t})",
    "select v.salary from (values (918273003)) v(salary) where v.salary not in (select salary from {t} where salary is not null)",
    "select id from {t} a where exists (select 1 from {t} b where b.id = a.id - 1)",
    "select id, (select max(salary) from {t}) from {t} where id < 5",
    "select (select count(*) from {t} where level = 7)",
    "with t as (select * from {t}) select count(*) from t where region = 'north'",
    "with t as (select * from {t} where region = 'north') select * from t union all select * from {t} where id < 5",
    "select id from {t} except select id from {t} where region = 'south'",
    "select card from {t} intersect select card from {t}",
    "select distinct region, level from {t}",
    "select id, lag(id) over (order by id), rank() over (order by salary), count(*) over () from {t}",
    "select id, first_value(card) over (partition by level order by id) from {t}",
    "select array_agg(card order by id) from {t} where id < 10",
    "select string_agg(name, ',' order by id) from {t} where id < 10",
    "select count(*) filter (where region = 'north'), sum(level) filter (where level = 7) from {t}",
    "select coalesce(salary, 0), nullif(name, 'x'), greatest(salary, 1) from {t} where id < 10",
    "select md5(card), sha256(name) from {t} where id < 10",
    "select name = card, name || card, upper(card), reverse(card) from {t} where id < 10",
    "select approx_distinct(word), approx_median(level) from {t}",
    "select corr(id, salary), covar_pop(id, salary) from {t}",
    "select bool_or(region = 'north'), bit_xor(level) from {t}",
    "select * from {t} where (id, card) in (select id, card from {t})",
    "select count(*) from {t} where random() >= 0",
    "select id from {t} where salary is distinct from null",
    "select a.* from {t} a, lateral (select max(b.salary) from {t} b where b.level = a.level) c where a.id < 5",
    "select grouping(region), count(*) from {t} group by grouping sets ((region), ())",
    "select id from {t} where id > (select avg(id) from {t} where region = 'north')",
];

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
    assert_eq!(listed, ["silver.parts", "silver.people", "gold.broken", "gold.mine"]);
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
