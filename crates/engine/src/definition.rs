//! When is a table out of date although its inputs are the same? When what makes it has changed.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Raise it when the same SQL and TOML would give other rows, so that tables are made anew.
const ENGINE_REVISION: &str = "1";

/// Hash of everything that decides a table's rows besides its inputs: the SQL, the spec and this engine's revision.
pub fn definition_hash(sql: &str, spec: &Value) -> String {
    let mut hash = Sha256::new();
    for part in [ENGINE_REVISION, sql, &spec.to_string()] {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex::encode(&hash.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::definition_hash;
    use serde_json::json;

    #[test]
    fn a_change_of_sql_or_spec_is_a_change_of_definition() {
        let before = definition_hash("select 1", &json!({"key": ["a"]}));
        assert_eq!(before, definition_hash("select 1", &json!({"key": ["a"]})));
        assert_ne!(before, definition_hash("select 2", &json!({"key": ["a"]})));
        assert_ne!(before, definition_hash("select 1", &json!({"key": ["b"]})));
    }
}
