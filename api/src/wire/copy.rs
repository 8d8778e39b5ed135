//! `copy … to stdout`: the rows of a query as a file, which is how many programs read much at once.

use lakehouse_wire::Framing;

use super::{
    fault::Fault,
    lexer::TokenKind,
    statement::{Statement, Words},
};

/// Reads what follows `copy`.
pub(super) fn read(words: &mut Words<'_>) -> Result<Statement, Fault> {
    let sql = source(words)?;
    if !words.take("to") || !words.take("stdout") {
        return Err(Fault::new("25006", "only `copy … to stdout` is possible: nothing is written here"));
    }
    Ok(Statement::Copy { sql, framing: framing(words)? })
}

/// A query in parentheses, or a table with or without columns.
fn source(words: &mut Words<'_>) -> Result<String, Fault> {
    let start = words.peek().map_or(0, |token| token.place.start);
    if words.symbol(b'(') {
        let end = closing(words)?;
        return Ok(words.sql[start + 1..end].to_owned());
    }
    let mut end = start;
    while let Some(token) = words.peek()
        && (token.kind != TokenKind::Symbol(b'(')
            && !words.sql[token.place.clone()].eq_ignore_ascii_case("to")
            && !words.sql[token.place.clone()].eq_ignore_ascii_case("from"))
    {
        end = token.place.end;
        words.next += 1;
    }
    let table = &words.sql[start..end];
    let columns = words.peek().map_or(0, |token| token.place.end);
    if words.symbol(b'(') {
        let end = closing(words)?;
        return Ok(format!("select {} from {table}", &words.sql[columns..end]));
    }
    Ok(format!("select * from {table}"))
}

/// Where the parenthesis ends that was opened.
fn closing(words: &mut Words<'_>) -> Result<usize, Fault> {
    let mut depth = 1;
    while let Some(token) = words.peek().cloned() {
        words.next += 1;
        match token.kind {
            TokenKind::Symbol(b'(') => depth += 1,
            TokenKind::Symbol(b')') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok(token.place.start);
        }
    }
    Err(Fault::new("42601", "a parenthesis is not closed"))
}

/// The options, in the form with parentheses and in the older one.
fn framing(words: &mut Words<'_>) -> Result<Framing, Fault> {
    let (mut is_csv, mut is_binary, mut header) = (false, false, false);
    while !words.is_at_end() {
        if words.symbol(b'(') || words.symbol(b')') || words.symbol(b',') || words.take("with") || words.take("format") {
            continue;
        }
        match words.value().unwrap_or_default().to_ascii_lowercase().as_str() {
            "text" => {}
            "csv" => is_csv = true,
            "binary" => is_binary = true,
            "header" => header = !(words.take("false") || words.take("off") || words.take("0")),
            "true" | "on" | "1" if header => {}
            "encoding" => drop(words.value()),
            other => return Err(Fault::new("0A000", format!("`copy` here has no option `{other}`"))),
        }
    }
    match (is_csv, is_binary) {
        (true, _) => Ok(Framing::CopyCsv { header }),
        (_, true) => Ok(Framing::CopyBinary),
        _ if header => Err(Fault::new("0A000", "only CSV has a header here")),
        _ => Ok(Framing::CopyText),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_or_a_table_goes_out_and_nothing_comes_in() {
        let copy = |sql: &str, framing| Statement::Copy { sql: sql.into(), framing };
        for (sql, expected) in [
            ("copy (select ')' , (1)) to stdout", copy("select ')' , (1)", Framing::CopyText)),
            ("COPY gold.t TO STDOUT WITH CSV HEADER", copy("select * from gold.t", Framing::CopyCsv { header: true })),
            ("copy \"gold\".t (a, b) to stdout (format \"binary\")", copy("select a, b from \"gold\".t", Framing::CopyBinary)),
            ("copy t to stdout with (format csv, header false)", copy("select * from t", Framing::CopyCsv { header: false })),
        ] {
            assert_eq!(Statement::of(sql).expect(sql), expected, "{sql}");
        }
        for sql in [
            "copy t from stdin",
            "copy t to '/tmp/t'",
            "copy t to program 'cat'",
            "copy (select 1",
            "copy t to stdout (delimiter ';')",
        ] {
            assert!(Statement::of(sql).is_err(), "{sql}");
        }
    }
}
