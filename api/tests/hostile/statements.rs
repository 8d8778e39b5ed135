//! Statements that want out, or everything for themselves.

use std::path::Path;

/// Definitions.
const DEFINITIONS: &[&str] = &[
    "drop table silver.numbers",
    "drop table if exists silver.numbers",
    "drop view silver.numbers",
    "drop schema silver cascade",
    "drop function abs",
    "drop database fraud",
    "create table t as select 1",
    "create table t (a int)",
    "create view v as select 1",
    "create or replace view silver.numbers as select 1",
    "create schema mine",
    "create database mine",
    "create temporary table t as select 1",
    "create unbounded external table t stored as csv location '/etc/'",
    "create index i on silver.numbers (n)",
    "alter table silver.numbers add column x int",
    "alter table silver.numbers rename to m",
    "truncate table silver.numbers",
    "create function f(int) returns int return $1 + 1",
    "create macro m(a) as a + 1",
    "create role me",
    "create user me",
    "create sequence s",
    "create type t as enum ('a')",
    "comment on table silver.numbers is 'x'",
];

/// Changes of rows.
const CHANGES: &[&str] = &[
    "insert into silver.numbers values (1, 1, '1', true)",
    "insert into silver.numbers select * from silver.numbers",
    "insert overwrite silver.numbers values (1)",
    "update silver.numbers set n = 0",
    "delete from silver.numbers",
    "delete from silver.numbers where n = 1",
    "replace into silver.numbers values (1)",
    "merge into silver.numbers using silver.numbers s on true when matched then delete",
    "with a as (select 1) insert into silver.numbers select * from a",
];

/// Settings, sessions, transactions.
const SETTINGS: &[&str] = &[
    "set datafusion.catalog.information_schema = true",
    "set time zone = 'UTC'",
    "set datafusion.execution.batch_size to 1",
    "reset datafusion.execution.batch_size",
    "show all",
    "show tables",
    "show columns from silver.numbers",
    "show functions",
    "show create table silver.numbers",
    "show datafusion.execution.batch_size",
    "begin",
    "start transaction",
    "commit",
    "rollback",
    "savepoint a",
    "use fraud",
    "prepare p as select 1",
    "prepare p(int) as select $1",
    "execute p",
    "execute p(1)",
    "deallocate p",
    "deallocate all",
    "declare c cursor for select 1",
    "fetch next from c",
    "close c",
    "discard all",
    "vacuum",
    "analyze silver.numbers",
    "grant select on silver.numbers to me",
    "revoke all on silver.numbers from me",
    "lock tables silver.numbers write",
    "kill 1",
    "call f()",
    "do 1",
    "listen x",
    "notify x",
    "load 'x.so'",
    "install httpfs",
    "attach 'x.db' as x",
    "detach x",
    "pragma database_list",
    "checkpoint",
    "unload (select 1) to 's3://x'",
];

/// What describes others.
const OTHERS: &[&str] = &[
    "select * from information_schema.tables",
    "select * from information_schema.columns",
    "select * from information_schema.df_settings",
    "select * from fraud.information_schema.tables",
    "select * from information_schema.routines",
    "select * from information_schema.schemata",
    "select * from pg_catalog.pg_tables",
    "select * from pg_class",
    "select * from sqlite_master",
    "select * from duckdb_tables()",
    "select * from system.runtime.queries",
    "select * from other.silver.numbers",
    "select * from aml.silver.numbers",
    "select * from fraud.metadata.numbers",
    "select * from silver.\"numbers/../../secret\"",
    "select * from \"silver/fraud\".numbers",
    "select * from \"../secret\"",
    "select * from \"fraud\".\"silver\".\"../x\"",
    "select * from \"..\".\"..\".\"..\"",
    "select * from silver.\"NUMBERS\"",
    "select * from silver.numbers.n.x.y",
    "table silver.\"\"",
    "select * from silver.\"numbers\u{0}\"",
    "select * from silver.\"num\u{200b}bers\"",
    "select * from silver.\u{ff4e}umbers",
    "select * from \u{202e}srebmun.revlis",
    "select * from silver.numbers\u{301}",
    "select * from \u{2018}x\u{2019}",
];

