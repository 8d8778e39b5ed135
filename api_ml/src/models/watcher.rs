//! Looking for new champions and states, and putting them in place of the old ones.
//!
//! The newest loadable version and state are kept apart from what serves. A version that asks for signals the state does not
//! have is not served, but stays at hand: the state that has them may come with the next look, and the other way round.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use lakehouse_registry::Registry;
use lakehouse_spec::ModelName;
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{Champion, Names, refusal::LoadError, slot::Slot};
use crate::scoring::{BindError, CardScorer, OnlineSignals, Scorer, Serving};

/// How often the registry is looked at.
const PAUSE: Duration = Duration::from_secs(2);

/// Keeps what is served up to date with the registry.
#[derive(Debug)]
pub struct Watcher {
    registry: Registry,
    names: Arc<Names>,
    serving: Arc<ArcSwap<Serving>>,
    plain: Slot<Champion>,
    card: Slot<Champion>,
    signals: Slot<OnlineSignals>,
}

impl Watcher {
    pub(crate) fn new(registry: Registry, names: Arc<Names>, serving: Arc<ArcSwap<Serving>>) -> Self {
        let (plain, card) = (Slot::new("the champion of `fraud`"), Slot::new("the champion of `fraud_card`"));
        Self { registry, names, serving, plain, card, signals: Slot::new("the state of the signals `fraud.transactions`") }
    }

    /// Looks again and again until `stop` is cancelled; `looked` is cancelled after the first look.
    pub async fn watch(mut self, looked: CancellationToken, stop: CancellationToken) {
        let mut ticks = interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            if stop.run_until_cancelled(self.look()).await.is_none() {
                return;
            }
            looked.cancel();
        }
    }

    /// Looks once: loads what is new and serves it. Never fails; what does not work is in the log.
    pub async fn look(&mut self) {
        let Self { registry, names, .. } = &*self;
        let (registry, names) = (registry.clone(), Arc::clone(names));
        let plain = look_for_champion(&registry, &names, &names.plain, &mut self.plain).await;
        if plain {
            // Before the signals are read: they may be large.
            self.serve_plain();
        }
        let card = look_for_champion(&registry, &names, &names.card, &mut self.card).await;
        let signals = self.look_for_signals().await;
        if card || signals {
            self.serve_card().await;
        }
        self.serving.load().report();
    }

    async fn look_for_signals(&mut self) -> bool {
        let Names { domain, signals: name, .. } = &*self.names;
        let latest = match self.registry.latest_online(domain, name).await {
            Ok(Some(latest)) => latest,
            Ok(None) => return false,
            Err(error) => {
                self.signals.complain(None, &error);
                return false;
            }
        };
        let number = latest.number.0;
        if self.signals.is_settled(number) {
            return false;
        }
        let load = async {
            let bytes = self.registry.read_online(&latest).await?;
            spawn_blocking(move || Ok(OnlineSignals::read(latest, &bytes)?)).await?
        };
        let loaded: Result<_, LoadError> = load.await;
        self.signals.settle(number, loaded)
    }

    fn serve_plain(&mut self) {
        let Some(newest) = self.plain.value() else { return };
        let number = newest.promotion.number.0;
        match Scorer::bind(Arc::clone(newest), &[]) {
            Ok(scorer) => {
                say_served(&scorer);
                let card = self.serving.load().card.clone();
                self.serving.store(Arc::new(Serving { plain: Some(Arc::new(scorer)), card }));
            }
            Err(error) => self.plain.complain(Some(number), &error),
        }
    }

    /// Serves the newest version and state that go together, if that is another pair than now.
    async fn serve_card(&mut self) {
        let now = self.serving.load_full();
        let (pair, refused) = newest_pair(self.card.value(), self.signals.value(), now.card.as_deref());
        if let Some((number, error)) = refused {
            self.card.complain(Some(number), &error);
        }
        let Some(pair) = pair else { return };
        say_served(pair.scorer());
        self.serving.store(Arc::new(Serving { plain: now.plain.clone(), card: Some(Arc::new(pair)) }));
        // Taking a large state apart is no work for the reactor.
        let _ = spawn_blocking(move || drop(now)).await;
    }
}

/// The newest pair that goes together, unless it is the one that serves; and why the two newest do not, if so, with the
/// number of the promotion.
fn newest_pair(
    champion: Option<&Arc<Champion>>,
    signals: Option<&Arc<OnlineSignals>>,
    serving: Option<&CardScorer>,
) -> (Option<CardScorer>, Option<(u32, BindError)>) {
    let old = (serving.map(CardScorer::champion), serving.map(CardScorer::signals));
    let mut refused = None;
    for pair in [(champion, signals), (old.0, signals), (champion, old.1)] {
        let (Some(champion), Some(signals)) = pair else { continue };
        let is_old = |old: &CardScorer| Arc::ptr_eq(old.champion(), champion) && Arc::ptr_eq(old.signals(), signals);
        if serving.is_some_and(is_old) {
            break;
        }
        match CardScorer::bind(champion, signals) {
            Ok(pair) => return (Some(pair), refused),
            Err(error) => refused = refused.or(Some((champion.promotion.number.0, error))),
        }
    }
    (None, refused)
}

/// Loads the champion if it is a new one, and tells whether it did.
async fn look_for_champion(registry: &Registry, names: &Names, model: &ModelName, slot: &mut Slot<Champion>) -> bool {
    let promotion = match registry.alias(model, &names.champion).await {
        Ok(Some(promotion)) => promotion,
        Ok(None) => return false,
        Err(error) => {
            slot.complain(None, &error);
            return false;
        }
    };
    let number = promotion.number.0;
    if slot.is_settled(number) {
        return false;
    }
    let loaded = Champion::load(registry, promotion).await;
    slot.settle(number, loaded)
}

fn say_served(scorer: &Scorer) {
    let promotion = &scorer.champion().promotion;
    let (model, version) = (&promotion.model, promotion.version);
    tracing::info!(%model, %version, "serving version {version} of `{model}`");
}
