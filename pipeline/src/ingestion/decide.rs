//! Which batches of a source are new, by content.

use std::fmt;

use lakehouse_lake::LakeTable;

use super::{
    IngestError,
    content::{Content, find_contents},
    stage::SourceJob,
};

/// What landing a content means for the rows that are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// They stay.
    Add,
    /// Those of the earlier batch of the same name go.
    Supersede(i64),
    /// All go.
    Replace,
}

/// A content, its hash, and what landing it means; no action when it has landed before.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub content: Content,
    pub hash: String,
    pub number: i64,
    pub action: Option<Action>,
}

impl fmt::Display for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.action {
            None => "unchanged".to_owned(),
            Some(Action::Add) => "new".to_owned(),
            Some(Action::Supersede(number)) => format!("changed, replaces batch {number}"),
            Some(Action::Replace) => "new snapshot".to_owned(),
        };
        write!(f, "{}: {what}", self.content.name)
    }
}

/// Which contents of the source are new.
pub(crate) async fn decide(job: &SourceJob) -> Result<Vec<Batch>, IngestError> {
    let contents = find_contents(job).await?;
    let present = job.lake.table(&job.domain, &job.table).await.map_err(job.store_error())?;
    let landed = Landed::of(job, present.as_ref(), &contents)?;
    let mut next = landed.last_number() + 1;
    let mut batches = Vec::new();
    for content in contents {
        let hash = content.hash(job).await?;
        let action = match (landed.has_content(&hash), job.is_append()) {
            (true, _) => None,
            (false, false) => Some(Action::Replace),
            (false, true) if landed.is_void => Some(if batches.is_empty() { Action::Replace } else { Action::Add }),
            (false, true) => Some(landed.number_of(&content.name).map_or(Action::Add, Action::Supersede)),
        };
        batches.push(Batch { content, hash, number: next, action });
        next += i64::from(action.is_some());
    }
    Ok(batches)
}

/// What the table's last note says has landed: name → batch number and hash.
struct Landed {
    entries: Vec<(String, i64, String)>,
    /// The contract has changed: everything is read anew.
    is_void: bool,
}

impl Landed {
    fn of(job: &SourceJob, present: Option<&LakeTable>, contents: &[Content]) -> Result<Self, IngestError> {
        let Some(note) = present.and_then(|table| table.note.as_ref()) else {
            return Ok(Self { entries: Vec::new(), is_void: false });
        };
        let entry = |(name, value): (&String, &String)| {
            let (number, hash) = value.split_once(':')?;
            Some((name.clone(), number.parse().ok()?, hash.to_owned()))
        };
        let entries: Vec<_> = note.inputs.iter().filter_map(entry).collect();
        if note.definition == job.definition {
            return Ok(Self { entries, is_void: false });
        }
        // A new contract asks for all rows again. A batch whose file is gone could not be read again and would be lost.
        let is_gone = |name: &String| !contents.iter().any(|content| content.name == *name);
        match entries.iter().find(|(name, ..)| job.is_append() && is_gone(name)) {
            Some((name, ..)) => Err(IngestError::Shape {
                source_name: job.source.clone(),
                file: name.clone(),
                reason: "is gone, but the source has a new contract, by which all rows must be read anew; \
                         put it back, or take the contract back"
                    .to_owned(),
            }),
            None => Ok(Self { entries: Vec::new(), is_void: true }),
        }
    }

    fn last_number(&self) -> i64 {
        self.entries.iter().map(|(_, number, _)| *number).max().unwrap_or(0)
    }

    fn has_content(&self, hash: &str) -> bool {
        self.entries.iter().any(|(.., landed)| landed == hash)
    }

    fn number_of(&self, name: &str) -> Option<i64> {
        self.entries.iter().find(|(landed, ..)| landed == name).map(|(_, number, _)| *number)
    }
}
