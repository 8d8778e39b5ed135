//! What a client is told when something does not work, with a SQLSTATE of PostgreSQL that its driver understands.

use lakehouse_service::Problem;
use lakehouse_wire::{Fields, ProtocolError};

/// A statement, or the whole session, failed.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    code: &'static str,
    message: String,
    /// The word that `POST /sql` has for it.
    word: Option<&'static str>,
    is_fatal: bool,
}

/// Why a session does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client is told, and may go on unless it is fatal.
    Fault(Fault),
    /// There is nobody to tell.
    Gone,
}

impl Fault {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), word: None, is_fatal: false }
    }

    /// It ends the session.
    pub(super) fn fatal(self) -> Self {
        Self { is_fatal: true, ..self }
    }

    pub(super) fn is_fatal(&self) -> bool {
        self.is_fatal
    }

    /// The client does not keep to the protocol.
    pub(super) fn protocol(error: ProtocolError) -> Self {
        Self::new("08P01", error.to_string()).fatal()
    }

    pub(super) fn fields(&self) -> Fields<'_> {
        Fields {
            severity: if self.is_fatal { "FATAL" } else { "ERROR" },
            code: self.code,
            message: &self.message,
            detail: self.word,
        }
    }
}

impl From<&Problem> for Fault {
    fn from(problem: &Problem) -> Self {
        let word = problem.code();
        let (code, is_fatal) = state(word, problem.detail());
        Self { code, message: problem.detail().to_owned(), word: Some(word), is_fatal }
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Fault((&problem).into())
    }
}

/// The SQLSTATE for a problem, and whether it ends the session. The codes are those of PostgreSQL's appendix "Error Codes".
fn state(word: &str, detail: &str) -> (&'static str, bool) {
    let code = match word {
        "invalid_query" if detail.contains("No field named") => "42703",
        "invalid_query" if detail.contains("Invalid function") => "42883",
        "invalid_query" => "42601",
        "not_read_only" => "25006",
        "unknown_table" => "42P01",
        "unknown_version" => "22023",
        "query_timeout" | "query_stopped" | "client_stalled" | "client_gone" => "57014",
        "query_too_large" => "54000",
        "out_of_memory" => "53200",
        "failed_query" => "22000",
        "unsupported_query" | "unwritable_result" => "0A000",
        "too_many_queries" | "too_many_at_once" | "rate_limited" | "too_many_requests" | "login_limited" => "53000",
        "missing_scope" => "42501",
        "accounts_unavailable" => return ("57P03", true),
        "wrong_login" => return ("28P01", true),
        "unauthorized" | "invalid_credential" | "expired_credential" | "token_reused" => return ("28000", true),
        _ => "XX000",
    };
    (code, false)
}
