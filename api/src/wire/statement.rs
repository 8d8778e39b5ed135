//! What a statement is, as far as a session answers it by itself. Whatever it does not know is for the engine, which refuses what is
//! no query.

use lakehouse_wire::Framing;

use super::{
    copy,
    fault::Fault,
    lexer::{Token, TokenKind, tokens},
};

/// A statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    /// For the engine.
    Query,
    /// `copy … to stdout`: the rows of a query as a file.
    Copy {
        /// The query.
        sql: String,
        /// The kind of file.
        framing: Framing,
    },
    /// A transaction begins: nothing depends on it, as nothing is written.
    Begin,
    /// It ends; with what the client is told.
    Commit,
    /// It is given up.
    Rollback,
    /// A setting.
    Set(String, String),
    /// The value of a setting, or all of them.
    Show(String),
    /// A setting as it was, or all.
    Reset(Option<String>),
    /// Gives up a prepared statement, or all.
    Deallocate(Option<String>),
    /// A query whose rows are fetched later.
    Declare {
        /// The cursor's name.
        name: String,
        /// The query.
        sql: String,
    },
    /// The next rows of a cursor.
    Fetch {
        /// Its name.
        name: String,
        /// How many; 0 for all.
        most: u32,
    },
    /// Gives up a cursor, or all.
    Close(Option<String>),
    /// Everything as it was at the start.
    Discard,
    /// Answered with its verb: there is nothing to do.
    Harmless(&'static str),
}

/// The words of a statement, one after the other.
pub(super) struct Words<'a> {
    pub sql: &'a str,
    pub tokens: Vec<Token>,
    pub next: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(sql: &'a str) -> Self {
        Self { sql, tokens: tokens(sql), next: 0 }
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    /// Takes the next word if it is this keyword.
    pub(super) fn take(&mut self, keyword: &str) -> bool {
        let is_it = self
            .peek()
            .is_some_and(|token| token.kind == TokenKind::Word && self.sql[token.place.clone()].eq_ignore_ascii_case(keyword));
        self.next += usize::from(is_it);
        is_it
    }

    /// Takes the next character if it is this one.
    pub(super) fn symbol(&mut self, symbol: u8) -> bool {
        let is_it = self.peek().is_some_and(|token| token.kind == TokenKind::Symbol(symbol));
        self.next += usize::from(is_it);
        is_it
    }

    /// Takes a name, a number or a string, without its quotes.
    pub(super) fn value(&mut self) -> Option<String> {
        let token = self.peek()?.clone();
        let text = &self.sql[token.place];
        let value = match token.kind {
            TokenKind::Word => text.to_owned(),
            TokenKind::Name => text.trim_matches('"').replace("\"\"", "\""),
            TokenKind::Text => text.trim_start_matches(['e', 'E']).trim_matches('\'').replace("''", "'"),
            TokenKind::Symbol(_) => return None,
        };
        self.next += 1;
        Some(value)
    }

    /// What follows, as it is written.
    pub(super) fn rest(&self) -> &'a str {
        self.peek().map_or("", |token| &self.sql[token.place.start..])
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.next == self.tokens.len()
    }
}

impl Statement {
    /// Tells what a statement is.
    pub(super) fn of(sql: &str) -> Result<Self, Fault> {
        let mut words = Words::new(sql);
        let first = words.peek().filter(|token| token.kind == TokenKind::Word);
        let first = first.map(|token| sql[token.place.clone()].to_ascii_lowercase()).unwrap_or_default();
        words.next = 1;
        Ok(match first.as_str() {
            "begin" | "start" => Self::Begin,
            "commit" | "end" => Self::Commit,
            "rollback" if words.take("to") => Self::Harmless("ROLLBACK"),
            "rollback" | "abort" => Self::Rollback,
            "savepoint" => Self::Harmless("SAVEPOINT"),
            "release" => Self::Harmless("RELEASE"),
            "unlisten" => Self::Harmless("UNLISTEN"),
            "set" => set(&mut words)?,
            "show" => Self::Show(show(&mut words)),
            "reset" if words.take("all") => Self::Reset(None),
            "reset" => Self::Reset(Some(show(&mut words))),
            "discard" => Self::Discard,
            "deallocate" => {
                words.take("prepare");
                Self::Deallocate(if words.take("all") { None } else { Some(words.value().unwrap_or_default()) })
            }
            "close" => Self::Close(if words.take("all") { None } else { Some(words.value().unwrap_or_default()) }),
            "declare" => declare(&mut words)?,
            "fetch" => fetch(&mut words)?,
            "copy" => copy::read(&mut words)?,
            _ => Self::Query,
        })
    }

    /// May it be answered in a transaction that failed?
    pub(super) fn ends_transaction(&self) -> bool {
        matches!(self, Self::Commit | Self::Rollback | Self::Harmless("ROLLBACK"))
    }
}

