//! The recent events of one key, oldest first, shared by all its windows.
//!
//! Events stand one after another in a single buffer, each with only the columns that windowed aggregates read. What has
//! left every window is skipped at the front and its room reused once it is a third of the buffer.

use crate::{event::Values, fixed::to_stored};

/// Bytes of a column that is not a flag, and of the time that opens every record.
const WORD: usize = 8;

/// What a ring keeps of an event: its time, then these fields.
#[derive(Debug, Clone)]
pub(crate) struct RecordLayout {
    /// Bytes of a record.
    stride: usize,
    /// In the order in which they stand in a record.
    fields: Vec<Field>,
}

#[derive(Debug, Clone)]
enum Field {
    Word {
        at: usize,
        source: Source,
    },
    /// A byte of up to eight flags, the first in the lowest bit.
    Flags {
        at: usize,
        inputs: Vec<usize>,
    },
}

/// An input of the entity that takes a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Number(usize),
    Key(usize),
}

/// Where a number or a key stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WordAt(usize);

/// Where a flag stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FlagAt {
    at: usize,
    mask: u8,
}

impl RecordLayout {
    pub fn new() -> Self {
        Self { stride: WORD, fields: Vec::new() }
    }

    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Keeps a number or a key; the same one is kept once.
    pub fn keep_word(&mut self, wanted: Source) -> WordAt {
        let known = self.fields.iter().find_map(|field| match field {
            Field::Word { at, source } if *source == wanted => Some(*at),
            _ => None,
        });
        let at = known.unwrap_or(self.stride);
        if known.is_none() {
            self.fields.push(Field::Word { at, source: wanted });
            self.stride += WORD;
        }
        WordAt(at)
    }

    /// Keeps a flag; the same one is kept once.
    pub fn keep_flag(&mut self, wanted: usize) -> FlagAt {
        for field in &mut self.fields {
            let Field::Flags { at, inputs } = field else { continue };
            let known = inputs.iter().position(|input| *input == wanted);
            if known.is_some() || inputs.len() < 8 {
                let bit = known.unwrap_or(inputs.len());
                inputs.extend(known.is_none().then_some(wanted));
                return FlagAt { at: *at, mask: 1 << bit };
            }
        }
        let at = self.stride;
        self.fields.push(Field::Flags { at, inputs: vec![wanted] });
        self.stride += 1;
        FlagAt { at, mask: 1 }
    }

    /// Appends the event's record.
    fn encode(&self, event: &impl Values, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&event.time().to_le_bytes());
        for field in &self.fields {
            match field {
                Field::Word { source: Source::Number(input), .. } => {
                    bytes.extend_from_slice(&to_stored(event.number(*input)).to_le_bytes());
                }
                Field::Word { source: Source::Key(input), .. } => {
                    bytes.extend_from_slice(&event.key(*input).to_bits().to_le_bytes());
                }
                Field::Flags { inputs, .. } => {
                    bytes.push(inputs.iter().rev().fold(0, |byte, input| byte << 1 | u8::from(event.flag(*input))));
                }
            }
        }
    }
}

/// One event in a ring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a>(&'a [u8]);

impl Record<'_> {
    pub fn time(self) -> i64 {
        self.word(WordAt(0))
    }

    /// A stored number, or the bits of a key.
    pub fn word(self, WordAt(at): WordAt) -> i64 {
        // Offsets come from the layout that made the record, so the default is never taken.
        self.0.get(at..at + WORD).and_then(<[u8]>::first_chunk).map_or(0, |bytes| i64::from_le_bytes(*bytes))
    }

    pub fn flag(self, FlagAt { at, mask }: FlagAt) -> bool {
        self.0.get(at).is_some_and(|byte| byte & mask != 0)
    }
}

/// The records of a ring, oldest first; of equal times, in order of arrival.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    stride: usize,
}

impl<'a> Records<'a> {
    pub fn len(self) -> usize {
        self.bytes.len() / self.stride
    }

    pub fn get(self, index: usize) -> Option<Record<'a>> {
        let at = index * self.stride;
        self.bytes.get(at..at + self.stride).map(Record)
    }

    pub fn last(self) -> Option<Record<'a>> {
        let at = self.bytes.len().checked_sub(self.stride)?;
        self.bytes.get(at..).map(Record)
    }

    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// Without the `count` oldest.
    pub fn skip(self, count: usize) -> Self {
        Self { bytes: self.bytes.get(count * self.stride..).unwrap_or_default(), ..self }
    }

    /// How many records are not later than `time`.
    fn count_up_to(self, time: i64) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.get(middle).is_some_and(|record| record.time() <= time) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The buffer of one key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// Bytes at the front that no window needs any more.
    skipped: usize,
}

