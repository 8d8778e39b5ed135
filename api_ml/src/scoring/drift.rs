//! The drift of one version: what it scores, window by window, beside what it was trained on.

use std::sync::{Mutex, OnceLock, PoisonError};

use jiff::Timestamp;
use lakehouse_models::{DriftReference, DriftReport, DriftWindow, Model, Value};
use metrics::{Counter, counter, gauge};

/// Records of a window: enough that a small change is told from chance, few enough that a busy service tells every minute.
pub const WINDOW_ROWS: u64 = 5_000;

/// What a version has scored.
#[derive(Debug)]
pub struct DriftMonitor {
    model: String,
    version: u32,
    reference: DriftReference,
    windows: Mutex<Windows>,
    closed: OnceLock<Counter>,
}

#[derive(Debug)]
struct Windows {
    current: DriftWindow,
    started_at: Timestamp,
    last: Option<ClosedWindow>,
    /// Windows that have not been taken to the lake.
    untold: Vec<ClosedWindow>,
}

/// A whole window.
#[derive(Debug, Clone)]
pub struct ClosedWindow {
    pub model: String,
    pub version: u32,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub report: DriftReport,
}

impl DriftMonitor {
    pub fn new(name: &str, version: u32, model: &Model) -> Self {
        let inputs = model.inputs().iter().map(|input| input.name.as_str());
        let reference = DriftReference::new(&model.manifest().description, inputs);
        let current = reference.window();
        let windows = Windows { current, started_at: Timestamp::now(), last: None, untold: Vec::new() };
        Self { model: name.to_owned(), version, reference, windows: Mutex::new(windows), closed: OnceLock::new() }
    }

    /// Counts a scored record.
    pub fn add<'a>(&self, value: impl Fn(usize) -> Value<'a>, score: f64) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.current.rows() == 0 {
            windows.started_at = Timestamp::now();
        }
        self.reference.add(&mut windows.current, value, score);
        if windows.current.rows() < WINDOW_ROWS {
            return;
        }
        let window = std::mem::replace(&mut windows.current, self.reference.window());
        let closed = ClosedWindow {
            model: self.model.clone(),
            version: self.version,
            started_at: windows.started_at,
            ended_at: Timestamp::now(),
            report: self.reference.compare(&window),
        };
        self.tell(&closed.report);
        windows.untold.push(closed.clone());
        windows.last = Some(closed);
    }

    /// The last whole window, and how the one compares that is under way.
    pub fn look(&self) -> (Option<ClosedWindow>, DriftReport) {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        (windows.last.clone(), self.reference.compare(&windows.current))
    }

    /// The windows that nobody has taken yet.
    pub fn take_untold(&self) -> Vec<ClosedWindow> {
        std::mem::take(&mut self.windows.lock().unwrap_or_else(PoisonError::into_inner).untold)
    }

    /// Gives windows back that could not be taken anywhere.
    pub fn put_back(&self, mut windows: Vec<ClosedWindow>) {
        let mut held = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.append(&mut held.untold);
        held.untold = windows;
    }

    fn tell(&self, report: &DriftReport) {
        for drift in &report.features {
            let labels = [("model", self.model.clone()), ("feature", drift.feature.clone())];
            gauge!("drift_score", &labels).set(drift.stability_index);
            gauge!("drift_missing_share", &labels).set(drift.absent_share);
            gauge!("drift_detected", &labels).set(f64::from(u8::from(drift.is_drifted)));
            if drift.is_drifted {
                let (model, feature, version) = (&self.model, &drift.feature, self.version);
                let index = drift.stability_index;
                tracing::warn!(%model, version, %feature, index, "`{feature}` of `{model}` has drifted: stability index {index:.3}");
            }
        }
        let closed = || counter!("drift_windows_total", "model" => self.model.clone(), "version" => self.version.to_string());
        self.closed.get_or_init(closed).increment(1);
    }
}
