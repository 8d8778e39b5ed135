//! Mail about runs that failed and, if wanted, about those that succeeded.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use lakehouse_settings::AlertSettings;
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::authentication::Credentials,
};

use super::{
    AlertError, Told,
    queue::{Queue, deliver},
};
use crate::Event;

const TIMEOUT: Duration = Duration::from_secs(10);
const SINK: &str = "mail";

struct Letters {
    from: Mailbox,
    to: Vec<Mailbox>,
    also_success: bool,
}

/// Starts the sink.
pub(super) fn start(settings: &AlertSettings) -> Result<Queue, AlertError> {
    let mailbox = |key, text: &str| text.parse::<Mailbox>().map_err(|error| AlertError::Setting { key, source: error.into() });
    let letters = Letters {
        from: mailbox("mail_from", &settings.mail_from)?,
        to: settings.mail_to.split(',').map(|text| mailbox("mail_to", text.trim())).collect::<Result<_, _>>()?,
        also_success: settings.mail_on_success,
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.smtp_url);
    let mut builder =
        builder.map_err(|error| AlertError::Setting { key: "smtp_url", source: error.into() })?.timeout(Some(TIMEOUT));
    if !settings.smtp_user.is_empty() {
        builder = builder.credentials(Credentials::new(settings.smtp_user.clone(), settings.smtp_password.expose().to_owned()));
    }
    let transport = builder.build();
    Ok(Queue::start(SINK, move |mut told, lost| async move {
        let transport = Arc::new(transport);
        while let Some(told) = told.recv().await {
            let is_wanted = told.is_failure() || (told.is_end() && letters.also_success);
            let Some(message) = is_wanted.then(|| letters.write(&told)).flatten() else { continue };
            let send = || {
                let (transport, message) = (transport.clone(), message.clone());
                async move { transport.send(message).await.map(|_| ()) }
            };
            if !deliver(SINK, lettre::transport::smtp::Error::is_permanent, send).await {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }))
}

impl Letters {
    fn write(&self, told: &Told) -> Option<Message> {
        let (ended, details) = match &told.event {
            Event::RunSucceeded { seconds } => ("succeeded", format!("It took {seconds:.1} s.")),
            Event::RunFailed { error } => ("failed", format!("{error}\n\n`lakehouse runs {}` shows its steps.", told.run)),
            _ => return None,
        };
        let mut builder = Message::builder().from(self.from.clone()).header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let subject = format!("[lakehouse] {}: a run {ended}", told.domain);
        let body = format!("Run {} {ended} at {}.\n{details}\n", told.run, told.at);
        let written = builder.subject(subject).body(body);
        written.map_err(|error| tracing::warn!(%error, "a mail could not be written")).ok()
    }
}
