//! Deterministic telemetry, incidents and firewall logs of a network, real or made up.
//!
//! A sample is a function of its arguments and the topology: the same arguments give the same bytes. Randomness is the raw
//! word stream of ChaCha8, one stream per subject; values are drawn and computed in whole numbers; the start is an argument,
//! never the clock. Rows are written forward in time, so memory does not grow with their number.
//!
//! What happens, tick by tick:
//!
//! - Every **site** has a load: by hour of the day (least before dawn, most in the early afternoon), by day of the week, with
//!   slow noise, and now and then a surge, half of which are attacks.
//! - The demands follow it along their routes, which gives every **link** its load. A busy link is slower and loses more.
//! - Nodes and links have **incidents**. Most announce themselves: errors and delays (memory, on nodes) creep up first. Some
//!   do not, and some symptoms lead to nothing. [`NetworkSample::incident_rate`] is the share of time in an incident.
//! - A severe incident takes its node or link out: routes change, links that now carry too much may follow, with the incident
//!   that caused them named. A link that is overloaded for long gets an incident of its own.
//! - **Firewalls** log traffic of their sites: mostly in order, attacks in campaigns, faults of their own more often while
//!   something at their site is wrong. A few lines are damaged, as in real logs.

mod calendar;
mod campaigns;
mod episodes;
mod error;
mod files;
mod firewall;
mod fixed;
mod load;
mod records;
mod sample;
mod sites;
mod stream;
mod subject;
mod text;
mod vitals;

pub use error::GenerateError;
pub use files::{NetworkSummary, generate_network};
pub use fixed::{Fixed, Millis, Share};
pub use records::{FirewallRow, IncidentRow, LinkRow, NodeRow, Record, Severity, Verdict};
pub use sample::NetworkSample;
pub use sites::generate_topology;
pub use stream::stream_network;
