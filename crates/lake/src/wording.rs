//! What a client's SQL may look like, before anybody parses it: a parser builds, and everything after it walks, a tree as deep as a
//! text's longest chain of operators, and names are compared with each other for every list of columns.

use datafusion::{
    error::Result,
    sql::sqlparser::{
        dialect::GenericDialect,
        keywords::Keyword,
        tokenizer::{Token, Tokenizer},
    },
};

use crate::QueryRefusal;

/// Operators and keywords of a text, those of plain lists and cases not counted.
const MOST_OPERATORS: usize = 2_000;
/// Columns of a `select`, a `group by`, an `order by`; tables of a `from`.
const MOST_LISTED: usize = 1_000;

/// Refuses a text that would take very long to plan, or more stack than there is. A text that is no SQL is left to the parser.
pub(crate) fn check(sql: &str) -> Result<()> {
    let Ok(tokens) = Tokenizer::new(&GenericDialect {}, sql).tokenize() else { return Ok(()) };
    let mut operators = 0;
    // Of each open parenthesis, how long the list of columns or tables is that stands there, if one does.
    let mut lists = vec![None];
    let mut is_start = true;
    for token in tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))) {
        operators += usize::from(chains(token) && !(is_start && *token == Token::Minus));
        is_start = matches!(token, Token::Comma | Token::LParen);
        follow(token, &mut lists);
        let listed = lists.last().copied().flatten().unwrap_or(0);
        if operators > MOST_OPERATORS || listed > MOST_LISTED {
            return Err(QueryRefusal::LongText.into());
        }
    }
    Ok(())
}

fn follow(token: &Token, lists: &mut Vec<Option<usize>>) {
    match token {
        Token::LParen => lists.push(None),
        Token::RParen if lists.len() > 1 => drop(lists.pop()),
        Token::Comma => {
            if let Some(Some(length)) = lists.last_mut() {
                *length += 1;
            }
        }
        Token::Word(word) => {
            let list = match word.keyword {
                Keyword::SELECT | Keyword::FROM | Keyword::BY => Some(0),
                Keyword::WHERE | Keyword::HAVING | Keyword::VALUES => None,
                _ => return,
            };
            if let Some(last) = lists.last_mut() {
                *last = list;
            }
        }
        _ => {}
    }
}

/// May a tree grow deeper by this token?
fn chains(token: &Token) -> bool {
    match token {
        Token::Word(word) => !matches!(
            word.keyword,
            Keyword::NoKeyword
                | Keyword::NULL
                | Keyword::TRUE
                | Keyword::FALSE
                | Keyword::AS
                | Keyword::CASE
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE
                | Keyword::END
                | Keyword::DATE
                | Keyword::TIMESTAMP
                | Keyword::INTERVAL
        ),
        Token::Comma
        | Token::Period
        | Token::LParen
        | Token::RParen
        | Token::SemiColon
        | Token::Number(..)
        | Token::SingleQuotedString(_)
        | Token::Placeholder(_)
        | Token::EOF => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn long_lists_of_values_are_fine_and_long_chains_and_lists_of_columns_are_not() {
        let numbers = (0..10_000).map(|n| (-n).to_string()).collect::<Vec<_>>().join(", ");
        let texts = (0..10_000).map(|n| format!("'{n} + 1 or'")).collect::<Vec<_>>().join(", ");
        let fine = [
            format!("select a from t where n in ({numbers}) or w in ({texts})"),
            format!("select * from (values ({})) v", numbers.replace(", ", "), (")),
            format!("select case {} end from t", "when n = 1 then 2 ".repeat(500)),
            format!("select {} a from t", "a, ".repeat(999)),
            "select 'open".to_owned(),
            ")))) no sql ((((".to_owned(),
        ];
        let refused = [
            format!("select {} 1", "1 + ".repeat(2_001)),
            format!("select {} 1", "1 - -".repeat(2_001)),
            format!("select a from t where {} true", "a is null or ".repeat(1_000)),
            format!("select 1{}", "::int".repeat(2_001)),
            format!("select 1 {}", "union all select 1 ".repeat(700)),
            format!("select {} a from t", "a, ".repeat(1_001)),
            format!("select (select {} a from t)", "f(a, b), ".repeat(1_001)),
            format!("select a from t order by {} a", "a, ".repeat(1_001)),
            format!("select a from {} t", "t, ".repeat(1_001)),
        ];
        for sql in &fine {
            assert!(check(sql).is_ok(), "{}", &sql[..sql.len().min(60)]);
        }
        for sql in &refused {
            assert!(check(sql).is_err(), "{}", &sql[..60]);
        }
    }
}
