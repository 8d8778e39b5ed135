//! A shop whose tables are masked and filtered.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Int64Array, RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use futures::TryStreamExt as _;
use lakehouse_lake::{Change, ChangeMode, CommitNote, Lake, LakeError, LakeOptions, Showing, Viewer, WriteLayout};
use lakehouse_spec::{Domain, Role, TableName, domain_from_dir};
use object_store::local::LocalFileSystem;
use tempfile::TempDir;

/// Stands in every value that must not be seen.
pub const MARK: &str = "Zx7Q";

const DOMAIN: &str = r#"
description = "A shop"
owner = "nobody"

[[access.grant]]
roles = ["viewer"]
tables = ["silver.*", "gold.mine", "gold.broken", "gold.masked"]

[[access.mask]]
tables = ["silver.people", "silver.parts", "gold.masked"]
columns = ["name"]
show = "hash"

[[access.mask]]
tables = ["silver.people", "silver.parts", "gold.masked"]
columns = ["salary"]
show = "null"

[[access.mask]]
tables = ["silver.people", "silver.parts", "gold.masked"]
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

pub struct House {
    _folder: TempDir,
    pub lake: Lake,
    pub domain: Domain,
}

impl House {
    pub async fn new() -> Self {
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
            ("gold.masked", &[]),
            ("gold.mine", &[]),
            ("gold.broken", &[]),
            ("bronze.people", &[]),
        ] {
            house.put(table, &people(), partitions).await;
        }
        house
    }

    pub async fn put(&self, table: &str, rows: &RecordBatch, partitions: &[&str]) {
        self.write(table, rows, partitions, ChangeMode::Overwrite).await;
    }

    pub async fn write(&self, table: &str, rows: &RecordBatch, partitions: &[&str], mode: ChangeMode) {
        let name: TableName = table.parse().unwrap();
        let partition_columns = partitions.iter().map(ToString::to_string).collect();
        let layout = WriteLayout { schema: rows.schema(), partition_columns };
        let mut writer = self.lake.writer(&self.domain.name, &name, &layout).unwrap();
        writer.write(rows).await.unwrap();
        let files = writer.finish().await.unwrap();
        let change = Change { files, mode, layout, batch: None, note: CommitNote::default() };
        self.lake.commit(&self.domain.name, &name, &change).await.unwrap();
    }

    pub fn viewer(&self, role: Role, user: &str) -> Viewer {
        Showing::new(std::slice::from_ref(&self.domain), [7; 32]).to(role, user.parse().unwrap())
    }

    pub fn seen(&self, role: Role, user: &str) -> Lake {
        self.lake.seen_by(&self.viewer(role, user))
    }

    pub async fn ask(&self, lake: &Lake, sql: &str) -> Result<Vec<RecordBatch>, LakeError> {
        let session = lake.session(&self.domain.name);
        session.register_references(lake, sql).await?;
        session.query(sql).await?.try_collect().await
    }
}

/// A thousand people; those of the north are hidden, and have what nobody in the south has.
pub fn people() -> RecordBatch {
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
