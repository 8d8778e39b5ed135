//! One run of a domain at a time: a lease in the metadata database, renewed while the run goes on.

use std::time::Duration;

use lakehouse_metadata::{Lease, LeaseOutcome, LeaseState, Metadata, MetadataError};
use lakehouse_spec::DomainName;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::RunError;

/// How long a lease lasts without renewal: how long a run on another host that died keeps the next one waiting.
const TTL: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(15);

/// A lease that is held, and renewed in the background.
pub(crate) struct RunLease {
    metadata: Metadata,
    lease: Lease,
    renewal: JoinHandle<()>,
    /// Cancelled when somebody else has taken it.
    pub(crate) lost: CancellationToken,
}

impl RunLease {
    /// Takes the lease of `domain`, at once from a process of this machine that has died.
    pub(crate) async fn acquire(metadata: &Metadata, domain: &DomainName) -> Result<Self, RunError> {
        let busy = |Lease { holder, expires_at, .. }| RunError::Busy { domain: domain.clone(), holder, expires_at };
        Self::acquire_named(metadata, &format!("run.{domain}")).await?.map_err(busy)
    }

    /// Takes the lease `name`, or tells who has it.
    pub(crate) async fn acquire_named(metadata: &Metadata, name: &str) -> Result<Result<Self, Lease>, MetadataError> {
        let holder = process::holder();
        loop {
            match metadata.acquire_unless(name, &holder, TTL, process::is_alive).await? {
                LeaseOutcome::Held(lease) => return Ok(Ok(Self::hold(metadata.clone(), lease))),
                LeaseOutcome::Busy(lease) if process::has_died(&lease.holder) => {
                    tracing::warn!(
                        lease = name,
                        holder = lease.holder,
                        "the last holder's process has died: its lease is taken over"
                    );
                    metadata.release(&lease).await?;
                }
                LeaseOutcome::Busy(lease) => return Ok(Err(lease)),
            }
        }
    }

    fn hold(metadata: Metadata, lease: Lease) -> Self {
        let lost = CancellationToken::new();
        let renewal = tokio::spawn(renew(metadata.clone(), lease.clone(), lost.clone()));
        Self { metadata, lease, renewal, lost }
    }

    /// Counts the holdings of this lease.
    pub(crate) fn fence(&self) -> i64 {
        self.lease.fence
    }

    /// Gives it back.
    pub(crate) async fn release(self) -> Result<(), MetadataError> {
        self.renewal.abort();
        self.metadata.release(&self.lease).await.map(|_| ())
    }
}

async fn renew(metadata: Metadata, lease: Lease, lost: CancellationToken) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match metadata.renew(&lease, TTL).await {
            Ok(LeaseState::Held(_) | LeaseState::Expired) => {}
            Ok(LeaseState::Lost { holder, .. }) => {
                tracing::error!(lease = lease.name, holder, "another run has taken the lease: this one stops");
                lost.cancel();
                return;
            }
            // A database that is away for less than the lease's time does no harm.
            Err(error) => tracing::warn!(lease = lease.name, %error, "the lease could not be renewed yet"),
        }
    }
}

/// Who holds a lease: a process of a machine, told apart from later processes with its number by when it started.
mod process {
    use std::fs;

    pub(super) fn holder() -> String {
        let pid = std::process::id();
        format!("{}/{pid}/{}", machine(), started(pid).unwrap_or_default())
    }

    /// Is it certain that the holder was a process of this machine and is gone?
    pub(super) fn has_died(holder: &str) -> bool {
        is_running(holder) == Some(false)
    }

    /// Is it certain that the holder is a process of this machine and runs?
    pub(super) fn is_alive(holder: &str) -> bool {
        is_running(holder) == Some(true)
    }

    /// `None` of what is no process of this machine.
    fn is_running(holder: &str) -> Option<bool> {
        let (place, started_then) = holder.rsplit_once('/')?;
        let (machine_then, pid) = place.rsplit_once('/')?;
        let pid = pid.parse().ok()?;
        (!started_then.is_empty() && machine_then == machine()).then(|| started(pid).as_deref() == Some(started_then))
    }

    /// The name of the machine, of its present boot, and of the space its process numbers count in: two containers may share the
    /// first two, and do not see each other's processes.
    fn machine() -> String {
        let read = |path| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let space = fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
        format!("{}@{}@{space}", read("/proc/sys/kernel/hostname"), read("/proc/sys/kernel/random/boot_id"))
    }

    /// When a process started, in the kernel's ticks; `None` when there is none, or no way to tell.
    fn started(pid: u32) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; the fields after it are numbers. Field 22 of the line is the start.
        stat.rsplit_once(')')?.1.split_whitespace().nth(19).map(str::to_owned)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_living_process_is_not_taken_for_dead_nor_one_of_another_machine() {
            let own = holder();
            assert!(!has_died(&own) && is_alive(&own), "{own}");
            let (place, started) = own.rsplit_once('/').expect("three parts");
            let (machine, pid) = place.rsplit_once('/').expect("three parts");
            assert!(has_died(&format!("{machine}/{pid}/1")), "the number was given to another process");
            assert!(has_died(&format!("{machine}/4194305/{started}")), "no process has so high a number");
            let container = machine.replace("pid:[", "pid:[9");
            assert_ne!(container, machine);
            for unknown in [
                format!("{container}/4194305/{started}"),
                format!("elsewhere@1/4194305/{started}"),
                format!("{machine}/4194305/"),
                "somebody".to_owned(),
            ] {
                assert!(!has_died(&unknown) && !is_alive(&unknown), "{unknown}");
            }
        }
    }
}