/// Table functions.
const FUNCTIONS: &[&str] = &[
    "select * from generate_series(1, 10)",
    "select * from range(1, 10)",
    "select * from unnest_it(1)",
    "select * from parquet_metadata('x')",
    "select * from metadata_cache()",
    "select * from statistics_cache()",
    "select * from list_files_cache()",
    "select * from glob('*')",
    "select * from read_csv_auto('/etc/passwd')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from lateral generate_series(1, 10)",
    "select load_extension('x')",
    "select pg_read_file('/etc/passwd')",
    "select pg_ls_dir('/')",
    "select pg_sleep(100)",
    "select lo_import('/etc/passwd')",
    "select readfile('/etc/passwd')",
    "select load_file('/etc/passwd')",
    "select system('id')",
    "select shell('id')",
    "select getenv('HOME')",
    "select current_setting('x')",
    "select set_config('a', 'b', false)",
    "select dblink('x', 'select 1')",
    "select query_to_xml('select 1', true, true, '')",
    "select xp_cmdshell('id')",
    "select sys_eval('id')",
    "select file_to_blob('/etc/passwd')",
    "select url('http://127.0.0.1')",
    "select http_get('http://127.0.0.1')",
    "select benchmark(1000000000, md5('a'))",
    "select sleep(100)",
];

/// More than one, none, or not SQL.
const NO_QUERIES: &[&str] = &[
    "",
    ";",
    ";;",
    "select 1; drop table silver.numbers",
    "select 1; select 2",
    "-- nothing",
    "/* nothing */",
    "select",
    "select * from",
    "selec 1",
    "select 'open",
    "select \"open",
    "select /* open",
    "select $$open",
    "select 1 union",
    "((((",
    "\u{0}",
    "\u{feff}",
    "select 1 from silver.numbers where",
    "select n n n from silver.numbers",
    "with a as (insert into silver.numbers values (1) returning *) select * from a",
    "explain insert into silver.numbers values (1, 1, '1', true)",
    "explain analyze delete from silver.numbers",
    "explain copy silver.numbers to 'x.csv'",
    "explain create table t as select 1",
    "explain set x = 1",
    "select * into t from silver.numbers",
    "select n into outfile '/tmp/x' from silver.numbers",
    "select $1",
    "select $1 + $2",
    "select $name",
    "select ?",
    "select @@version",
    "select no_such_function(1)",
    "select no_such_column from silver.numbers",
];

/// Statements that are refused before anything runs: 400, 404 or 422.
pub fn refused(secret: &Path) -> Vec<String> {
    let (file, folder) = (secret.display().to_string(), secret.parent().unwrap().display().to_string());
    let groups = [DEFINITIONS, CHANGES, SETTINGS, OTHERS, FUNCTIONS, NO_QUERIES];
    let mut statements: Vec<String> = groups.into_iter().flatten().map(ToString::to_string).collect();
    // Files and addresses, wherever a table or a target could be named.
    for place in [
        &file,
        &folder,
        "/etc/passwd",
        "file:///etc/passwd",
        "s3://bucket/key.parquet",
        "http://127.0.0.1:1/x.csv",
        "https://example.com/x.parquet",
        "data.csv",
        "../secret.csv",
        "\\\\host\\share",
    ] {
        statements.extend([
            format!("select * from '{place}'"),
            format!("select * from \"{place}\""),
            format!("select * from read_csv('{place}')"),
            format!("select * from read_parquet('{place}')"),
            format!("copy silver.numbers to '{place}'"),
            format!("copy (select 1) to '{place}' stored as csv"),
            format!("copy silver.numbers from '{place}'"),
            format!("create external table t stored as csv location '{place}'"),
            format!("select n from silver.numbers union all select * from '{place}'"),
            format!("select (select count(*) from '{place}')"),
            format!("with a as (select * from '{place}') select * from a"),
            format!("select * from silver.numbers where exists (select 1 from '{place}')"),
        ]);
    }
    statements
}

/// Statements that may run, and are stopped when they take too much.
pub fn heavy() -> Vec<String> {
    [products(), recursions(), patterns(), texts(), long(), odd()].concat()
}

