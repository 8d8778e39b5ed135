//! PostgreSQL's own words in a statement, put into those that the engine has.

use std::{collections::BTreeSet, ops::ControlFlow};

use datafusion::sql::sqlparser::{
    ast::{
        BinaryOperator, DataType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
        ObjectName, ObjectNamePart, Select, SelectItem, Statement, Value, VisitMut, VisitorMut,
    },
    dialect::PostgreSqlDialect,
    parser::Parser,
};

use super::{Rewritten, functions, is_catalogue, layout, subqueries};

/// A statement in the engine's words.
pub fn rewrite(sql: &str) -> Rewritten {
    let unchanged = || Rewritten { sql: sql.to_owned(), names_catalogue: false };
    let Ok(mut statements) = Parser::parse_sql(&PostgreSqlDialect {}, sql) else { return unchanged() };
    let [statement @ (Statement::Query(_) | Statement::Explain { .. })] = &mut statements[..] else { return unchanged() };
    let mut words = Words::default();
    // Twice: what an expression means may depend on the tables that the statement names after it.
    let _ = statement.visit(&mut words).is_continue() && statement.visit(&mut words).is_continue();
    let sql = if words.is_changed { statement.to_string() } else { sql.to_owned() };
    Rewritten { sql, names_catalogue: words.names_catalogue }
}

#[derive(Default)]
struct Words {
    is_changed: bool,
    names_catalogue: bool,
}

impl VisitorMut for Words {
    type Break = ();

