//! The log: lines for people or JSON for collectors, on standard error.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt, util::TryInitError};

use crate::{Log, LogFormat};

/// A library that tells of every scan as if it were news; a level of its own in the settings still wins.
const QUIET: &str = "buoyant_kernel=warn";

/// Why the log could not be started.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The level is no filter; settings that were loaded cannot have one.
    #[error("`{0}` is not a log level")]
    Level(String),
    /// Somebody else receives the log already.
    #[error("failed to start the log")]
    Started(#[source] TryInitError),
}

/// Starts the log of this process. Call it once, before anything is logged.
pub fn init(log: &Log) -> Result<(), TelemetryError> {
    let level = format!("{QUIET},{}", log.level);
    let filter = EnvFilter::try_new(level).map_err(|_| TelemetryError::Level(log.level.clone()))?;
    let registry = tracing_subscriber::registry().with(filter);
    let started = match log.format {
        LogFormat::Text => registry.with(fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal())).try_init(),
        LogFormat::Json => registry.with(fmt::layer().json().flatten_event(true).with_writer(stderr)).try_init(),
    };
    started.map_err(TelemetryError::Started)
}

/// Whether `level` is a level or a list of `target=level`. A bare unknown word would be read as the name of a target.
pub(crate) fn is_filter(level: &str) -> bool {
    let is_level = |word: &str| matches!(word, "off" | "error" | "warn" | "info" | "debug" | "trace");
    EnvFilter::try_new(level).is_ok() && level.split(',').all(|part| part.contains('=') || is_level(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_known_word_or_a_list_of_targets() {
        for level in ["off", "info", "warn,lakehouse_api=debug", "lakehouse[request{route=/sql}]=trace"] {
            assert!(is_filter(level), "{level}");
        }
        for level in ["", "loud", "INFORMATION", "info,", "lakehouse=loud"] {
            assert!(!is_filter(level), "{level}");
        }
    }

    #[test]
    fn the_log_is_started_once() {
        let log = Log { level: "warn".to_owned(), format: LogFormat::Json };
        assert!(init(&log).is_ok());
        assert!(matches!(init(&log), Err(TelemetryError::Started(_))));
    }
}
