//! What must be done for a table, and why. Pure: values in, decision out.

use std::{collections::BTreeMap, fmt};

use lakehouse_lake::CommitNote;
use lakehouse_spec::{TableName, WriteMode};

/// The inputs of a table as they are now: table → the version of its rows, which maintenance does not raise.
pub type InputVersions = BTreeMap<TableName, u64>;

/// What must be done for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it is made from these very inputs by this very definition.
    Skip,
    /// Add what the new rows of one input give.
    Append {
        /// The input.
        from: TableName,
        /// The input's version the table was last made from.
        since: u64,
    },
    /// Make all of it.
    Rebuild {
        /// Why an append would not do.
        reason: String,
    },
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skip => f.write_str("unchanged"),
            Self::Append { from, since } => write!(f, "append: new rows in {from} since version {since}"),
            Self::Rebuild { reason } => write!(f, "rebuild: {reason}"),
        }
    }
}

/// Decides for one table. `note` is what its last writer remembered.
pub fn decide(note: Option<&CommitNote>, definition: &str, inputs: &InputVersions, write: &WriteMode) -> Decision {
    let Some(note) = note else {
        return Decision::Rebuild { reason: "the table does not exist yet".to_owned() };
    };
    if note.definition != definition {
        return Decision::Rebuild { reason: "its definition changed".to_owned() };
    }
    let version_then = |table: &TableName| note.inputs.get(&table.to_string()).and_then(|version| version.parse::<u64>().ok());
    let changed: Vec<&TableName> =
        inputs.iter().filter(|(table, now)| version_then(table) != Some(**now)).map(|(table, _)| table).collect();
    match (changed.as_slice(), write) {
        ([], _) => Decision::Skip,
        ([only], WriteMode::Append { from, .. }) if *only == from => match version_then(from) {
            Some(since) => Decision::Append { from: from.clone(), since },
            None => Decision::Rebuild { reason: format!("{from} is a new input") },
        },
        _ => {
            let names: Vec<String> = changed.iter().map(ToString::to_string).collect();
            Decision::Rebuild { reason: format!("changed: {}", names.join(", ")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> TableName {
        name.parse().expect(name)
    }

    fn inputs(versions: &[(&str, u64)]) -> InputVersions {
        versions.iter().map(|(name, version)| (table(name), *version)).collect()
    }

    fn note(definition: &str, versions: &[(&str, u64)]) -> CommitNote {
        let inputs = versions.iter().map(|(name, version)| ((*name).to_owned(), version.to_string())).collect();
        CommitNote { definition: definition.to_owned(), inputs, ..CommitNote::default() }
    }

    #[test]
    fn the_same_inputs_and_definition_need_nothing() {
        let note = note("d1", &[("bronze.rows", 3)]);
        assert_eq!(decide(Some(&note), "d1", &inputs(&[("bronze.rows", 3)]), &WriteMode::Overwrite), Decision::Skip);
    }

    #[test]
    fn new_rows_of_the_appended_input_alone_are_appended() {
        let append = WriteMode::Append { from: table("bronze.rows"), lookback: None };
        let note = note("d1", &[("bronze.rows", 3), ("bronze.cards", 1)]);
        let decision = decide(Some(&note), "d1", &inputs(&[("bronze.rows", 4), ("bronze.cards", 1)]), &append);
        assert_eq!(decision, Decision::Append { from: table("bronze.rows"), since: 3 });
        let decision = decide(Some(&note), "d1", &inputs(&[("bronze.rows", 4), ("bronze.cards", 2)]), &append);
        assert_eq!(decision, Decision::Rebuild { reason: "changed: bronze.cards, bronze.rows".to_owned() });
    }

    #[test]
    fn a_new_definition_rebuilds() {
        let note = note("d1", &[("bronze.rows", 3)]);
        let decision = decide(Some(&note), "d2", &inputs(&[("bronze.rows", 3)]), &WriteMode::Overwrite);
        assert_eq!(decision, Decision::Rebuild { reason: "its definition changed".to_owned() });
        let first = decide(None, "d2", &inputs(&[]), &WriteMode::Overwrite);
        assert_eq!(first, Decision::Rebuild { reason: "the table does not exist yet".to_owned() });
    }
}