impl Ring {
    /// A ring of whole records in order of time; `None` if they are not.
    pub fn from_bytes(bytes: Vec<u8>, stride: usize) -> Option<Self> {
        let times = bytes.chunks(stride).map(|record| Record(record).time());
        let is_sound = bytes.len().is_multiple_of(stride) && times.is_sorted();
        is_sound.then_some(Self { bytes, skipped: 0 })
    }

    pub fn records(&self, stride: usize) -> Records<'_> {
        Records { bytes: self.bytes.get(self.skipped..).unwrap_or_default(), stride }
    }

    /// Puts a record after every one that is not later, and says at which index if others follow it.
    pub fn insert(&mut self, layout: &RecordLayout, event: &impl Values) -> Option<usize> {
        let (records, time) = (self.records(layout.stride), event.time());
        let is_late = records.last().is_some_and(|last| last.time() > time);
        let late = is_late.then(|| records.count_up_to(time));
        layout.encode(event, &mut self.bytes);
        if let Some(index) = late
            && let Some(from_there) = self.bytes.get_mut(self.skipped + index * layout.stride..)
        {
            from_there.rotate_right(layout.stride);
        }
        late
    }

    /// Forgets the `count` oldest records.
    pub fn drop_front(&mut self, count: usize, stride: usize) {
        self.skipped = (self.skipped + count * stride).min(self.bytes.len());
        if self.skipped == self.bytes.len() {
            self.bytes.clear();
            self.skipped = 0;
        }
    }

    /// Gives back spare room.
    pub fn shrink(&mut self) {
        self.compact();
        self.bytes.shrink_to_fit();
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// Is there no room for another record?
    pub fn is_full(&self, stride: usize) -> bool {
        self.bytes.capacity() - self.bytes.len() < stride
    }

    /// Makes room for another record: what the front has to give if that is a third, else half as much again.
    pub fn make_room(&mut self, stride: usize) {
        if self.skipped >= stride && self.skipped * 3 >= self.bytes.len() {
            self.compact();
        } else {
            self.bytes.reserve_exact((self.bytes.len() / 2).max(2 * stride));
        }
    }

    fn compact(&mut self) {
        self.bytes.drain(..self.skipped);
        self.skipped = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordLayout, Ring, Source};
    use crate::{
        Event, Key,
        event::{Live, Uses},
    };

    fn insert(ring: &mut Ring, layout: &RecordLayout, time: i64) -> Option<usize> {
        let flags = [true, false, true, true, true, true, true, true, false, true];
        let event = Event { time, id: 0, numbers: &[0.5], keys: &[Key::NULL], flags: &flags };
        let uses = Uses { numbers: vec![0], keys: vec![0], flags: (0..10).collect() };
        ring.insert(layout, &Live { event: &event, uses: &uses })
    }

    #[test]
    fn a_record_keeps_each_column_once_and_eight_flags_to_a_byte() {
        let mut layout = RecordLayout::new();
        let amount = layout.keep_word(Source::Number(0));
        assert_eq!(layout.keep_word(Source::Number(0)), amount);
        let flags: Vec<_> = (0..10).map(|input| layout.keep_flag(input)).collect();
        let key = layout.keep_word(Source::Key(0));
        assert_eq!(layout.stride(), 8 + 8 + 2 + 8);

        let mut ring = Ring::default();
        insert(&mut ring, &layout, 42);
        let kept = ring.records(layout.stride()).get(0).unwrap();
        assert_eq!((kept.time(), kept.word(amount), kept.word(key)), (42, 500_000, 0));
        assert_eq!(layout.keep_flag(3), flags[3]);
        let set: Vec<bool> = flags.into_iter().map(|flag| kept.flag(flag)).collect();
        assert_eq!(set, [true, false, true, true, true, true, true, true, false, true]);
    }

    #[test]
    fn a_late_record_goes_behind_the_ones_that_are_not_later() {
        let layout = RecordLayout::new();
        let mut ring = Ring::default();
        let places = [10, 30, 20, 30, 20, 5].map(|time| insert(&mut ring, &layout, time));
        assert_eq!(places, [None, None, Some(1), None, Some(2), Some(0)]);
        let records = ring.records(layout.stride());
        let times: Vec<_> = (0..6).map(|index| records.get(index).unwrap().time()).collect();
        assert_eq!(times, [5, 10, 20, 20, 30, 30]);
    }

    #[test]
    fn a_sliding_ring_reuses_its_room() {
        let layout = RecordLayout::new();
        let mut ring = Ring::default();
        for time in 0..10_000 {
            if time >= 50 {
                ring.drop_front(1, layout.stride());
            }
            if ring.is_full(layout.stride()) {
                ring.make_room(layout.stride());
            }
            insert(&mut ring, &layout, time);
        }
        assert_eq!(ring.records(layout.stride()).len(), 50);
        assert!(ring.bytes() <= 50 * layout.stride() * 9 / 4, "{} bytes", ring.bytes());
    }
}
