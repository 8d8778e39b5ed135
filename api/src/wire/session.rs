//! A session: statement after statement of one client.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{RecordBatch, StringArray},
    datatypes::{DataType, Field, Schema},
};
use lakehouse_accounts::Scope;
use lakehouse_lake::BoundValues;
use lakehouse_service::{Problem, Visitor};
use lakehouse_spec::DomainName;
use lakehouse_wire::{Framing, Frontend, Kind, RowWriter, Status, write};
use tokio_util::sync::CancellationToken;

use super::{
    Wire,
    cancel::Ticket,
    cursor::{Cursor, Ledger, attended},
    extended::{Portal, Prepared},
    fault::{Fault, Stop},
    lexer,
    link::Link,
    statement::Statement,
    variables::Variables,
};
use crate::{principal::Principal, sql::Question};

/// Prepared statements, and portals, that a session may hold.
pub(super) const MOST_HELD: usize = 1_000;

/// The formats that a client binds for the columns, and the columns that it was told.
type Bound<'a> = (&'a [i16], &'a [(String, Kind)]);

/// A session.
pub(super) struct Session {
    pub wire: Arc<Wire>,
    pub link: Link,
    visitor: Visitor,
    pub domain: DomainName,
    pub variables: Variables,
    pub status: Status,
    ticket: Ticket,
    pub prepared: HashMap<String, Arc<Prepared>>,
    pub portals: HashMap<String, Portal>,
    cursors: HashMap<String, Cursor>,
    /// A message of a series failed: the rest of the series is passed over.
    is_skipping: bool,
}

impl Session {
    pub(super) fn new(wire: Arc<Wire>, link: Link, visitor: Visitor, domain: DomainName, variables: Variables) -> Self {
        let ticket = wire.cancels.enter();
        let (prepared, portals, cursors) = Default::default();
        Self {
            wire,
            link,
            visitor,
            domain,
            variables,
            status: Status::Idle,
            ticket,
            prepared,
            portals,
            cursors,
            is_skipping: false,
        }
    }

    /// Tells the client that it may begin.
    pub(super) async fn greet(&mut self) -> Result<(), Stop> {
        let out = &mut self.link.out;
        write::welcome(out);
        for (name, value) in self.variables.reported() {
            write::setting(out, name, value);
        }
        write::cancel_key(out, self.ticket.process, self.ticket.secret);
        write::ready(out, self.status);
        self.link.flush().await
    }

