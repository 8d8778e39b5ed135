//! One contract, every file format: the same rows as CSV, NDJSON, a JSON array, a JSON map and Parquet, in a domain of the user's.

use std::fs;

use crate::program::Workspace;

/// A domain folder with one source of the given format, and nothing else.
fn domain(workspace: &Workspace, format: &str, files: &str) {
    let folder = workspace.path().join("domains/shop/ingestion");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.parent().unwrap().join("domain.toml"), "description = \"A shop\"\nowner = \"tests\"\n").unwrap();
    let part = |part: &str| if format == "json_map" { format!(", from = \"{part}\"") } else { String::new() };
    let at = if format == "json_map" { "at = \"prices\"\n" } else { "" };
    let mut columns = vec![
        format!("{{ name = \"sku\", type = \"string\", required = true{} }}", part("key")),
        format!("{{ name = \"price\", type = \"money\", required = true{} }}", part("value")),
    ];
    if format != "json_map" {
        columns.push("{ name = \"sold_at\", type = \"timestamp\" }".to_owned());
        columns.push("{ name = \"in_stock\", type = \"boolean\" }".to_owned());
    }
    let text = format!(
        "description = \"Prices, one row per article\"\nfiles = \"{files}\"\nformat = \"{format}\"\n{at}mode = \"append\"\nkey = [\"sku\"]\ncolumns = [{}]\n",
        columns.join(", ")
    );
    fs::write(folder.join("prices.toml"), text).unwrap();
}

fn ingest(workspace: &Workspace) -> serde_json::Value {
    let ran = workspace.lakehouse(&["--domains", "domains", "run", "shop", "--sources", "sources", "--json"]).good();
    ran.json()["sources"][0].clone()
}

fn prices(workspace: &Workspace, columns: &str) -> String {
    let sql = format!("select {columns} from shop.bronze.prices order by sku");
    workspace.lakehouse(&["--domains", "domains", "sql", &sql, "--domain", "shop", "--format", "csv"]).good().stdout()
}

const EXPECTED: &str = "sku,price,sold_at,in_stock
a1,1234.5,2020-01-01T10:00:00Z,true
b2,-3.0,2020-01-01T09:30:00Z,false
c3,7.25,,
";

#[test]
fn csv_ndjson_and_arrays_give_the_same_rows() {
    let csv = "sku,price,sold_at,in_stock\na1,\"$1,234.50\",2020-01-01 10:00:00,Yes\nb2,$-3,2020-01-01T10:30:00+01:00,0\nc3,7.25,,\nd4,cheap,,\na1,1,,\n";
    let rows = [
        r#"{"sku": "a1", "price": "$1,234.50", "sold_at": "2020-01-01 10:00:00", "in_stock": true}"#,
        r#"{"in_stock": "no", "price": -3, "sold_at": "2020-01-01T10:30:00+01:00", "sku": "b2"}"#,
        r#"{"sku": "c3", "price": 7.25, "sold_at": null}"#,
        r#"{"sku": "d4", "price": "cheap"}"#,
        r#"{"sku": "a1", "price": 1}"#,
    ];
    for (format, file, text) in [
        ("csv", "prices.csv", csv.to_owned()),
        ("ndjson", "prices.ndjson", rows.join("\n") + "\n"),
        ("json_array", "prices.json", format!("[{}]", rows.join(", "))),
    ] {
        let workspace = Workspace::new();
        domain(&workspace, format, file);
        fs::write(workspace.source(file), text).unwrap();

        let report = ingest(&workspace);

        assert_eq!(prices(&workspace, "sku, price, sold_at, in_stock"), EXPECTED, "{format}");
        assert_eq!(report["quarantined"]["price is not an amount of money"], 1, "{format}: {report}");
        assert_eq!(report["quarantined"]["duplicate sku"], 1, "{format}: {report}");
    }
}

#[test]
fn a_map_gives_a_row_per_member() {
    let workspace = Workspace::new();
    domain(&workspace, "json_map", "prices.json");
    let text =
        r#"{"currency": {"name": "dollar"}, "prices": {"a1": "$1,234.50", "b2": -3, "c3": 7.25, "d4": "cheap"}, "more": [1]}"#;
    fs::write(workspace.source("prices.json"), text).unwrap();

    let report = ingest(&workspace);

    assert_eq!(prices(&workspace, "sku, price"), "sku,price\na1,1234.5\nb2,-3.0\nc3,7.25\n");
    assert_eq!(
        report["rows_quarantined"].as_u64().or(report["quarantined"]["price is not an amount of money"].as_u64()),
        Some(1)
    );
}

#[test]
fn parquet_gives_the_same_rows() {
    let maker = Workspace::new();
    domain(&maker, "csv", "prices.csv");
    let csv =
        "sku,price,sold_at,in_stock\na1,\"$1,234.50\",2020-01-01 10:00:00,Yes\nb2,$-3,2020-01-01T10:30:00+01:00,0\nc3,7.25,,\n";
    fs::write(maker.source("prices.csv"), csv).unwrap();
    ingest(&maker);
    let workspace = Workspace::new();
    domain(&workspace, "parquet", "prices.parquet");
    let out = workspace.source("prices.parquet");
    let all = "select sku, price, sold_at, in_stock from shop.bronze.prices";
    let made = ["--domains", "domains", "sql", all, "--domain", "shop", "--format", "parquet", "--out", out.to_str().unwrap()];
    maker.lakehouse(&made).good();

    ingest(&workspace);

    assert_eq!(prices(&workspace, "sku, price, sold_at, in_stock"), EXPECTED);
    let whole = fs::read(&out).unwrap();
    fs::write(&out, &whole[..whole.len() / 2]).unwrap();
    let refused = workspace.lakehouse(&["--domains", "domains", "run", "shop", "--sources", "sources"]).bad();
    assert!(refused.stderr().contains("`prices.parquet` is not a whole Parquet file"), "{}", refused.stderr());
}

#[test]
fn a_domain_that_is_wrong_is_refused_with_its_file() {
    let wrong = [
        ("type = \"money\"", "type = \"coins\"", "`ingestion/prices.toml` is not valid"),
        ("mode = \"append\"", "mode = \"append\"\ncolour = \"red\"", "`ingestion/prices.toml` is not valid"),
        ("key = [\"sku\"]", "key = [\"price_tag\"]", "the key `price_tag` must be a required, unprotected column"),
        ("name = \"price\"", "name = \"sku\"", "the column `sku` is declared twice"),
        ("name = \"price\"", "name = \"Price Tag\"", "is not valid"),
    ];
    for (good, bad, sentence) in wrong {
        let workspace = Workspace::new();
        domain(&workspace, "csv", "prices.csv");
        let file = workspace.path().join("domains/shop/ingestion/prices.toml");
        let text = fs::read_to_string(&file).unwrap().replacen(good, bad, 1);
        fs::write(&file, text).unwrap();
        let refused = workspace.lakehouse(&["--domains", "domains", "plan", "shop", "--sources", "sources"]).bad();
        assert!(refused.stderr().contains(sentence), "{bad}: {}", refused.stderr());
    }
}
