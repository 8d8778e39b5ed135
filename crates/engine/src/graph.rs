//! Which model comes before which: the SQL says it by the tables it names.

use std::collections::BTreeMap;

use lakehouse_spec::TableName;

use crate::EngineError;

/// A table to be made and the tables it is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The table.
    pub table: TableName,
    /// The tables its SQL names.
    pub inputs: Vec<TableName>,
}

/// The nodes in levels: every node's inputs lie in earlier levels or outside the graph. Inside a level, order of name.
pub fn order(nodes: Vec<Node>) -> Result<Vec<Vec<Node>>, EngineError> {
    let mut waiting: BTreeMap<TableName, Node> = nodes.into_iter().map(|node| (node.table.clone(), node)).collect();
    let mut levels = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |node: &Node| node.inputs.iter().all(|input| !waiting.contains_key(input));
        let ready: Vec<TableName> = waiting.values().filter(|node| is_ready(node)).map(|node| node.table.clone()).collect();
        if ready.is_empty() {
            return Err(cycle(&waiting));
        }
        levels.push(ready.iter().filter_map(|table| waiting.remove(table)).collect());
    }
    Ok(levels)
}

/// Every waiting node waits for another one: following inputs long enough leads back to a table already passed.
fn cycle(waiting: &BTreeMap<TableName, Node>) -> EngineError {
    let mut path: Vec<&TableName> = waiting.keys().take(1).collect();
    while let Some(next) = path.last().and_then(|at| waiting[*at].inputs.iter().find(|input| waiting.contains_key(*input))) {
        if let Some(start) = path.iter().position(|passed| *passed == next) {
            let names: Vec<String> = path[start..].iter().map(ToString::to_string).collect();
            return EngineError::Cycle { table: next.clone(), path: names.join(" → ") };
        }
        path.push(next);
    }
    EngineError::Cycle { table: path[0].clone(), path: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(table: &str, inputs: &[&str]) -> Node {
        let name = |text: &str| text.parse::<TableName>().expect(text);
        Node { table: name(table), inputs: inputs.iter().map(|input| name(input)).collect() }
    }

    #[test]
    fn inputs_come_first_and_independent_tables_share_a_level() {
        let nodes = vec![
            node("gold.sums", &["silver.rows", "silver.dates"]),
            node("silver.rows", &["bronze.rows"]),
            node("silver.dates", &["bronze.dates"]),
        ];
        let levels = order(nodes).expect("no cycle");
        let names: Vec<Vec<String>> =
            levels.iter().map(|level| level.iter().map(|node| node.table.to_string()).collect()).collect();
        assert_eq!(names, [vec!["silver.dates", "silver.rows"], vec!["gold.sums"]]);
    }

    #[test]
    fn a_cycle_is_named() {
        let nodes = vec![node("gold.a", &["gold.b"]), node("gold.b", &["gold.c"]), node("gold.c", &["gold.b"])];
        let error = order(nodes).expect_err("b and c need each other");
        assert_eq!(error.to_string(), "`gold.b` is made from itself, through gold.b → gold.c");
    }
}
