//! The newest usable one of a numbered series, and what was said about the others.

use std::{error::Error, fmt::Write, sync::Arc};

use super::refusal::LoadError;

/// The newest thing of its kind that could be loaded.
#[derive(Debug)]
pub struct Slot<T> {
    /// What it is, for the log.
    what: &'static str,
    value: Option<Arc<T>>,
    /// The last number that was loaded or refused for good.
    settled: u32,
    /// The last complaint: the same one is not written again at every look.
    complaint: Option<String>,
}

impl<T> Slot<T> {
    pub fn new(what: &'static str) -> Self {
        Self { what, value: None, settled: 0, complaint: None }
    }

    pub fn value(&self) -> Option<&Arc<T>> {
        self.value.as_ref()
    }

    /// Has this number been dealt with?
    pub fn is_settled(&self, number: u32) -> bool {
        self.settled == number
    }

    /// Takes in what loading `number` gave, and tells whether the value changed.
    pub fn settle(&mut self, number: u32, loaded: Result<T, LoadError>) -> bool {
        match loaded {
            Ok(value) => {
                self.value = Some(Arc::new(value));
                self.settled = number;
                self.complaint = None;
                true
            }
            Err(error) => {
                if !error.may_pass() {
                    self.settled = number;
                }
                self.complain(Some(number), &error);
                false
            }
        }
    }

    /// Writes down, once, why the newest one does not serve; its number may not even be known.
    pub fn complain(&mut self, number: Option<u32>, error: &dyn Error) {
        let which = number.map_or_else(|| "the newest number".to_owned(), |number| format!("number {number}"));
        let complaint = format!("{which} is not served: {}", causes(error));
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::error!(what = self.what, number, "{}, {complaint}; what served before goes on", self.what);
            self.complaint = Some(complaint);
        }
    }
}

fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a text cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
