//! Looking for new champions and states, and putting them in place of the old ones.
//!
//! The newest loadable version and state are kept apart from what serves. A version that asks for signals the state does not
//! have is not served, but stays at hand: the state that has them may come with the next look, and the other way round.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use lakehouse_registry::{AliasName, Registry};
use lakehouse_spec::ModelName;
use tokio::{
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{Champion, Names, refusal::LoadError, slot::Slot};
use crate::scoring::{BindError, CardTeam, OnlineSignals, Recorder, Scorer, Serving, Team};

/// How often the registry is looked at.
const PAUSE: Duration = Duration::from_secs(2);

/// Keeps what is served up to date with the registry.
#[derive(Debug)]
pub struct Watcher {
    registry: Registry,
    names: Arc<Names>,
    serving: Arc<ArcSwap<Serving>>,
    recorder: Arc<Recorder>,
    canary_percent: u8,
    plain: Candidates,
    card: Candidates,
    signals: Slot<OnlineSignals>,
}

/// The newest usable versions of a model.
#[derive(Debug)]
struct Candidates {
    model: ModelName,
    champion: Slot<Champion>,
    challenger: Slot<Champion>,
}

impl Watcher {
    pub(crate) fn new(
        registry: Registry,
        names: Arc<Names>,
        serving: Arc<ArcSwap<Serving>>,
        recorder: Arc<Recorder>,
        canary_percent: u8,
    ) -> Self {
        let plain = Candidates {
            model: names.plain.clone(),
            champion: Slot::new("the champion of `fraud`"),
            challenger: Slot::new("the challenger of `fraud`"),
        };
        let card = Candidates {
            model: names.card.clone(),
            champion: Slot::new("the champion of `fraud_card`"),
            challenger: Slot::new("the challenger of `fraud_card`"),
        };
        let signals = Slot::new("the state of the signals `fraud.transactions`");
        Self { registry, names, serving, recorder, canary_percent, plain, card, signals }
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
        if self.plain.look(&self.registry).await {
            // Before the signals are read: they may be large.
            self.serve_plain();
        }
        let card = self.card.look(&self.registry).await;
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
        let Some(newest) = self.plain.champion.value() else { return };
        let (newest, number) = (Arc::clone(newest), newest.promotion.number.0);
        match Scorer::bind(newest, &[]) {
            Ok(scorer) => {
                say_served(&scorer);
                let challenger = self.plain.bind_challenger(&scorer, &[]);
                let plain = Some(Arc::new(Team::new(Arc::new(scorer), challenger, self.canary_percent)));
                let card = self.serving.load().card.clone();
                self.serving.store(Arc::new(Serving { plain, card }));
            }
            Err(error) => self.plain.champion.complain(Some(number), &error),
        }
    }

    /// Serves the newest version and state that go together.
    async fn serve_card(&mut self) {
        let now = self.serving.load_full();
        let (pair, refused) = newest_pair(self.card.champion.value(), self.signals.value(), now.card.as_deref());
        if let Some((number, error)) = refused {
            self.card.champion.complain(Some(number), &error);
        }
        let Some((scorer, signals)) = pair else { return };
        say_served(&scorer);
        let challenger = self.card.bind_challenger(&scorer, &signals.outputs);
        let is_new = now.card.as_ref().is_none_or(|card| !Arc::ptr_eq(&card.signals, &signals));
        let team = Team::new(Arc::new(scorer), challenger, self.canary_percent);
        let card = Some(Arc::new(CardTeam { team, signals: Arc::clone(&signals) }));
        let next = Arc::new(Serving { plain: now.plain.clone(), card });
        if !is_new {
            self.serving.store(next);
            return;
        }
        let (serving, recorder) = (Arc::clone(&self.serving), Arc::clone(&self.recorder));
        let work = move || {
            let replaced = recorder.replace_signals(&signals, || serving.store(next));
            // Taking a large state apart is no work for the reactor.
            drop(now);
            replaced
        };
        match spawn_blocking(work).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => self.signals.complain(None, &error),
            Err(error) => self.signals.complain(None, &error),
        }
    }
}

impl Candidates {
    /// Loads what is new, and tells whether something was.
    async fn look(&mut self, registry: &Registry) -> bool {
        let champion = look_for(registry, &self.model, &AliasName::champion(), &mut self.champion).await;
        let challenger = look_for(registry, &self.model, &AliasName::challenger(), &mut self.challenger).await;
        champion || challenger
    }

    /// The challenger, if it is another version and goes with these signals.
    fn bind_challenger(&mut self, champion: &Scorer, outputs: &[lakehouse_signals::Output]) -> Option<Arc<Scorer>> {
        let challenger = self.challenger.value()?;
        let (number, version) = (challenger.promotion.number.0, challenger.promotion.version);
        if version == champion.champion().promotion.version {
            return None;
        }
        match Scorer::bind(Arc::clone(challenger), outputs) {
            Ok(scorer) => Some(Arc::new(scorer)),
            Err(error) => {
                self.challenger.complain(Some(number), &error);
                None
            }
        }
    }
}

/// A champion, bound to signals.
type Pair = (Scorer, Arc<OnlineSignals>);

/// The newest pair that goes together; and why the two newest do not, if so, with the number of the promotion.
fn newest_pair(
    champion: Option<&Arc<Champion>>,
    signals: Option<&Arc<OnlineSignals>>,
    serving: Option<&CardTeam>,
) -> (Option<Pair>, Option<(u32, BindError)>) {
    let old = (serving.map(|card| card.team.champion.champion()), serving.map(|card| &card.signals));
    let mut refused = None;
    for pair in [(champion, signals), (old.0, signals), (champion, old.1), (old.0, old.1)] {
        let (Some(champion), Some(signals)) = pair else { continue };
        match Scorer::bind(Arc::clone(champion), &signals.outputs) {
            Ok(scorer) => return (Some((scorer, Arc::clone(signals))), refused),
            Err(error) => refused = refused.or(Some((champion.promotion.number.0, error))),
        }
    }
    (None, refused)
}

/// Loads what the alias points at if it has been moved, and tells whether it did.
async fn look_for(registry: &Registry, model: &ModelName, alias: &AliasName, slot: &mut Slot<Champion>) -> bool {
    let promotion = match registry.alias(model, alias).await {
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
