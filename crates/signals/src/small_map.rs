//! A map from keys that costs little when it is small, as it is for most entities.

use hashbrown::HashMap;

use crate::Key;

/// Up to here a sorted list beats a hash map in memory and is level with it in time.
const FEW: usize = 256;

/// A map that has shrunk this far becomes a list again; well below [`FEW`], so that it does not flip back and forth.
const VERY_FEW: usize = 64;

/// Keys, each with a `V`.
#[derive(Debug, Clone)]
pub(crate) enum SmallMap<V> {
    /// Sorted by key.
    Few(Vec<(Key, V)>),
    /// Boxed, so that the many small maps stay as small as a vector.
    Many(Box<HashMap<Key, V>>),
}

impl<V> Default for SmallMap<V> {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl<V: Copy + Default> SmallMap<V> {
    /// A map of these entries; `None` unless their keys ascend.
    pub fn from_sorted(mut entries: Vec<(Key, V)>) -> Option<Self> {
        if !entries.is_sorted_by(|one, next| one.0 < next.0) {
            return None;
        }
        entries.shrink_to_fit();
        let is_few = entries.len() <= FEW;
        Some(if is_few { Self::Few(entries) } else { Self::Many(Box::new(entries.into_iter().collect())) })
    }

    pub fn len(&self) -> usize {
        match self {
            Self::Few(entries) => entries.len(),
            Self::Many(map) => map.len(),
        }
    }

    pub fn contains(&self, key: Key) -> bool {
        match self {
            Self::Few(entries) => find(entries, key).is_ok(),
            Self::Many(map) => map.contains_key(&key),
        }
    }

    /// Puts the key in unless it is there; says whether it was not.
    pub fn insert(&mut self, key: Key, value: V) -> bool {
        match self {
            Self::Many(map) => map.try_insert(key, value).is_ok(),
            Self::Few(entries) => {
                let Err(place) = find(entries, key) else { return false };
                if entries.len() < FEW {
                    insert_tightly(entries, place, (key, value));
                } else {
                    let mut map: HashMap<Key, V> = entries.drain(..).collect();
                    map.insert(key, value);
                    *self = Self::Many(Box::new(map));
                }
                true
            }
        }
    }

    /// The key's value, put in as the default if it was not there.
    pub fn entry(&mut self, key: Key) -> Option<&mut V> {
        self.insert(key, V::default());
        self.get_mut(key)
    }

    /// The key's value.
    pub fn get_mut(&mut self, key: Key) -> Option<&mut V> {
        match self {
            Self::Many(map) => map.get_mut(&key),
            Self::Few(entries) => {
                let place = find(entries, key).ok()?;
                entries.get_mut(place).map(|entry| &mut entry.1)
            }
        }
    }

    pub fn remove(&mut self, key: Key) {
        match self {
            Self::Few(entries) => {
                if let Ok(place) = find(entries, key) {
                    entries.remove(place);
                }
            }
            Self::Many(map) => {
                map.remove(&key);
                if map.len() <= VERY_FEW {
                    *self = Self::Few(self.sorted());
                }
            }
        }
    }

    /// Every entry in the order of keys, so that equal maps are written as equal bytes.
    pub fn sorted(&self) -> Vec<(Key, V)> {
        match self {
            Self::Few(entries) => entries.clone(),
            Self::Many(map) => {
                let mut entries: Vec<_> = map.iter().map(|(key, value)| (*key, *value)).collect();
                entries.sort_unstable_by_key(|entry| entry.0);
                entries
            }
        }
    }

    pub fn shrink(&mut self) {
        match self {
            Self::Few(entries) => entries.shrink_to_fit(),
            Self::Many(map) => map.shrink_to_fit(),
        }
    }

    /// Bytes on the heap.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Few(entries) => entries.capacity() * size_of::<(Key, V)>(),
            Self::Many(map) => size_of::<HashMap<Key, V>>() + map.allocation_size(),
        }
    }
}

/// Where the key stands, or where it belongs. Keys are spread evenly, so its share of their range nearly tells its place.
fn find<V>(entries: &[(Key, V)], key: Key) -> Result<usize, usize> {
    let mut place = ((u128::from(key.to_bits()) * entries.len() as u128) >> 64) as usize;
    while let Some(before) = place.checked_sub(1).and_then(|before| entries.get(before))
        && before.0 >= key
    {
        place -= 1;
    }
    while let Some(here) = entries.get(place)
        && here.0 < key
    {
        place += 1;
    }
    if entries.get(place).is_some_and(|here| here.0 == key) { Ok(place) } else { Err(place) }
}

/// Grows by a quarter instead of doubling: there are millions of these, and most never grow again.
fn insert_tightly<T>(items: &mut Vec<T>, place: usize, item: T) {
    if items.len() == items.capacity() {
        items.reserve_exact(items.len() / 4 + 2);
    }
    items.insert(place, item);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{FEW, SmallMap};
    use crate::Key;

    #[test]
    fn it_answers_like_an_ordinary_map_while_growing_and_shrinking() {
        let (mut map, mut oracle) = (SmallMap::<u64>::default(), BTreeMap::new());
        let keys: Vec<Key> = (0..3 * FEW as i64).map(Key::from_integer).collect();
        for (key, value) in keys.iter().zip(0..).chain(keys.iter().zip(0..)) {
            assert_eq!(map.insert(*key, value), oracle.insert(*key, value).is_none());
        }
        assert!(matches!(map, SmallMap::Many(_)));
        for key in &keys[2..] {
            map.remove(*key);
            oracle.remove(key);
            assert_eq!(map.len(), oracle.len());
            assert!(!map.contains(*key));
        }
        assert!(matches!(map, SmallMap::Few(_)));
        assert_eq!(map.sorted(), oracle.into_iter().collect::<Vec<_>>());
    }
}
