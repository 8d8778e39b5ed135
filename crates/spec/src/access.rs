//! Who sees what of a domain: the `[access]` section of its `domain.toml`.
//!
//! Nobody but an administrator reads a table that no grant names. Masks and filters hold for everybody but the roles in their
//! `except`, which are administrators unless it says otherwise.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{ColumnName, Role, RowFilter, Schema, SpecError, TableName, UserName};

/// The `[access]` section.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSpec {
    /// Tables that roles read.
    #[serde(default, rename = "grant")]
    grants: Vec<Grant>,
    /// Columns that are shown in another form.
    #[serde(default, rename = "mask")]
    masks: Vec<ColumnMask>,
    /// Rows that are shown.
    #[serde(default, rename = "filter")]
    filters: Vec<RowRule>,
}

/// Tables that roles read.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    roles: Vec<Role>,
    tables: Vec<TablePattern>,
}

/// A column that is shown in another form.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnMask {
    tables: Vec<TablePattern>,
    columns: Vec<ColumnName>,
    show: Mask,
    #[serde(default = "admins")]
    except: Vec<Role>,
}

/// Rows that are shown.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowRule {
    tables: Vec<TablePattern>,
    rows: RowFilter,
    #[serde(default = "admins")]
    except: Vec<Role>,
}

fn admins() -> Vec<Role> {
    vec![Role::Admin]
}

/// What is shown of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Mask {
    /// Nothing.
    Null,
    /// A keyed digest: equal values stay equal, and are told by nothing else.
    Hash,
    /// The last so many characters behind four stars; of a value that has no more, only the stars.
    KeepLast(u8),
}

/// `gold.dm_client_features`, or `gold.*`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "String")]
enum TablePattern {
    Schema(Schema),
    Table(TableName),
}

impl TryFrom<String> for TablePattern {
    type Error = crate::InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.strip_suffix(".*") {
            Some(schema) => schema.parse().map(Self::Schema),
            None => text.parse().map(Self::Table),
        }
    }
}

impl TablePattern {
    fn fits(&self, table: &TableName) -> bool {
        match self {
            Self::Schema(schema) => table.schema == *schema,
            Self::Table(name) => name == table,
        }
    }
}

fn any_fits(patterns: &[TablePattern], table: &TableName) -> bool {
    patterns.iter().any(|pattern| pattern.fits(table))
}

/// How somebody sees a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableAccess {
    /// Columns that are shown in another form; all others are shown as they are.
    pub masks: BTreeMap<ColumnName, Mask>,
    /// What holds for every row that is shown: all of these.
    pub filters: Vec<RowFilter>,
}

impl TableAccess {
    /// Is everything shown as it is?
    pub fn is_whole(&self) -> bool {
        self.masks.is_empty() && self.filters.is_empty()
    }
}

impl AccessSpec {
    /// How a user with a role sees a table; `None`: not at all.
    pub fn of(&self, role: Role, user: &UserName, table: &TableName) -> Option<TableAccess> {
        let is_granted = |grant: &Grant| grant.roles.contains(&role) && any_fits(&grant.tables, table);
        if role != Role::Admin && !self.grants.iter().any(is_granted) {
            return None;
        }
        let mut access = TableAccess::default();
        let masks = self.masks.iter().filter(|mask| !mask.except.contains(&role) && any_fits(&mask.tables, table));
        for mask in masks {
            // The file's check allows one mask a column.
            access.masks.extend(mask.columns.iter().map(|column| (column.clone(), mask.show)));
        }
        let filters = self.filters.iter().filter(|rule| !rule.except.contains(&role) && any_fits(&rule.tables, table));
        access.filters = filters.map(|rule| rule.rows.for_user(user)).collect();
        Some(access)
    }

    /// Does what is shown depend on who asks, beside the role?
    pub fn names_users(&self) -> bool {
        self.filters.iter().any(|rule| rule.rows.names_user())
    }

