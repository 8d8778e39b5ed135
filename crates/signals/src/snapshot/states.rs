//! One entity's state in a snapshot: key by key, in the order in which they came.
//!
//! Windows are not written: when read they start empty at the head and count the ring anew. All history cannot be counted
//! anew, so its aggregates are written as they are at the head.

use std::io::{self, Read, Write};

use super::{
    SnapshotError,
    blocks::{BlockReader, BlockWriter},
};
use crate::{
    EntityState, Key,
    fixed::{Squares, Total},
    history::{Mark, Previous, Seen},
    plan::{EntityPlan, View},
    ring::Ring,
    small_map::SmallMap,
    state::{Recent, State},
    window::{Delay, Frame},
};

pub(super) fn write<W: Write>(entity: &EntityState, out: &mut BlockWriter<'_, W>) -> io::Result<()> {
    out.put_i64(entity.floor)?;
    out.put_length(entity.keys.len())?;
    for (slot, key) in entity.keys.iter().enumerate() {
        let Some((recent, view)) = entity.states.view(&entity.plan, slot) else { continue };
        out.put_u64(key.to_bits())?;
        write_key(&entity.plan, recent, &view, out)?;
    }
    Ok(())
}

pub(super) fn read<R: Read>(entity: &mut EntityState, from: &mut BlockReader<'_, R>) -> Result<(), SnapshotError> {
    entity.floor = from.take_i64()?;
    for _ in 0..from.take_length()? {
        let (key, newest) = (take_key(from)?, from.take_i64()?);
        let slot = entity.new_slot(key, newest).ok_or(SnapshotError::Corrupt { what: "a key comes twice" })?;
        let Some(mut state) = entity.states.get(&entity.plan, slot) else { continue };
        read_key(&entity.plan, entity.floor, &mut state, from)?;
    }
    Ok(())
}

fn all_history(delay: &Delay) -> impl Iterator<Item = &Frame> {
    delay.frames.iter().filter(|frame| frame.window.is_none())
}

fn write_key<W: Write>(plan: &EntityPlan, recent: &Recent, view: &View<'_>, out: &mut BlockWriter<'_, W>) -> io::Result<()> {
    out.put_i64(recent.newest)?;
    let done = plan.done_with(view.places);
    let records = recent.ring.records(plan.layout.stride()).skip(done);
    out.put_length(records.len())?;
    out.put(records.bytes())?;
    for (delay, head) in plan.delays.iter().zip(view.places) {
        out.put_length(head.saturating_sub(done))?;
        all_history(delay).try_for_each(|frame| write_aggregates(frame, view, out))?;
    }
    view.previous.iter().try_for_each(|previous| write_previous(previous, out))?;
    view.seen.iter().try_for_each(|seen| write_seen(seen, out))
}

fn read_key<R: Read>(
    plan: &EntityPlan,
    floor: i64,
    state: &mut State<'_>,
    from: &mut BlockReader<'_, R>,
) -> Result<(), SnapshotError> {
    state.recent.ring = read_ring(plan.layout.stride(), state.recent.newest, from)?;
    let records = state.recent.ring.records(plan.layout.stride()).len();
    for (index, delay) in plan.delays.iter().enumerate() {
        let head = from.take_length()?;
        if head > records {
            return Err(SnapshotError::Corrupt { what: "more events count than there are" });
        }
        set(state.places, index, head);
        for window in delay.frames.iter().filter_map(|frame| frame.window) {
            set(state.places, plan.delays.len() + window.tail, head);
        }
        all_history(delay).try_for_each(|frame| read_aggregates(frame, state, from))?;
    }
    state.at(plan, state.instant(i64::MIN, floor));
    for previous in state.previous.iter_mut() {
        *previous = Previous { latest: read_mark(from)?, before: read_mark(from)? };
    }
    for seen in state.seen.iter_mut() {
        *seen = read_seen(from)?;
    }
    Ok(())
}

fn read_ring<R: Read>(stride: usize, newest: i64, from: &mut BlockReader<'_, R>) -> Result<Ring, SnapshotError> {
    let length = from.take_length()?.checked_mul(stride).ok_or(SnapshotError::Corrupt { what: "a length is out of range" })?;
    let ring = Ring::from_bytes(from.take_bytes(length)?, stride);
    let ring = ring.ok_or(SnapshotError::Corrupt { what: "events are out of order" })?;
    if ring.records(stride).last().is_some_and(|last| last.time() > newest) {
        return Err(SnapshotError::Corrupt { what: "an event is newer than its key" });
    }
    Ok(ring)
}

