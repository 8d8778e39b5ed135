//! One integration binary. Its modules are `cfg(test)` so that clippy knows helpers for tests.

#[cfg(test)]
mod data;
#[cfg(test)]
mod families;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod real_data;
#[cfg(test)]
mod report;
#[cfg(test)]
mod serving;
#[cfg(test)]
mod training;
