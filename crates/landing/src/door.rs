//! The contract, checked where rows come in.

use lakehouse_spec::{RowFault, SourceContract, Value};

/// Lets rows in that keep a source's contract, as lines without what may not be stored.
///
/// What needs more than the row itself is left to the run: a key that has been used before is found there, and goes to quarantine.
#[derive(Debug, Clone)]
pub struct Door {
    contract: SourceContract,
}

impl Door {
    /// The door of a source.
    pub fn new(contract: SourceContract) -> Self {
        Self { contract }
    }

    /// The contract it keeps.
    pub fn contract(&self) -> &SourceContract {
        &self.contract
    }

    /// Adds a row's line to `lines`, given as the text of each column in the contract's order; empty text is absent. On `Err`, the
    /// rule the row breaks; nothing was added.
    pub fn admit(&self, fields: &[&[u8]], lines: &mut Vec<u8>) -> Result<(), RowFault> {
        let mut values = Vec::with_capacity(fields.len());
        self.contract.read_row(fields, &mut values)?;
        let mut row = serde_json::Map::new();
        for ((column, text), value) in self.contract.columns.iter().zip(fields).zip(&values) {
            // A protected column is text by its contract; what is read from any other one is kept as it was written.
            let kept = match value {
                Value::Absent => None,
                Value::Text(text) => column.pii.kept(text),
                _ => std::str::from_utf8(text).ok().and_then(|text| column.pii.kept(text)),
            };
            if let Some(kept) = kept {
                row.insert(column.name.to_string(), kept.into());
            }
        }
        lines.extend_from_slice(serde_json::Value::Object(row).to_string().as_bytes());
        lines.push(b'\n');
        Ok(())
    }
}