/// `set [session|local] name {to|=} value`, and the special forms of the standard.
fn set(words: &mut Words<'_>) -> Result<Statement, Fault> {
    let unclear = || Fault::new("42601", "write `set name to value`");
    if words.take("transaction") || (words.take("session") && words.take("characteristics")) {
        return Ok(Statement::Harmless("SET"));
    }
    words.take("local");
    if words.take("time") && words.take("zone") {
        return Ok(Statement::Set("timezone".to_owned(), words.rest().to_owned()));
    }
    let mut name = words.value().ok_or_else(unclear)?;
    while words.symbol(b'.') {
        name = format!("{name}.{}", words.value().ok_or_else(unclear)?);
    }
    if !words.symbol(b'=') && !words.take("to") {
        return Err(unclear());
    }
    if words.take("default") {
        return Ok(Statement::Reset(Some(name)));
    }
    let mut values = Vec::new();
    while let Some(value) = words.value() {
        values.push(value);
        words.symbol(b',');
    }
    Ok(Statement::Set(name, values.join(", ")))
}

/// The name of a setting; the standard has forms of more than one word.
fn show(words: &mut Words<'_>) -> String {
    if words.take("transaction") {
        return "transaction_isolation".to_owned();
    }
    if words.take("time") {
        return "timezone".to_owned();
    }
    let mut name = words.value().unwrap_or_default();
    while words.symbol(b'.') {
        name = format!("{name}.{}", words.value().unwrap_or_default());
    }
    name
}

/// `declare name … cursor … for query`.
fn declare(words: &mut Words<'_>) -> Result<Statement, Fault> {
    let unclear = || Fault::new("42601", "write `declare name cursor for select …`");
    let name = words.value().ok_or_else(unclear)?;
    while !words.take("for") {
        words.value().ok_or_else(unclear)?;
    }
    Ok(Statement::Declare { name, sql: words.rest().to_owned() })
}

/// `fetch [next|forward] [count|all] [from|in] name`.
fn fetch(words: &mut Words<'_>) -> Result<Statement, Fault> {
    let unclear = || Fault::new("0A000", "cursors go forward only: write `fetch 100 from name`");
    let is_many = words.take("forward");
    let mut most = 1;
    if !is_many && words.take("next") {
    } else if words.take("all") {
        most = 0;
    } else if let Some(token) = words.peek()
        && let Ok(count) = words.sql[token.place.clone()].parse()
    {
        (most, words.next) = (count, words.next + 1);
    }
    let _ = words.take("from") || words.take("in");
    let name = words.value().ok_or_else(unclear)?;
    if words.is_at_end() { Ok(Statement::Fetch { name, most }) } else { Err(unclear()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_clients_say_beside_queries_is_known() {
        let set = |name: &str, value: &str| Statement::Set(name.into(), value.into());
        for (sql, expected) in [
            ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", Statement::Begin),
            ("-- a comment\n commit", Statement::Commit),
            ("rollback to savepoint a", Statement::Harmless("ROLLBACK")),
            ("SET extra_float_digits = 3", set("extra_float_digits", "3")),
            ("set session search_path to gold, \"Silver\"", set("search_path", "gold, Silver")),
            ("set local lakehouse.at = '2026-11-01T12:00:00Z'", set("lakehouse.at", "2026-11-01T12:00:00Z")),
            ("set session characteristics as transaction read only", Statement::Harmless("SET")),
            ("set time zone 'UTC'", set("timezone", "'UTC'")),
            ("set a to default", Statement::Reset(Some("a".into()))),
            ("reset lakehouse.at", Statement::Reset(Some("lakehouse.at".into()))),
            ("show transaction isolation level", Statement::Show("transaction_isolation".into())),
            ("show \"TimeZone\"", Statement::Show("TimeZone".into())),
            ("deallocate all", Statement::Deallocate(None)),
            ("DECLARE \"c\" CURSOR FOR select 1", Statement::Declare { name: "c".into(), sql: "select 1".into() }),
            ("FETCH FORWARD 100 FROM \"c\"", Statement::Fetch { name: "c".into(), most: 100 }),
            ("fetch all c", Statement::Fetch { name: "c".into(), most: 0 }),
            ("fetch next from c", Statement::Fetch { name: "c".into(), most: 1 }),
            ("close c", Statement::Close(Some("c".into()))),
            ("select 1", Statement::Query),
            ("(select 1)", Statement::Query),
            ("drop table t", Statement::Query),
            ("begun", Statement::Query),
        ] {
            assert_eq!(Statement::of(sql).expect(sql), expected, "{sql}");
        }
        for sql in ["set", "set a", "declare c", "fetch backward 3 from c"] {
            assert!(Statement::of(sql).is_err(), "{sql}");
        }
    }
}
