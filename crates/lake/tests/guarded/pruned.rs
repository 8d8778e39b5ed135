//! Which files a filter may leave out: rows that are damaged tell whether they were read.

use lakehouse_lake::ChangeMode;
use lakehouse_spec::{Role, TableName};

use crate::house::{House, people};

/// The table in two files, of which the first, of people 0 to 499, still has its footer but no `id` that could be read.
async fn with_a_damaged_file(house: &House, table: &str) {
    house.put(table, &people().slice(0, 500), &[]).await;
    let name: TableName = table.parse().unwrap();
    let first = house.lake.table(&house.domain.name, &name).await.unwrap().unwrap().files[0].path.clone();
    house.write(table, &people().slice(500, 500), &[], ChangeMode::Append).await;
    let path = format!("/{first}");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4..100].fill(0xff);
    std::fs::write(&path, bytes).unwrap();
}

#[tokio::test]
async fn files_are_left_out_by_what_is_shown_and_by_nothing_else() {
    let house = House::new().await;
    let seen = house.seen(Role::Viewer, "ada");
    for table in ["gold.masked", "silver.people"] {
        with_a_damaged_file(&house, table).await;
    }
    let is_answered = async |sql: &str| house.ask(&seen, sql).await.is_ok();
    assert!(!is_answered("select id from gold.masked").await, "it is damaged");
    assert!(is_answered("select id from gold.masked where id > 600").await, "no row is hidden, and `id` is shown as it is");
    assert!(is_answered("select card from gold.masked where id > 600 and card like '%7'").await);
    for masked in ["card > 'Zx7Q-4000-0600'", "salary > 918273600", "salary is null", "id > 600 or salary > 918273600"] {
        assert!(!is_answered(&format!("select id from gold.masked where {masked}")).await, "{masked}");
    }
    assert!(!is_answered("select id from silver.people where id > 600").await, "hidden rows have a part in what files tell");
}
