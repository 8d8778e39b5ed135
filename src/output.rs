//! What people and programs see: the only place that prints.

use std::io::{IsTerminal as _, Write as _};

use crate::advice;

/// Prints a line to standard output. A reader that has gone away is no error.
pub fn line(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a line to standard error.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints an error and its causes, each once, and what to do about it where that is known.
pub fn error(error: &anyhow::Error) {
    note(format_args!("error: {error}"));
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Clients of stores and databases repeat their cause in their own text.
        if !last.contains(&text) {
            note(format_args!("  caused by: {text}"));
            last = text;
        }
    }
    if let Some(advice) = advice::on(error) {
        note(format_args!("  what to do: {advice}"));
    }
}

/// Is a person watching?
pub fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Rows of text in columns; the first row is the head. Columns named in `right` are aligned right.
pub fn table(rows: &[Vec<String>], right: &[usize]) {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..width)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let padding = " ".repeat(width - cell.chars().count());
            if right.contains(&column) { format!("{padding}{cell}") } else { format!("{cell}{padding}") }
        });
        line(cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A number with its digits grouped by three: 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!([0, 12, 123, 1_234, 1_234_567].map(grouped), ["0", "12", "123", "1,234", "1,234,567"]);
    }
}