    fn pre_visit_relation(&mut self, relation: &mut ObjectName) -> ControlFlow<()> {
        let parts = parts(relation);
        match &parts[..] {
            [.., schema, _] if is_catalogue(schema) => self.names_catalogue = true,
            [table] if layout::columns(&format!("pg_catalog.{table}")).is_some() => {
                (self.is_changed, self.names_catalogue) = (true, true);
                relation.0.insert(0, ObjectNamePart::Identifier(Ident::new("pg_catalog")));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let mut taken = BTreeSet::new();
        for item in &mut select.projection {
            if let SelectItem::ExprWithAlias { alias, .. } = item {
                taken.insert(alias.value.clone());
            }
            if let SelectItem::UnnamedExpr(Expr::Function(function)) = item
                && let [name] = &parts(&function.name)[..]
                && let word = name.strip_prefix(OWN).filter(|word| WORDS.contains(word))
                && (word.is_some() || functions::is_known(name))
                // The engine wants names that differ.
                && taken.insert(name.clone())
            {
                // A word of SQL has to be quoted as a name.
                let alias = word.map_or_else(|| Ident::new(name.clone()), |word| Ident::with_quote('"', word));
                let expr = Expr::Function(function.clone());
                *item = SelectItem::ExprWithAlias { expr, alias };
                self.is_changed = true;
            }
        }
        if self.names_catalogue {
            self.tell_apart(&mut select.projection);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Some(other) = self.other(expr) {
            self.is_changed = true;
            *expr = other;
        }
        ControlFlow::Continue(())
    }
}

impl Words {
    /// Gives columns names that differ, as the engine wants them; PostgreSQL may have two of the same.
    fn tell_apart(&mut self, columns: &mut [SelectItem]) {
        let mut taken = BTreeSet::new();
        for (place, item) in columns.iter_mut().enumerate() {
            if let SelectItem::UnnamedExpr(expr) = item
                && !taken.insert(expr.to_string())
            {
                let alias = Ident::with_quote('"', format!("column {}", place + 1));
                *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
                self.is_changed = true;
            }
        }
    }

    /// What stands for an expression that the engine does not have.
    fn other(&mut self, expr: &mut Expr) -> Option<Expr> {
        if self.names_catalogue
            && let Some(other) = subqueries::other(expr)
        {
            return Some(other);
        }
        match expr {
            Expr::Function(function) => {
                let names = parts(&function.name);
                if let [schema, name] = &names[..]
                    && is_catalogue(schema)
                {
                    function.name = named(name);
                    self.is_changed = true;
                }
                // `current_user` and its like stand without parentheses, and have to: the engine has them under other names.
                if matches!(function.args, FunctionArguments::None) {
                    function.name = named(&format!("{OWN}{}", parts(&function.name).pop().unwrap_or_default()));
                    function.args = FunctionArguments::List(arguments(Vec::new()));
                    self.is_changed = true;
                }
                None
            }
            Expr::Collate { expr, .. } => Some(*expr.clone()),
            Expr::BinaryOp { op, .. } => {
                if let BinaryOperator::PGCustomBinaryOperator(words) = op
                    && let Some(known) = words.last().and_then(|word| operator(word))
                {
                    *op = known;
                    self.is_changed = true;
                }
                None
            }
            Expr::Cast { expr, data_type, .. } => self.cast(expr, data_type),
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. } => self.one_of(left, right, false),
            Expr::AllOp { left, compare_op: BinaryOperator::NotEq, right } => self.one_of(left, right, true),
            Expr::Identifier(word) if word.quote_style.is_none() && is_session_word(&word.value) => {
                Some(call(&format!("{OWN}{}", word.value.to_ascii_lowercase()), Vec::new()))
            }
            _ => None,
        }
    }

    /// A cast to a type that only PostgreSQL has.
    fn cast(&mut self, expr: &Expr, data_type: &mut DataType) -> Option<Expr> {
        let name = match data_type {
            DataType::Regclass => "regclass".to_owned(),
            DataType::Custom(name, _) => parts(name).pop().unwrap_or_default(),
            _ => return None,
        };
        let is_text =
            matches!(expr, Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_) | Value::Placeholder(_)));
        match name.as_str() {
            "regclass" | "regtype" => self.names_catalogue = true,
            _ => {}
        }
        let known = match name.as_str() {
            "regclass" if is_text => return Some(call("pg_regclass", vec![expr.clone()])),
            "regclass" => return Some(call("pg_regclass_name", vec![expr.clone()])),
            "regtype" if is_text => return Some(call("pg_regtype", vec![expr.clone()])),
            "regtype" => return Some(call("format_type", vec![expr.clone()])),
            "oid" | "xid" | "cid" | "int8" => DataType::BigInt(None),
            "int4" => DataType::Integer(None),
            "int2" => DataType::SmallInt(None),
            "float8" => DataType::DoublePrecision,
            "float4" => DataType::Real,
            "bool" => DataType::Boolean,
            "name" | "char" | "text" | "regproc" | "regprocedure" | "regnamespace" | "regrole" | "json" | "jsonb"
            | "sql_identifier" | "pg_node_tree" | "int2vector" | "oidvector" | "aclitem" => DataType::Text,
            _ => return None,
        };
        *data_type = known;
        self.is_changed = true;
        None
    }

    /// `left = any(array[…])` as `left in (…)`; an array of the catalogue's own holds nothing here.
    fn one_of(&self, left: &Expr, right: &Expr, negated: bool) -> Option<Expr> {
        let text = |text: &str| Expr::Value(Value::SingleQuotedString(text.to_owned()).into());
        let list = match right {
            Expr::Nested(inner) => return self.one_of(left, inner, negated),
            Expr::Cast { expr, .. } => return self.one_of(left, expr, negated),
            Expr::Array(array) => array.elem.clone(),
            Expr::Value(value) => match &value.value {
                Value::SingleQuotedString(words) => {
                    let words = words.trim_start_matches('{').trim_end_matches('}');
                    words.split(',').filter(|word| !word.is_empty()).map(|word| text(word.trim_matches('"'))).collect()
                }
                _ => return None,
            },
            Expr::Function(function) if parts(&function.name) == ["current_schemas"] => vec![text("pg_catalog"), text("gold")],
            Expr::CompoundIdentifier(_) | Expr::Identifier(_) if self.names_catalogue => Vec::new(),
            _ => return None,
        };
        if list.is_empty() {
            return Some(subqueries::truth(negated));
        }
        Some(Expr::InList { expr: Box::new(left.clone()), list, negated })
    }
}

/// Before the names of functions that stand for words of PostgreSQL.
const OWN: &str = "pg_";
const WORDS: [&str; 6] = ["current_user", "session_user", "user", "current_role", "current_catalog", "current_schema"];

