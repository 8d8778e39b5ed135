//! Windowed aggregates over keyed events: how often, how much, how unusual, per card or merchant or sensor.
//!
//! One kernel computes them, driven in batch over columns and live over single events. Both run the same code over exact
//! integers, so a value is the same to the last bit whether it was computed over ten years in one go, in daily increments,
//! or for one request. No I/O, no async.
//!
//! ```
//! use lakehouse_signals::{Event, Kernel, Key, Plan};
//! # let spec = toml::from_str(r#"
//! #     description = ""
//! #     id = "transaction_id"
//! #     time = "bought_at"
//! #     carry = []
//! #     [[entity]]
//! #     name = "card"
//! #     key = "card_id"
//! #     signals = [{ name = "spent_24h", aggregate = "sum", of = "amount", window = "24h" }]
//! # "#)?;
//! let plan = Plan::compile(&spec)?; // `spent_24h` = sum of `amount` over 24 hours, per `card_id`
//! let mut kernel = Kernel::new(&plan);
//! let card = [Key::from_text("4561")];
//! let mut spent_24h = [0.0];
//! for (time, amount) in [(0, 19.99), (3_600_000_000, 5.0), (3_600_000_000, 7.0)] {
//!     let event = Event { time, id: 0, numbers: &[amount], keys: &card, flags: &[] };
//!     kernel.observe(&event, &mut spent_24h)?;
//! }
//! assert_eq!(spent_24h, [19.99], "the last two tie, so they do not see each other");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What an event sees
//!
//! The events of the same entity key with a strictly earlier time; ties never see each other, whatever their order of
//! arrival. `now` being its time and `t` that of another:
//!
//! - a window `w` holds `now − w ≤ t < now`; without one, all history;
//! - a delay `d` holds back `t ≥ now − d`: labels arrive late;
//! - `only` holds back events whose flag is not true;
//! - an absent value of `of` does not count for sum, mean, std, zscore, distinct and smoothed_rate. For `first_seen` and
//!   `changed` absence is a value like any other;
//! - an event without an entity key gets what an entity without history gets, and leaves no trace.
//!
//! Times are microseconds. Numbers are exact to the millionth up to nine billion, and absent beyond [`LARGEST_NUMBER`] or
//! when not finite. A batch must come in order of time; a live event may come late, and then is answered as of the newest
//! instant its key has known and counts from there on (see [`EntityState::add`]).
//!
//! # State
//!
//! A key keeps its recent events once, in a ring that all its windows share, as far back as the longest window or delay,
//! and running integers per window. All history costs no events, save the values that `first_seen` has to know.
//! [`Kernel::write_to`] and [`Kernel::read_from`] carry the state from the pipeline to the services. How fast it is and what
//! a key costs, `examples/throughput.rs` measures.

mod batch;
mod entity;
mod event;
mod fixed;
mod history;
mod kernel;
mod key;
mod plan;
mod portable;
mod ring;
mod small_map;
mod snapshot;
mod state;
mod window;

pub use entity::EntityState;
pub use event::{Event, EventColumns, EventError};
pub use fixed::LARGEST_NUMBER;
pub use kernel::Kernel;
pub use key::Key;
pub use plan::{EntityPlan, Inputs, Output, OutputKind, Plan, PlanError};
pub use portable::{PortableError, Snapshot};
pub use snapshot::SnapshotError;
