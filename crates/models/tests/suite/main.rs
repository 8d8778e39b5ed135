//! One integration binary. Its modules are `cfg(test)` so that clippy knows helpers for tests.

#[cfg(test)]
mod calibration;
#[cfg(test)]
mod drift;
#[cfg(test)]
mod encoding;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod forms;
#[cfg(test)]
mod metrics;
