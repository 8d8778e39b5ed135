//! The messages by which statements are prepared, bound to values, described and run in steps.

use std::sync::Arc;

use arrow::datatypes::DataType;
use lakehouse_lake::{BoundValue, BoundValues};
use lakehouse_service::Problem;
use lakehouse_wire::{Framing, Frontend, Kind, RowWriter, Target, Value, parameter, write};

use super::{
    cursor::Cursor,
    fault::{Fault, Stop},
    lexer,
    session::Session,
    statement::Statement,
};

/// A prepared statement.
pub(super) struct Prepared {
    sql: String,
    /// None: it is empty.
    statement: Option<Statement>,
    /// The numbers of the types of its parameters, as the client is told.
    types: Vec<u32>,
    parameters: Vec<Kind>,
    columns: Vec<(String, Kind)>,
}

/// A prepared statement with its values.
pub(super) struct Portal {
    prepared: Arc<Prepared>,
    values: BoundValues,
    formats: Vec<i16>,
    state: State,
}

enum State {
    Bound,
    Running(Box<Cursor>),
    Done,
}

impl Session {
    pub(super) async fn extended(&mut self, message: Frontend) -> Result<(), Stop> {
        match message {
            Frontend::Parse { name, sql, types } => self.parse(name, &sql, &types).await,
            Frontend::Bind { portal, statement, formats, values, results } => {
                self.bind(portal, &statement, &formats, &values, results)
            }
            Frontend::Describe(Target::Statement, name) => self.describe_statement(&name),
            Frontend::Describe(Target::Portal, name) => self.describe_portal(&name),
            Frontend::Execute { portal, most } => self.execute(portal, most).await,
            Frontend::Close(target, name) => {
                match target {
                    Target::Statement => drop(self.prepared.remove(&name)),
                    Target::Portal => drop(self.portals.remove(&name)),
                }
                write::closed(&mut self.link.out);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn parse(&mut self, name: String, text: &str, declared: &[u32]) -> Result<(), Stop> {
        if !name.is_empty() && self.prepared.contains_key(&name) {
            return Err(Fault::new("42P05", format!("prepared statement \"{name}\" already exists")).into());
        }
        self.check_held(self.prepared.len())?;
        let statements = lexer::split(text);
        if statements.len() > 1 {
            return Err(Fault::new("42601", "cannot insert multiple commands into a prepared statement").into());
        }
        let sql = statements.first().copied().unwrap_or_default().to_owned();
        let statement = if sql.is_empty() { None } else { Some(Statement::of(&sql)?) };
        if let Some(statement) = &statement {
            self.check_transaction(statement)?;
        }
        let mut prepared = Prepared { sql, statement, types: Vec::new(), parameters: Vec::new(), columns: Vec::new() };
        match &prepared.statement {
            Some(Statement::Query) => self.shape(&mut prepared, declared).await?,
            Some(Statement::Show(setting)) => {
                prepared.columns = vec![(setting.to_ascii_lowercase(), Kind::of(&DataType::Utf8))];
            }
            _ => {}
        }
        self.prepared.insert(name, Arc::new(prepared));
        write::parsed(&mut self.link.out);
        Ok(())
    }

    /// Fills in what a query needs and gives.
    async fn shape(&mut self, prepared: &mut Prepared, declared: &[u32]) -> Result<(), Stop> {
        let unknown =
            |oid: u32| Fault::new("0A000", format!("parameters of the type with the number {oid} are not understood here"));
        let wanted = declared.iter().map(|oid| match oid {
            0 | 705 => Ok(None),
            oid => Kind::of_oid(*oid).map(Some).ok_or_else(|| unknown(*oid)),
        });
        let wanted = wanted.collect::<Result<Vec<Option<Kind>>, _>>()?;
        let types = wanted.iter().map(|kind| kind.map(|kind| kind.canonical(&DataType::Null))).collect();
        let described = self.describe(&prepared.sql, types).await?;
        let kinds = described.parameters.iter().enumerate();
        prepared.parameters =
            kinds.map(|(place, inferred)| wanted.get(place).copied().flatten().unwrap_or_else(|| Kind::of(inferred))).collect();
        let told = |(place, kind): (usize, &Kind)| {
            declared.get(place).copied().filter(|oid| ![0, 705].contains(oid)).unwrap_or(kind.oid())
        };
        prepared.types = prepared.parameters.iter().enumerate().map(told).collect();
        let fields = described.columns.fields().iter();
        prepared.columns = fields.map(|field| (field.name().clone(), Kind::of(field.data_type()))).collect();
        Ok(())
    }

    fn bind(
        &mut self,
        name: String,
        statement: &str,
        formats: &[i16],
        values: &[Option<Vec<u8>>],
        results: Vec<i16>,
    ) -> Result<(), Stop> {
        let prepared = self.statement(statement)?;
        if values.len() != prepared.parameters.len() {
            let (given, wanted) = (values.len(), prepared.parameters.len());
            let reason =
                format!("bind message supplies {given} parameters, but prepared statement \"{statement}\" requires {wanted}");
            return Err(Fault::new("08P01", reason).into());
        }
        self.check_held(self.portals.len())?;
        let mut read = Vec::with_capacity(values.len());
        for (place, (kind, value)) in prepared.parameters.iter().zip(values).enumerate() {
            let is_binary = match formats {
                [] => false,
                [all] => *all == 1,
                each => each.get(place) == Some(&1),
            };
            let value = value.as_ref().map(|bytes| parameter(*kind, is_binary, bytes)).transpose();
            let value = value.map_err(|error| Fault::new("22P02", format!("${}: {error}", place + 1)))?;
            read.push(value.map_or(BoundValue::Null, bound));
        }
        let portal = Portal { prepared, values: BoundValues::Positions(read), formats: results, state: State::Bound };
        self.portals.insert(name, portal);
        write::bound(&mut self.link.out);
        Ok(())
    }

    fn statement(&self, name: &str) -> Result<Arc<Prepared>, Fault> {
        let unknown = || Fault::new("26000", format!("prepared statement \"{name}\" does not exist"));
        self.prepared.get(name).cloned().ok_or_else(unknown)
    }

    fn describe_statement(&mut self, name: &str) -> Result<(), Stop> {
        let prepared = self.statement(name)?;
        write::parameters(&mut self.link.out, &prepared.types);
        self.write_columns(&prepared, &[])
    }

    fn describe_portal(&mut self, name: &str) -> Result<(), Stop> {
        let Some(portal) = self.portals.get(name) else {
            // A cursor that was declared is a portal too.
            let writer = self.cursor(name)?.writer().clone();
            self.describe_rows(&writer);
            return Ok(());
        };
        let (prepared, formats) = (portal.prepared.clone(), portal.formats.clone());
        self.write_columns(&prepared, &formats)
    }

    fn write_columns(&mut self, prepared: &Prepared, formats: &[i16]) -> Result<(), Stop> {
        match &prepared.statement {
            Some(Statement::Query | Statement::Show(_)) => {}
            Some(Statement::Fetch { name, .. }) => {
                let writer = self.cursor(name)?.writer().clone();
                self.describe_rows(&writer);
                return Ok(());
            }
            _ => {
                write::no_columns(&mut self.link.out);
                return Ok(());
            }
        }
        let is_binary = |place: usize| match formats {
            [] => false,
            [all] => *all == 1,
            each => each.get(place) == Some(&1),
        };
        let columns = prepared.columns.iter().enumerate().map(|(place, (name, kind))| (name.as_str(), *kind, is_binary(place)));
        write::columns(&mut self.link.out, columns);
        Ok(())
    }

    async fn execute(&mut self, name: String, most: u32) -> Result<(), Stop> {
        let mut portal = self.portals.remove(&name).ok_or_else(|| no_portal(&name))?;
        let prepared = portal.prepared.clone();
        let Some(statement) = &prepared.statement else {
            write::nothing(&mut self.link.out);
            self.portals.insert(name, portal);
            return Ok(());
        };
        self.check_transaction(statement)?;
        match statement {
            Statement::Query => {
                let mut cursor = match std::mem::replace(&mut portal.state, State::Done) {
                    State::Running(cursor) => cursor,
                    State::Done => {
                        write::done(&mut self.link.out, "SELECT 0");
                        self.portals.insert(name, portal);
                        return Ok(());
                    }
                    State::Bound => {
                        let bound = Some(Bound { formats: &portal.formats, told: &prepared.columns });
                        Box::new(self.open(&prepared.sql, portal.values.clone(), bound, Framing::Rows).await?)
                    }
                };
                let (rows, is_done) = self.send(&mut cursor, most).await?;
                if is_done {
                    write::done(&mut self.link.out, &format!("SELECT {rows}"));
                } else {
                    portal.state = State::Running(cursor);
                    write::more(&mut self.link.out);
                }
            }
            Statement::Show(setting) => {
                let shown = self.shown(setting, &portal.formats)?;
                self.show(shown)?;
            }
            other => self.act(other).await?,
        }
        self.portals.insert(name, portal);
        Ok(())
    }
}

fn no_portal(name: &str) -> Fault {
    Fault::new("34000", format!("portal \"{name}\" does not exist"))
}

fn bound(value: Value) -> BoundValue {
    match value {
        Value::Bool(value) => BoundValue::Bool(value),
        Value::Integer(value) => BoundValue::Integer(value),
        Value::Float(value) => BoundValue::Float(value),
        Value::Text(value) => BoundValue::Text(value),
        Value::Day(days) => BoundValue::Day(days),
        Value::Instant(micros) => BoundValue::Instant(micros),
        Value::LocalInstant(micros) => BoundValue::LocalInstant(micros),
    }
}

/// How a client bound the columns of a query.
pub(super) struct Bound<'a> {
    /// Text or binary: none, one for all, or one each.
    formats: &'a [i16],
    /// The columns that it was told of.
    told: &'a [(String, Kind)],
}

/// How the columns are written: as they were bound, if they are still the same.
pub(super) fn writer(kinds: Vec<(String, Kind)>, bound: Option<Bound<'_>>, framing: Framing) -> Result<RowWriter, Problem> {
    let Some(Bound { formats, told }) = bound else {
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
