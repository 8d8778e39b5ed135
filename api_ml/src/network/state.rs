//! What the routes of networks share, and how it is kept up to date.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use lakehouse_registry::{AliasName, Registry};
use lakehouse_settings::NetworkSettings;
use lakehouse_spec::{DomainName, InvalidName, ModelName};
use tokio::{
    sync::Mutex,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    feed::{Feed, Numbers},
    firewall::{Firewalls, LogStore},
    routes::metrics,
    snapshot::Snapshot,
};
use crate::models::{Champion, Slot};

/// How often the registry is looked at.
const PAUSE: Duration = Duration::from_secs(2);
/// Models of the network domain are called `outage_15m`, for the horizon they were trained for.
const PREFIX: &str = "outage_";

/// What answers at this instant.
#[derive(Debug)]
pub struct Current {
    /// How risks are told.
    pub settings: Arc<NetworkSettings>,
    /// The network; none before the pipeline has left one.
    pub snapshot: Option<Arc<Snapshot>>,
    /// Champions by horizon in minutes, the shortest first.
    pub champions: Vec<(u32, Arc<Champion>)>,
}

/// What the routes of networks are given.
#[derive(Debug)]
pub struct Networks {
    /// How risks are told.
    pub settings: NetworkSettings,
    /// Where samples are written; none where there is no such folder.
    pub sources: Option<PathBuf>,
    /// Where the firewall logs are; none where there are none.
    pub logs: Option<LogStore>,
}

/// What the routes of networks share.
#[derive(Clone)]
pub struct NetworkState {
    registry: Registry,
    domain: DomainName,
    current: Arc<ArcSwap<Current>>,
    watched: Arc<Mutex<Watched>>,
    /// Where samples are written; none where there is no such folder.
    pub(super) sources: Option<PathBuf>,
    /// None where there are no firewall logs.
    pub(super) firewalls: Option<Arc<Firewalls>>,
    /// Held by who writes samples.
    pub(super) writing: Arc<Mutex<()>>,
}

#[derive(Default)]
struct Watched {
    numbers: Option<Numbers>,
    complaint: Option<String>,
    slots: BTreeMap<ModelName, Slot<Champion>>,
}

impl NetworkState {
    /// A state that knows nothing yet.
    pub(crate) fn new(registry: Registry, networks: Networks) -> Result<Self, InvalidName> {
        let Networks { settings, sources, logs } = networks;
        let current = Current { settings: Arc::new(settings), snapshot: None, champions: Vec::new() };
        Ok(Self {
            registry,
            domain: "network".parse()?,
            current: Arc::new(ArcSwap::from_pointee(current)),
            watched: Arc::default(),
            sources,
            firewalls: logs.map(|logs| Arc::new(Firewalls::new(logs))),
            writing: Arc::default(),
        })
    }

    /// What answers at this instant.
    pub fn current(&self) -> Arc<Current> {
        self.current.load_full()
    }

    /// Looks again and again until `stop` is cancelled.
    pub async fn watch(self, stop: CancellationToken) {
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if stop.run_until_cancelled(self.look()).await.is_none() {
                return;
            }
        }
    }

    /// Looks once: what is new is loaded and served. What does not work is in the log, and what served before goes on.
    pub async fn look(&self) {
        let mut watched = self.watched.lock().await;
        let snapshot = self.look_for_snapshot(&mut watched).await;
        let changed = self.look_for_champions(&mut watched).await;
        if snapshot.is_none() && !changed {
            return;
        }
        let horizon = |(model, slot): (&ModelName, &Slot<Champion>)| Some((horizon_of(model)?, Arc::clone(slot.value()?)));
        let mut champions: Vec<_> = watched.slots.iter().filter_map(horizon).collect();
        champions.sort_by_key(|(minutes, _)| *minutes);
        let (settings, snapshot) = {
            let current = self.current();
            (Arc::clone(&current.settings), snapshot.or_else(|| current.snapshot.clone()))
        };
        self.current.store(Arc::new(Current { settings, snapshot, champions }));
    }

    async fn look_for_snapshot(&self, watched: &mut Watched) -> Option<Arc<Snapshot>> {
        let loaded = async {
            let Some(feed) = Feed::latest(&self.registry, &self.domain).await? else { return Ok(None) };
            let numbers = feed.numbers();
            if watched.numbers == Some(numbers) {
                return Ok(None);
            }
            let started = Instant::now();
            let parts = feed.read(&self.registry).await?;
            let snapshot = spawn_blocking(move || parts.snapshot()).await??;
            metrics::took_in_features(started.elapsed());
            Ok::<_, super::feed::FeedError>(Some((numbers, snapshot)))
        };
        match loaded.await {
            Ok(Some((numbers, snapshot))) => {
                (watched.numbers, watched.complaint) = (Some(numbers), None);
                tracing::info!(nodes = snapshot.topology.nodes().len(), "serving a new state of the network");
                Some(Arc::new(snapshot))
            }
            Ok(None) => None,
            Err(error) => {
                let complaint = lakehouse_service::causes(&error);
                if watched.complaint.as_ref() != Some(&complaint) {
                    tracing::error!("the state of the network is not served: {complaint}; what served before goes on");
                    watched.complaint = Some(complaint);
                }
                None
            }
        }
    }

    async fn look_for_champions(&self, watched: &mut Watched) -> bool {
        let Ok(models) = self.registry.models().await else { return false };
        let mut changed = false;
        for model in models.into_iter().filter(|model| horizon_of(model).is_some()) {
            let slot = watched.slots.entry(model.clone()).or_insert_with(|| Slot::new("a champion of the network"));
            match self.registry.alias(&model, &AliasName::champion()).await {
                Ok(Some(promotion)) if !slot.is_settled(promotion.number.0) => {
                    let number = promotion.number.0;
                    changed |= slot.settle(number, Champion::load(&self.registry, promotion).await);
                }
                Ok(_) => {}
                Err(error) => slot.complain(None, &error),
            }
        }
        changed
    }
}

/// The minutes in `outage_15m`.
fn horizon_of(model: &ModelName) -> Option<u32> {
    model.as_str().strip_prefix(PREFIX)?.strip_suffix('m')?.parse().ok().filter(|minutes| *minutes > 0)
}