fn write_aggregates<W: Write>(frame: &Frame, view: &View<'_>, out: &mut BlockWriter<'_, W>) -> io::Result<()> {
    for tally in &frame.tallies {
        let Total { count, sum } = view.totals.get(tally.total).copied().unwrap_or_default();
        out.put_u64(count)?;
        out.put(&sum.to_le_bytes())?;
        if let Some(squares) = tally.squares {
            let Squares { low, high } = view.squares.get(squares).copied().unwrap_or_default();
            out.put(&low.to_le_bytes())?;
            out.put_u64(high)?;
        }
    }
    for distinct in &frame.distincts {
        let counts = view.distincts.get(distinct.slot).map_or_else(Vec::new, SmallMap::sorted);
        out.put_length(counts.len())?;
        for (key, count) in counts {
            out.put_u64(key.to_bits())?;
            out.put_u64(count)?;
        }
    }
    Ok(())
}

fn read_aggregates<R: Read>(frame: &Frame, state: &mut State<'_>, from: &mut BlockReader<'_, R>) -> Result<(), SnapshotError> {
    for tally in &frame.tallies {
        let total = Total { count: from.take_u64()?, sum: from.take().map(i128::from_le_bytes)? };
        set(state.aggregates.totals, tally.total, total);
        if let Some(slot) = tally.squares {
            let squares = Squares { low: from.take().map(u128::from_le_bytes)?, high: from.take_u64()? };
            set(state.aggregates.squares, slot, squares);
        }
    }
    for distinct in &frame.distincts {
        let mut counts = Vec::new();
        for _ in 0..from.take_length()? {
            counts.push((take_key(from)?, from.take_u64()?));
        }
        set(state.aggregates.distincts, distinct.slot, SmallMap::from_sorted(counts).ok_or(UNSORTED)?);
    }
    Ok(())
}

fn set<T>(items: &mut [T], slot: usize, item: T) {
    if let Some(place) = items.get_mut(slot) {
        *place = item;
    }
}

const UNSORTED: SnapshotError = SnapshotError::Corrupt { what: "values are out of order" };

fn take_key<R: Read>(from: &mut BlockReader<'_, R>) -> Result<Key, SnapshotError> {
    from.take_u64().map(Key::from_bits)
}

fn write_previous<W: Write>(previous: &Previous, out: &mut BlockWriter<'_, W>) -> io::Result<()> {
    for mark in [previous.latest, previous.before] {
        out.put(&[u8::from(mark.is_some())])?;
        if let Some(Mark { time, id, value }) = mark {
            out.put_i64(time)?;
            out.put_i64(id)?;
            out.put_u64(value.to_bits())?;
        }
    }
    Ok(())
}

fn read_mark<R: Read>(from: &mut BlockReader<'_, R>) -> Result<Option<Mark>, SnapshotError> {
    match from.take()? {
        [0] => Ok(None),
        [1] => Ok(Some(Mark { time: from.take_i64()?, id: from.take_i64()?, value: take_key(from)? })),
        _ => Err(SnapshotError::Corrupt { what: "an event is neither there nor absent" }),
    }
}

fn write_seen<W: Write>(seen: &Seen, out: &mut BlockWriter<'_, W>) -> io::Result<()> {
    out.put_length(seen.values.len())?;
    seen.values.sorted().iter().try_for_each(|(key, ())| out.put_u64(key.to_bits()))?;
    out.put_length(seen.fresh.len())?;
    seen.fresh.iter().try_for_each(|key| out.put_u64(key.to_bits()))
}

fn read_seen<R: Read>(from: &mut BlockReader<'_, R>) -> Result<Seen, SnapshotError> {
    let mut values = Vec::new();
    for _ in 0..from.take_length()? {
        values.push((take_key(from)?, ()));
    }
    let mut fresh = Vec::new();
    for _ in 0..from.take_length()? {
        fresh.push(take_key(from)?);
    }
    Ok(Seen { values: SmallMap::from_sorted(values).ok_or(UNSORTED)?, fresh })
}
