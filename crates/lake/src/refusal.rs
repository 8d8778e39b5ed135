//! Why a query that could run does not: what it would cost. The words may be shown to whoever asked.

use datafusion::error::DataFusionError;

/// What a query wants that nobody gets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryRefusal {
    /// Somebody stopped it.
    #[error("the query was stopped")]
    Stopped,
    /// Its time was over.
    #[error("the query did not end in its time")]
    Late,
    /// Its text is too long a chain or list.
    #[error("the query has too many operators, columns or tables; use `in`, bound values or fewer subqueries")]
    LongText,
    /// A function would make texts without end.
    #[error("`{function}` would make a text of more than {most} bytes, or too many of them at once")]
    LongResult {
        /// The function.
        function: String,
        /// Bytes of one text.
        most: usize,
    },
    /// A function would work without end.
    #[error("`{function}` would take too long over texts of this length")]
    LongWork {
        /// The function.
        function: String,
    },
    /// A join would copy wide rows.
    #[error("rows as wide as these cannot be joined; aggregate or cut their texts after the join")]
    WideRows,
    /// Texts that stand in the query would be copied into every row.
    #[error("the texts in the query's columns are longer than {most} bytes together")]
    LongLiterals {
        /// Bytes of all texts.
        most: usize,
    },
    /// Rows would be grouped very often.
    #[error("a `group by` has more than {most} groupings; ask for fewer at a time")]
    ManyGroupings {
        /// The most.
        most: usize,
    },
    /// A pattern takes long to match.
    #[error("a pattern of the query is longer than {most} bytes")]
    LongPattern {
        /// Bytes of a pattern.
        most: usize,
    },
    /// A step has very many columns.
    #[error("a step of the query has {columns} columns; {most} is the most")]
    ManyColumns {
        /// As planned.
        columns: usize,
        /// The most.
        most: usize,
    },
    /// The plan has very many steps.
    #[error("the query has more than {most} steps; write it with fewer subqueries, joins and unions")]
    ManySteps {
        /// The most.
        most: usize,
    },
    /// Every row would get a copy of all rows.
    #[error("`{function}` cannot be used over a window")]
    GatheringWindow {
        /// The function.
        function: String,
    },
}

impl From<QueryRefusal> for DataFusionError {
    fn from(refusal: QueryRefusal) -> Self {
        Self::External(Box::new(refusal))
    }
}
