//! What is served: found in the registry, loaded, checked and swapped in.

mod champion;
mod names;
mod refusal;
mod slot;
mod watcher;

pub use champion::Champion;
pub use names::Names;
pub use slot::Slot;
pub use watcher::Watcher;