/// Products of tables.
fn products() -> Vec<String> {
    let all = "silver.numbers";
    vec![
        format!("select count(*) from {all} a, {all} b, {all} c"),
        format!("select count(*) from {all} a cross join {all} b cross join {all} c cross join {all} d"),
        format!("select count(*) from {all} a join {all} b on a.n < b.n join {all} c on b.n > c.n"),
        format!("select sum(a.n * b.n) from {all} a, {all} b where a.n + b.n > 3"),
        format!("select * from {all} a, {all} b order by a.n * b.n, a.word || b.word"),
        format!("select a.word, b.word, count(*) from {all} a, {all} b group by 1, 2"),
        format!("select count(distinct a.n * 100000 + b.n) from {all} a, {all} b"),
        format!("select array_agg(a.word) from {all} a, {all} b"),
        format!("select string_agg(a.word, '') from {all} a, {all} b"),
        format!("select row_number() over (order by a.n, b.n) from {all} a, {all} b"),
        format!("select * from {all} where n in (select a.n from {all} a, {all} b where a.n > b.n)"),
        format!("select count(*) from {all} a join {all} b on a.n < b.n - 1000000"),
        format!("select count(*) from {all} a join {all} b on a.n % 1 = b.n % 1 and a.n * b.n < 0"),
        format!("select count(*) from {all} a left join {all} b on a.n % 1 = b.n % 1 and a.word > b.word || 'x'"),
        format!("select n, string_agg(word, '') over () as x from {all}"),
        format!("select n, array_agg(word) over (order by n) as x from {all}"),
        format!(
            "select count(*) from {all} group by cube (n, half, word, is_even, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7)"
        ),
        format!("select count(*) from {all} group by cube (n, half, word), cube (is_even, n + 1, n + 2)"),
        format!("select count(*) from {all} group by cube (n, half, word, is_even, n + 1)"),
    ]
}

/// Rows made of rows.
fn recursions() -> Vec<String> {
    let all = "silver.numbers";
    vec![
        "with recursive r as (select 1 as n union all select n + 1 from r) select count(*) from r".to_owned(),
        "with recursive r as (select 1 as n union all select n + 1 from r) select * from r".to_owned(),
        "with recursive r as (select 1 as n union all select a.n + 1 from r a, r b) select max(n) from r".to_owned(),
        format!("with recursive r as (select n from {all} union all select r.n from r, {all}) select count(*) from r"),
        "with recursive r as (select 'x' as s union all select s || s from r) select max(s) from r".to_owned(),
    ]
}

/// Patterns that take long to compile or to match.
fn patterns() -> Vec<String> {
    let all = "silver.numbers";
    vec![
        format!("select count(*) from {all} where regexp_like(word, '(a+)+$')"),
        format!("select count(*) from {all} where word ~ '((((((.*)*)*)*)*)*)x'"),
        format!("select regexp_replace(word, '(.*)(.*)(.*)(.*)x', '\\1\\1') from {all}"),
        "select regexp_like(repeat('a', 100000), '(a|aa)+$')".to_owned(),
        "select regexp_like('a', '((a{1000}){1000}){1000}')".to_owned(),
        "select regexp_like('a', repeat('(a?)', 100000))".to_owned(),
        format!("select count(*) from {all} where word like '{}'", "%a".repeat(10_000)),
    ]
}

/// Texts that grow.
fn texts() -> Vec<String> {
    let all = "silver.numbers";
    let mut doubled = "select repeat('x', 1000) as x".to_owned();
    for _ in 0..24 {
        doubled = format!("select x || x as x from ({doubled}) a");
    }
    vec![
        "select repeat('x', 2000000000)".to_owned(),
        "select length(repeat(repeat('x', 100000), 100000))".to_owned(),
        format!("select sum(length(repeat(word, 1000000))) from {all}"),
        "select lpad('x', 2000000000, 'y')".to_owned(),
        "select rpad('x', 2000000000, 'yz')".to_owned(),
        "select replace(repeat('x', 1000000), 'x', repeat('y', 1000000))".to_owned(),
        doubled,
        format!("select repeat('x', 60000) from {all}"),
        format!("select repeat(word, 5000) as x from {all} order by x"),
        format!("select '{}' as x, n from {all}", "x".repeat(60_000)),
        format!("select a.n, b.x from {all} a, (select string_agg(word, '') as x from {all}) b"),
        format!("select string_agg(word, repeat('x', 60000)) from {all}"),
        format!("select max(levenshtein(repeat(word, 5000), repeat('x', 50000))) from {all}"),
        "select x'61' || x'61'".to_owned(),
        format!("select concat({}) from {all}", vec!["repeat('x', 60000)"; 500].join(", ")),
        format!("select 1 limit {}", "9".repeat(1_000)),
    ]
}

