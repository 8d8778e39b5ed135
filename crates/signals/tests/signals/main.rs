//! Signals from the outside: what a caller may rely on.

#[cfg(test)]
mod by_hand;
#[cfg(test)]
mod late_and_idle;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod portable;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod support;
