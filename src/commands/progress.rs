//! A run's progress: bars with rates on a terminal, plain lines otherwise.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use lakehouse_pipeline::{Event, Progress, StepDone, StepFailed};

use crate::output;

/// What is drawn while a run goes on.
pub struct Display {
    bars: MultiProgress,
}

impl Display {
    /// Takes the bars away.
    pub fn finish(self) {
        // A bar that is still drawn belongs to a step that failed.
        let _ = self.bars.clear();
    }
}

/// A listener that draws bars or prints lines; silent when a program reads the output.
pub fn display(is_silent: bool) -> (Progress, Display) {
    let bars = MultiProgress::new();
    let display = Display { bars: bars.clone() };
    if is_silent {
        return (Progress::silent(), display);
    }
    if !output::is_terminal() {
        return (Progress::new(print), display);
    }
    let running: Arc<Mutex<HashMap<String, ProgressBar>>> = Arc::default();
    let progress = Progress::new(move |event| {
        let mut running = running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Rows { table, rows } => {
                let bar = running.entry(table.to_string()).or_insert_with(|| bars.add(rows_bar(&table.to_string())));
                bar.inc(rows);
            }
            Event::StageDone { .. } => {
                running.drain().for_each(|(_, bar)| bar.finish_and_clear());
                // Printed above the bars that are still drawn; a terminal that went away is no reason to stop a run.
                let _ = bars.println(text(&event));
            }
            _ => {
                let _ = bars.println(text(&event));
            }
        }
    });
    (progress, display)
}

fn rows_bar(table: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("  {spinner} {msg}: {human_pos} rows, {per_sec}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style).with_message(table.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn print(event: Event) {
    if !matches!(event, Event::Rows { .. }) {
        output::note(text(&event));
    }
}

fn text(event: &Event) -> String {
    match event {
        Event::StageStarted { stage } => format!("{stage} …"),
        Event::Rows { table, rows } => format!("  {table}: {rows} more rows"),
        Event::StepDone(StepDone { step, outcome, seconds, .. }) => format!("  {step}: {outcome}, {seconds:.2} s"),
        Event::StepFailed(StepFailed { step, attempt, error, again_in, .. }) => match again_in {
            Some(seconds) => format!("  {step}: try {attempt} failed, the next one in {seconds:.0} s: {error}"),
            None => format!("  {step}: failed"),
        },
        Event::CheckFailed { table, check, rows } => format!("  {table}: {rows} rows break `{check}`"),
        Event::StageDone { stage, seconds } => format!("{stage} done in {seconds:.2} s"),
        Event::RunStarted => "run started".to_owned(),
        Event::RunSucceeded { seconds } => format!("run done in {seconds:.2} s"),
        Event::RunFailed { .. } => "run failed".to_owned(),
    }
}