    /// Answers until the client goes, or `stop` is cancelled between two statements.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        loop {
            let next = tokio::select! {
                biased;
                () = stop.cancelled() => Err(Fault::new("57P01", "the service stops; connect again").fatal().into()),
                next = self.link.next() => next,
            };
            let answered = match next {
                Ok(Frontend::Terminate) => Err(Stop::Gone),
                Ok(message) => self.answer(message).await,
                Err(stop) => Err(stop),
            };
            match answered {
                Ok(()) => {}
                Err(Stop::Fault(fault)) => {
                    self.link.part(&fault).await;
                    break;
                }
                Err(Stop::Gone) => break,
            }
        }
        // What runs is given up first: whoever goes waits for nothing.
        drop((self.portals, self.cursors));
        self.visitor.leave().await;
    }

    /// Answers a message. A fault that is not fatal is told here.
    async fn answer(&mut self, message: Frontend) -> Result<(), Stop> {
        if self.is_skipping && !matches!(message, Frontend::Sync) {
            return Ok(());
        }
        let is_series = !matches!(message, Frontend::Query(_));
        let answered = match message {
            Frontend::Query(text) => self.simple(&text).await,
            Frontend::Sync => {
                self.is_skipping = false;
                if self.status == Status::Idle {
                    // Portals last as long as their transaction.
                    self.portals.clear();
                }
                write::ready(&mut self.link.out, self.status);
                self.link.flush().await
            }
            Frontend::Flush => self.link.flush().await,
            Frontend::Password(_) => Err(Fault::new("08P01", "nobody asked for a password").fatal().into()),
            Frontend::Copy | Frontend::Terminate => Ok(()),
            message => self.extended(message).await,
        };
        match answered {
            Err(Stop::Fault(fault)) if !fault.is_fatal() => {
                if self.status == Status::Open {
                    self.status = Status::Failed;
                }
                write::error(&mut self.link.out, &fault.fields());
                if is_series {
                    self.is_skipping = true;
                } else {
                    write::ready(&mut self.link.out, self.status);
                }
                self.link.flush().await
            }
            other => other,
        }
    }

    /// Statements as one text: the first that fails ends it.
    async fn simple(&mut self, text: &str) -> Result<(), Stop> {
        let statements = lexer::split(text);
        if statements.is_empty() {
            write::nothing(&mut self.link.out);
        }
        for sql in statements {
            let statement = Statement::of(sql)?;
            self.check_transaction(&statement)?;
            match &statement {
                Statement::Query => {
                    let mut cursor = self.open(sql, BoundValues::default(), None, Framing::Rows).await?;
                    self.describe_rows(cursor.writer());
                    let (rows, _) = self.send(&mut cursor, 0).await?;
                    write::done(&mut self.link.out, &format!("SELECT {rows}"));
                }
                Statement::Fetch { name, .. } => {
                    let writer = self.cursor(name)?.writer().clone();
                    self.describe_rows(&writer);
                    self.act(&statement).await?;
                }
                Statement::Show(name) => {
                    let writer = self.shown(name, &[])?;
                    self.describe_rows(&writer.0);
                    self.show(writer)?;
                }
                other => self.act(other).await?,
            }
        }
        write::ready(&mut self.link.out, self.status);
        self.link.flush().await
    }

    /// In a transaction that failed, everything but its end is refused.
    pub(super) fn check_transaction(&self, statement: &Statement) -> Result<(), Fault> {
        if self.status == Status::Failed && !statement.ends_transaction() {
            let reason = "current transaction is aborted, commands ignored until end of transaction block";
            return Err(Fault::new("25P02", reason));
        }
        Ok(())
    }

    pub(super) fn check_held(&self, held: usize) -> Result<(), Fault> {
        if held < MOST_HELD { Ok(()) } else { Err(Fault::new("54000", "too many statements are held; close some")) }
    }

    pub(super) fn describe_rows(&mut self, writer: &RowWriter) {
        let columns = writer.columns().iter().map(|(name, kind, is_binary)| (name.as_str(), *kind, *is_binary));
        write::columns(&mut self.link.out, columns);
    }

    /// Does what a statement without rows asks for.
    pub(super) async fn act(&mut self, statement: &Statement) -> Result<(), Stop> {
        let tag = match statement {
            Statement::Begin => {
                self.status = Status::Open;
                "BEGIN"
            }
            Statement::Commit => {
                let has_failed = self.status == Status::Failed;
                self.end_transaction();
                if has_failed { "ROLLBACK" } else { "COMMIT" }
            }
            Statement::Rollback => {
                self.end_transaction();
                "ROLLBACK"
            }
            Statement::Set(name, value) => {
                self.variables.set(name, value)?;
                if let (Some(shown), Some(value)) = (Variables::reported_name(name), self.variables.get(name)) {
                    write::setting(&mut self.link.out, shown, value);
                }
                "SET"
            }
            Statement::Reset(name) => {
                self.variables.reset(name.as_deref());
                "RESET"
            }
            Statement::Deallocate(name) => {
                forget(&mut self.prepared, name.as_deref());
                "DEALLOCATE"
            }
            Statement::Close(name) => {
                forget(&mut self.cursors, name.as_deref());
                "CLOSE CURSOR"
            }
            Statement::Discard => {
                self.prepared.clear();
                self.cursors.clear();
                self.variables.reset(None);
                "DISCARD ALL"
            }
            Statement::Harmless(verb) => {
                if *verb == "ROLLBACK" && self.status == Status::Failed {
                    self.status = Status::Open;
                }
                verb
            }
            Statement::Copy { sql, framing } => return self.copy(sql, *framing).await,
            Statement::Declare { name, sql } => {
                self.check_held(self.cursors.len())?;
                let cursor = self.open(sql, BoundValues::default(), None, Framing::Rows).await?;
                self.cursors.insert(name.clone(), cursor);
                "DECLARE CURSOR"
            }
            Statement::Fetch { name, most } => return self.fetch(name, *most).await,
            // Answered where their columns are.
            Statement::Query | Statement::Show(_) => return Ok(()),
        };
        write::done(&mut self.link.out, tag);
        Ok(())
    }

    /// A cursor that was declared. Its rows are texts, whatever the fetch of them asks for.
    pub(super) fn cursor(&self, name: &str) -> Result<&Cursor, Fault> {
        self.cursors.get(name).ok_or_else(|| Fault::new("34000", format!("cursor \"{name}\" does not exist")))
    }

    async fn fetch(&mut self, name: &str, most: u32) -> Result<(), Stop> {
        self.cursor(name)?;
        let Some(mut cursor) = self.cursors.remove(name) else { return Ok(()) };
        let (rows, _) = self.send(&mut cursor, most).await?;
        self.cursors.insert(name.to_owned(), cursor);
        write::done(&mut self.link.out, &format!("FETCH {rows}"));
        Ok(())
    }

    /// Nothing was written; what was open for reading ends.
    fn end_transaction(&mut self) {
        self.status = Status::Idle;
        self.portals.clear();
        self.cursors.clear();
    }

    async fn copy(&mut self, sql: &str, framing: Framing) -> Result<(), Stop> {
        let mut cursor = self.open(sql, BoundValues::default(), None, framing).await?;
        write::copy_out(&mut self.link.out, framing == Framing::CopyBinary, cursor.writer().columns().len());
        let (messages, _) = self.send(&mut cursor, 0).await?;
        // The names of a file, or its end, are a message that is no row.
        let others = u64::from(matches!(framing, Framing::CopyBinary | Framing::CopyCsv { header: true }));
        write::copy_done(&mut self.link.out);
        write::done(&mut self.link.out, &format!("COPY {}", messages.saturating_sub(others)));
        Ok(())
    }

    /// Plans and starts a query. `formats` are those of the columns, as a client binds them; `expected` are the names it was told.
    pub(super) async fn open(
        &mut self,
        sql: &str,
        values: BoundValues,
        bound: Option<Bound<'_>>,
        framing: Framing,
    ) -> Result<Cursor, Stop> {
        let token = self.ticket.renew();
        let pass = self.visitor.admit(Scope::SqlRun).await?;
        let seen = self.wire.state.gallery.seen_by(pass.principal())?;
        let mut ledger = Ledger::new(pass, sql.to_owned());
        let (principal, question) = (Principal::seeing(seen), self.question(sql, values));
        let queries = self.wire.state.queries.clone();
        let started = async {
            let planned = queries.plan_question(question, &principal).await?;
            let writer = writer(planned.kinds(), bound, framing)?;
            let (_, rows) = queries.run_rows(*planned, writer.clone()).await?;
            Ok::<_, Problem>((rows, writer))
        };
        match attended(&mut self.link, &token, started).await? {
            Ok((rows, writer)) => Ok(Cursor::new(rows, writer, ledger)),
            Err(problem) => {
                ledger.close(Err(&problem));
                Err(problem.into())
            }
        }
    }

    pub(super) fn question(&self, sql: &str, values: BoundValues) -> Question {
        Question {
            sql: sql.to_owned(),
            values,
            domain: self.domain.clone(),
            at: self.variables.at(),
            time: self.variables.timeout(),
            user: self.visitor.name().to_owned(),
        }
    }

    /// Tells the shape of a query: it counts as a thing that is done, and is not told to the audit trail, as no row is seen.
    pub(super) async fn describe(
        &mut self,
        sql: &str,
        declared: Vec<Option<DataType>>,
    ) -> Result<lakehouse_lake::Description, Stop> {
        let token = self.ticket.renew();
        let pass = self.visitor.admit(Scope::SqlRun).await?;
        let principal = Principal::seeing(self.wire.state.gallery.seen_by(pass.principal())?);
        let (queries, question) = (self.wire.state.queries.clone(), self.question(sql, BoundValues::default()));
        let described = attended(&mut self.link, &token, queries.describe(question, declared, &principal)).await?;
        Ok(described?)
    }

    pub(super) async fn send(&mut self, cursor: &mut Cursor, most: u32) -> Result<(u64, bool), Stop> {
        let token = self.ticket.renew();
        cursor.send(&mut self.link, &token, most).await
    }

    /// The answer to `show`: its columns, and its only row.
    pub(super) fn shown(&self, name: &str, formats: &[i16]) -> Result<(RowWriter, String), Fault> {
        let unknown = || Fault::new("42704", format!("unrecognized configuration parameter \"{name}\""));
        let value = self.variables.get(name).ok_or_else(unknown)?.to_owned();
        let columns = vec![(name.to_ascii_lowercase(), Kind::of(&DataType::Utf8), formats.first() == Some(&1))];
        Ok((RowWriter::new(columns, Framing::Rows), value))
    }

    pub(super) fn show(&mut self, (mut writer, value): (RowWriter, String)) -> Result<(), Fault> {
        let schema = Arc::new(Schema::new(vec![Field::new("value", DataType::Utf8, false)]));
        let row = RecordBatch::try_new(schema, vec![Arc::new(StringArray::from(vec![value.as_str()]))]);
        let written = row.and_then(|row| writer.write(&row, &mut self.link.out));
        written.map_err(|error| Fault::new("XX000", error.to_string()))?;
        write::done(&mut self.link.out, "SHOW");
        Ok(())
    }
}

/// Gives one up, or all.
fn forget<T>(held: &mut HashMap<String, T>, name: Option<&str>) {
    match name {
        Some(name) => drop(held.remove(name)),
        None => held.clear(),
    }
}

/// How the columns are written: as they were bound, if they are still the same.
fn writer(kinds: Vec<(String, Kind)>, bound: Option<Bound<'_>>, framing: Framing) -> Result<RowWriter, Problem> {
    let Some((formats, told)) = bound else {
        return Ok(RowWriter::new(kinds.into_iter().map(|(name, kind)| (name, kind, false)).collect(), framing));
    };
    if kinds.len() != told.len() || kinds.iter().zip(told).any(|((now, _), (then, _))| now != then) {
        let detail = "the columns of the query are not those any more that it was prepared with; prepare it again";
        return Err(Problem::unprocessable(detail).with_code("unsupported_query"));
    }
    let is_binary = |place: usize| match formats {
        [] => false,
        [all] => *all == 1,
        each => each.get(place) == Some(&1),
    };
    let columns = told.iter().enumerate().map(|(place, (name, kind))| (name.clone(), *kind, is_binary(place)));
    Ok(RowWriter::new(columns.collect(), framing))
}
