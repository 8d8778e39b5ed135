//! Which batches of a source are new, by content.

use std::fmt;

use lakehouse_lake::LakeTable;

use super::{
    IngestError,
    content::{Content, Origin, find_contents},
    stage::SourceJob,
};

/// The count in a table's notes that says how often it has been built anew.
pub(crate) const EPOCH: &str = "epoch";

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
    pub epoch: u64,
    pub action: Option<Action>,
}

impl Batch {
    /// What the batch is known by. What has landed is not committed again, so a table that is built anew knows its batches anew.
    pub(crate) fn id(&self) -> String {
        format!("{}.{}.{}", self.epoch, self.number, self.hash)
    }
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
    let mut contents = find_contents(job).await?;
    let present = job.lake.table(&job.domain, &job.table).await.map_err(job.store_error())?;
    let landed = Landed::of(job, present.as_ref(), &contents)?;
    if let Some(days) = &job.days {
        contents.extend(days.emptied(landed.entries.iter().map(|(name, ..)| name), &contents));
    }
    let mut next = landed.last_number() + 1;
    let mut batches: Vec<Batch> = Vec::new();
    for content in contents {
        let hash = content.hash(job).await?;
        let is_known = landed.has_content(&hash) || batches.iter().any(|batch| batch.hash == hash);
        let is_first = batches.iter().all(|batch| batch.action.is_none());
        let earlier = landed.number_of(&content.name);
        next = next.max(content.wanted_number(job).filter(|_| earlier.is_none()).unwrap_or_default());
        let is_day = matches!(content.origin, Origin::Day(_));
        let (number, action) = match earlier {
            // Its place in time stays, whatever its rows are now.
            Some(Earlier::Superseded(number)) if is_day && job.reads_again(&content) => (number, Some(Action::Supersede(number))),
            Some(Earlier::Superseded(_)) if is_day => (next, None),
            _ if is_known => (next, None),
            _ if !job.is_append() => (next, Some(Action::Replace)),
            Some(Earlier::Superseded(number)) => (next, Some(Action::Supersede(number))),
            Some(Earlier::Void(number)) => (number, Some(Action::Add)),
            None => (next, Some(Action::Add)),
        };
        let action = if landed.is_void && is_first { action.map(|_| Action::Replace) } else { action };
        next = next.max(number + i64::from(action.is_some()));
        batches.push(Batch { content, hash, number, epoch: landed.epoch, action });
    }
    Ok(batches)
}

/// What the table's last note says has landed.
#[derive(Default)]
struct Landed {
    /// Name, batch number and hash.
    entries: Vec<(String, i64, String)>,
    epoch: u64,
    /// The contract has changed: everything is read anew.
    is_void: bool,
}

/// A batch that landed under the name of another content.
#[derive(Clone, Copy)]
enum Earlier {
    /// Its rows are there.
    Superseded(i64),
    /// Its rows are gone and are read anew. They keep their number.
    Void(i64),
}

impl Landed {
    fn of(job: &SourceJob, present: Option<&LakeTable>, contents: &[Content]) -> Result<Self, IngestError> {
        let Some(note) = present.and_then(|table| table.note.as_ref()) else { return Ok(Self::default()) };
        let entry = |(name, value): (&String, &String)| {
            let (number, hash) = value.split_once(':')?;
            Some((name.clone(), number.parse().ok()?, hash.to_owned()))
        };
        let entries: Vec<_> = note.inputs.iter().filter_map(entry).collect();
        let epoch = note.counts.get(EPOCH).copied().unwrap_or_default();
        if note.definition == job.definition {
            return Ok(Self { entries, epoch, is_void: false });
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
            None => Ok(Self { entries, epoch: epoch + 1, is_void: true }),
        }
    }

    fn last_number(&self) -> i64 {
        self.entries.iter().map(|(_, number, _)| *number).max().unwrap_or(0)
    }

    fn has_content(&self, hash: &str) -> bool {
        !self.is_void && self.entries.iter().any(|(.., landed)| landed == hash)
    }

    fn number_of(&self, name: &str) -> Option<Earlier> {
        let (_, number, hash) = self.entries.iter().find(|(landed, ..)| landed == name)?;
        Some(if self.is_void || hash.is_empty() { Earlier::Void(*number) } else { Earlier::Superseded(*number) })
    }
}

/// The entries of a table's note when all of its rows go: what it has landed is to be read anew, under the same numbers.
pub(crate) fn void_entries(job: &SourceJob, inputs: &mut std::collections::BTreeMap<String, String>) {
    if !job.is_append() {
        return inputs.clear();
    }
    for value in inputs.values_mut() {
        value.truncate(value.find(':').map_or(0, |colon| colon + 1));
    }
}