/// Long and deep ones.
fn long() -> Vec<String> {
    let all = "silver.numbers";
    let nested = |open: &str, middle: &str, close: &str, depth: usize| {
        format!("select {}{middle}{}", open.repeat(depth), close.repeat(depth))
    };
    let terms = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    vec![
        nested("(", "1", ")", 40),
        nested("(", "1", ")", 10_000),
        nested("not ", "true", "", 10_000),
        nested("- ", "1", "", 10_000),
        nested("abs(", "1", ")", 1_000),
        nested("case when true then ", "1", " end", 1_000),
        nested("(select ", "1", ")", 1_000),
        format!("select {}", "1 + ".repeat(20_000) + "1"),
        format!("select {}", "true and ".repeat(20_000) + "true"),
        format!("select count(*) from {all} where {} n = 1", "n = 0 or ".repeat(5_000)),
        format!("select {}", terms(10_000)),
        format!("select count(*) from {all} where n in ({})", terms(10_000)),
        format!("select count(*) from {all} where word in ('{}')", terms(10_000).replace(", ", "', '")),
        format!("select * from (values ({})) v", terms(10_000).replace(", ", "), (")),
        format!("select 1 {}", "union all select 1 ".repeat(2_000)),
        format!("select count(*) from {all} a0 {}", (1..40).map(|n| format!("join {all} a{n} using (n) ")).collect::<String>()),
        format!("select '{}'", "x".repeat(1 << 20)),
        format!("select 1 /* {} */", "x".repeat(1 << 20)),
        format!("select 1 -- {}", "x".repeat(1 << 20)),
        format!("select 1{}", " ".repeat(1 << 20)),
        format!("select {} from {all}", "*, ".repeat(200) + "n"),
        format!("select {}", "9".repeat(10_000)),
        format!("select {} from {all}", (0..900).map(|n| format!("n + {n} as c{n}")).collect::<Vec<_>>().join(", ")),
        format!("select {}", "1 + ".repeat(60_000) + "1"),
        format!("select 1{}", "::int".repeat(40_000)),
        format!("select 1 where 1 {}", "is null ".repeat(30_000)),
        format!("select {}1", "f(".repeat(60_000)),
        format!("select {}", "[".repeat(100_000)),
        format!("select 1 {}", "except select 1 ".repeat(10_000)),
        format!("with {} select 1", (0..400).map(|n| format!("a{n} as (select 1)")).collect::<Vec<_>>().join(", ")),
    ]
}

/// Values at the edge of what there is.
fn odd() -> Vec<String> {
    let all = "silver.numbers";
    vec![
        "select 1e400, -1e400, 1e-400".to_owned(),
        "select 'a\u{0}b', 'z\u{301}\u{301}', '\u{202e}abc', '\u{1f468}\u{200d}\u{1f469}'".to_owned(),
        "select 9223372036854775807 + 1".to_owned(),
        "select 1 / 0".to_owned(),
        "select cast('x' as int)".to_owned(),
        "select -9223372036854775808 / -1".to_owned(),
        "select chr(-1), chr(0), chr(1114112)".to_owned(),
        "select to_timestamp('999999-01-01')".to_owned(),
        "select date_trunc('nothing', now())".to_owned(),
        "select interval '999999999999 years' + now()".to_owned(),
        "select substr('x', -9223372036854775808, 9223372036854775807)".to_owned(),
        "select power(10, 400), factorial(1000)".to_owned(),
        "select n from silver.numbers limit 9223372036854775807 offset 9223372036854775807".to_owned(),
        "select 1 limit -1".to_owned(),
        format!("select * from {all} for update"),
    ]
}