    pub(crate) fn check(&self, path: &str) -> Result<(), SpecError> {
        for (position, mask) in self.masks.iter().enumerate() {
            if mask.tables.is_empty() || mask.columns.is_empty() {
                return Err(SpecError::rule(path, "a mask names `tables` and `columns`"));
            }
            if mask.show == Mask::KeepLast(0) {
                return Err(SpecError::rule(path, "`keep_last` keeps at least 1; write `show = \"null\"` to keep nothing"));
            }
            let overlaps = |other: &TablePattern, pattern: &TablePattern| match (other, pattern) {
                (TablePattern::Table(a), pattern) => pattern.fits(a),
                (pattern, TablePattern::Table(b)) => pattern.fits(b),
                (TablePattern::Schema(a), TablePattern::Schema(b)) => a == b,
            };
            for other in &self.masks[..position] {
                let is_same_table = other.tables.iter().any(|other| mask.tables.iter().any(|pattern| overlaps(other, pattern)));
                if let Some(column) = mask.columns.iter().find(|column| is_same_table && other.columns.contains(column)) {
                    return Err(SpecError::rule(path, format!("`{column}` has two masks for one table")));
                }
            }
        }
        let empty = self.filters.iter().any(|rule| rule.tables.is_empty());
        if empty { Err(SpecError::rule(path, "a filter names `tables`")) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(text: &str) -> AccessSpec {
        let spec: AccessSpec = toml::from_str(text).expect(text);
        spec.check("domain.toml").expect(text);
        spec
    }

    fn table(name: &str) -> TableName {
        name.parse().expect(name)
    }

    const SHOP: &str = r#"
        [[grant]]
        roles = ["viewer", "service"]
        tables = ["gold.*"]
        [[grant]]
        roles = ["data_scientist"]
        tables = ["gold.*", "silver.sales"]
        [[mask]]
        tables = ["silver.*", "gold.dm_buyers"]
        columns = ["buyer"]
        show = "hash"
        [[mask]]
        tables = ["gold.*"]
        columns = ["card"]
        show = { keep_last = 4 }
        except = ["admin", "service"]
        [[filter]]
        tables = ["gold.dm_buyers"]
        rows = "region <> 'north' and owner = $user"
        except = []
    "#;

    #[test]
    fn a_role_sees_what_is_granted_and_an_admin_everything() {
        let shop = access(SHOP);
        let ada = "ada".parse().expect("a name");
        let seen = |role, name| shop.of(role, &ada, &table(name)).is_some();
        for (name, wanted) in [
            ("gold.dm_buyers", [true, true, true, true]),
            ("silver.sales", [false, true, true, false]),
            ("silver.other", [false, false, true, false]),
            ("bronze.sales", [false, false, true, false]),
            ("quarantine.sales", [false, false, true, false]),
        ] {
            assert_eq!(Role::ALL.map(|role| seen(role, name)), wanted, "{name}");
        }
        let unsaid = AccessSpec::default();
        assert_eq!(Role::ALL.map(|role| unsaid.of(role, &ada, &table("gold.dm_buyers")).is_some()), [false, false, true, false]);
    }

    #[test]
    fn masks_and_filters_hold_for_all_but_their_exceptions() {
        let shop = access(SHOP);
        let ada: UserName = "ada".parse().expect("a name");
        let of = |role| shop.of(role, &ada, &table("gold.dm_buyers")).expect("it is granted");
        let masks = |role| of(role).masks.into_iter().map(|(column, mask)| (column.to_string(), mask)).collect::<Vec<_>>();
        let both = [("buyer".to_owned(), Mask::Hash), ("card".to_owned(), Mask::KeepLast(4))];
        assert_eq!(masks(Role::Viewer), both);
        assert_eq!(masks(Role::Service), both[..1]);
        assert_eq!(masks(Role::Admin), []);
        assert_eq!(of(Role::Admin).filters.len(), 1, "`except = []` is for everybody");
        assert!(shop.names_users() && !AccessSpec::default().names_users());
        assert_ne!(
            of(Role::Viewer).filters,
            shop.of(Role::Viewer, &"bob".parse().expect("a name"), &table("gold.dm_buyers")).expect("it is").filters
        );
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        let two = "[[mask]]\ntables = ['gold.*']\ncolumns = ['a']\nshow = 'null'\n[[mask]]\ntables = ['gold.b']\ncolumns = ['a']\nshow = 'hash'";
        for text in [
            two,
            "[[mask]]\ntables = []\ncolumns = ['a']\nshow = 'null'",
            "[[mask]]\ntables = ['gold.a']\ncolumns = []\nshow = 'null'",
            "[[mask]]\ntables = ['gold.a']\ncolumns = ['a']\nshow = { keep_last = 0 }",
            "[[filter]]\ntables = []\nrows = 'a = 1'",
        ] {
            let spec: AccessSpec = toml::from_str(text).expect(text);
            assert!(spec.check("domain.toml").is_err(), "{text}");
        }
        for text in [
            "[[grant]]\nroles = ['everybody']\ntables = ['gold.*']",
            "[[grant]]\nroles = ['viewer']\ntables = ['*']",
            "[[grant]]\nroles = ['viewer']\ntables = ['gold']",
            "[[grants]]\nroles = ['viewer']\ntables = ['gold.*']",
            "[[mask]]\ntables = ['gold.a']\ncolumns = ['a']\nshow = 'blur'",
            "[[filter]]\ntables = ['gold.a']\nrows = 'a = 1; drop table b'",
        ] {
            assert!(toml::from_str::<AccessSpec>(text).is_err(), "{text}");
        }
    }
}