fn is_session_word(word: &str) -> bool {
    ["current_role", "current_catalog", "current_schema"].iter().any(|known| known.eq_ignore_ascii_case(word))
}

pub fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident().map(|ident| ident.value.to_ascii_lowercase())).collect()
}

fn named(name: &str) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))])
}

fn arguments(given: Vec<Expr>) -> FunctionArgumentList {
    let args = given.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect();
    FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }
}

pub fn call(name: &str, given: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: named(name),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(arguments(given)),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

fn operator(word: &str) -> Option<BinaryOperator> {
    Some(match word {
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "||" => BinaryOperator::StringConcat,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_without_anything_of_postgresql_stay_as_they_are() {
        for sql in [
            "select  a::bigint FROM t -- c",
            "select 'pg_class'",
            "drop table t",
            "no sql at all",
            "select a::nothing from t",
            "select a = any(b) from t",
        ] {
            assert_eq!(rewrite(sql), Rewritten { sql: sql.to_owned(), names_catalogue: false });
        }
    }

    #[test]
    fn words_of_postgresql_are_put_into_the_engines() {
        for (sql, expected, names_catalogue) in [
            ("select relname from pg_class", "SELECT relname FROM pg_catalog.pg_class", true),
            ("select pg_catalog.version()", "SELECT version() AS version", false),
            ("select current_user", "SELECT pg_current_user() AS \"current_user\"", false),
            (
                "select 1 from pg_catalog.pg_class c where c.relname OPERATOR(pg_catalog.~) '^(t)$' COLLATE pg_catalog.default",
                "SELECT 1 FROM pg_catalog.pg_class c WHERE c.relname ~ '^(t)$'",
                true,
            ),
            (
                "select pg_get_expr(a), pg_get_expr(b) from pg_catalog.pg_class",
                "SELECT pg_get_expr(a) AS pg_get_expr, pg_get_expr(b) FROM pg_catalog.pg_class",
                true,
            ),
            ("select null, null from pg_catalog.pg_class", "SELECT NULL, NULL AS \"column 2\" FROM pg_catalog.pg_class", true),
            ("select 'gold.t'::regclass", "SELECT pg_regclass('gold.t')", true),
            ("select c.oid::pg_catalog.regclass from t c", "SELECT pg_regclass_name(c.oid) FROM t c", true),
            ("select a::pg_catalog.text from t", "SELECT a::TEXT FROM t", false),
            ("select 1 where a = any(array['r', 'v'])", "SELECT 1 WHERE a IN ('r', 'v')", false),
            ("select 1 where a <> all('{r,v}')", "SELECT 1 WHERE a NOT IN ('r', 'v')", false),
            ("select a = any(indkey) from pg_catalog.pg_index", "SELECT (false) FROM pg_catalog.pg_index", true),
            (
                "select (select d.adbin from pg_catalog.pg_attrdef d where d.adrelid = a.attrelid) from pg_catalog.pg_attribute a",
                "SELECT pg_nothing('d.adbin') FROM pg_catalog.pg_attribute a",
                true,
            ),
            (
                "select (select n.nspname from pg_catalog.pg_namespace n where n.oid = c.relnamespace) from pg_catalog.pg_class c",
                "SELECT (SELECT max(n.nspname) FROM pg_catalog.pg_namespace n WHERE n.oid = c.relnamespace) FROM pg_catalog.pg_class c",
                true,
            ),
            (
                "select ARRAY(select 1), exists (select 1 from pg_catalog.pg_index) from pg_catalog.pg_type where typreceive != 0",
                "SELECT pg_nothing('ARRAY(SELECT 1)'), (false) FROM pg_catalog.pg_type WHERE typreceive IS NOT NULL",
                true,
            ),
            ("select 1 where n = any(current_schemas(false))", "SELECT 1 WHERE n IN ('pg_catalog', 'gold')", false),
        ] {
            assert_eq!(rewrite(sql), Rewritten { sql: expected.to_owned(), names_catalogue }, "{sql}");
        }
    }
}
