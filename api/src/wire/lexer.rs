//! Where statements end and which words they begin with. A text is taken apart as PostgreSQL's lexer does, so that a semicolon in a
//! string or a comment ends nothing; what the statements mean is for the engine.

use std::ops::Range;

/// A piece of a text that is no space and no comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub place: Range<usize>,
}

/// What a piece is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, a keyword or a number.
    Word,
    /// A name in double quotes.
    Name,
    /// A string.
    Text,
    /// Anything else, a character.
    Symbol(u8),
}

/// All pieces of a text. What is not closed reaches to the end.
pub(super) fn tokens(sql: &str) -> Vec<Token> {
    let bytes = sql.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &bytes[at..];
        let (kind, length) = match rest[0] {
            byte if byte.is_ascii_whitespace() => (None, 1),
            b'-' if rest.starts_with(b"--") => (None, rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())),
            b'/' if rest.starts_with(b"/*") => (None, comment(rest)),
            b'\'' => (Some(TokenKind::Text), quoted(rest, b'\'', false)),
            b'e' | b'E' if rest.get(1) == Some(&b'\'') => (Some(TokenKind::Text), 1 + quoted(&rest[1..], b'\'', true)),
            b'"' => (Some(TokenKind::Name), quoted(rest, b'"', false)),
            b'$' => match dollar_quoted(rest) {
                Some(length) => (Some(TokenKind::Text), length),
                None => (Some(TokenKind::Symbol(b'$')), 1),
            },
            byte if is_word(byte) => {
                (Some(TokenKind::Word), rest.iter().take_while(|byte| is_word(**byte) || **byte == b'$').count())
            }
            byte => (Some(TokenKind::Symbol(byte)), 1),
        };
        found.extend(kind.map(|kind| Token { kind, place: at..at + length }));
        at += length;
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// Comments stand within comments.
fn comment(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match text.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// A doubled quote is one of the text.
fn quoted(text: &[u8], quote: u8, with_escapes: bool) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' if with_escapes => at += 2,
            byte if byte == quote && text.get(at + 1) == Some(&quote) => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// `$tag$ … $tag$`; `$1` is none.
fn dollar_quoted(text: &[u8]) -> Option<usize> {
    let tag = 1 + text[1..].iter().position(|byte| *byte == b'$')?;
    let name = &text[1..tag];
    if !name.iter().all(|byte| is_word(*byte)) || name.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let tag = &text[..=tag];
    let end = text[tag.len()..].windows(tag.len()).position(|window| window == tag);
    Some(end.map_or(text.len(), |end| end + 2 * tag.len()))
}

/// The statements of a text, each without the semicolon after it; those without a word are left out.
pub(super) fn split(sql: &str) -> Vec<&str> {
    let mut statements = Vec::new();
    let mut place: Option<Range<usize>> = None;
    for token in tokens(sql) {
        if token.kind == TokenKind::Symbol(b';') {
            statements.extend(place.take().map(|place| &sql[place]));
        } else {
            place = Some(place.map_or(token.place.start, |place| place.start)..token.place.end);
        }
    }
    statements.extend(place.map(|place| &sql[place]));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn semicolons_end_statements_unless_they_are_quoted_or_in_a_comment() {
        assert_eq!(split("select 1; select 2;"), ["select 1", "select 2"]);
        assert_eq!(split("select ';' , \"a;b\" -- no;\n, 1"), ["select ';' , \"a;b\" -- no;\n, 1"]);
        assert_eq!(
            split("/* a; /* b; */ c; */ select $x$ ; $x$, $1; select e'\\';'"),
            ["select $x$ ; $x$, $1", "select e'\\';'"]
        );
        assert_eq!(split("select 'it''s; fine';;; -- ;"), ["select 'it''s; fine'"]);
        assert!(split(" ;; -- nothing\n /* at all").is_empty());
        assert_eq!(split("select 'open; select 2"), ["select 'open; select 2"]);
        assert_eq!(split("sélect é;x"), ["sélect é", "x"]);
    }
}
