//! Who answers: the champion, or for some entities its challenger; the other one scores in the shadow.

use std::sync::Arc;

use lakehouse_signals::Key;

use super::Scorer;

/// A champion and who would like to be.
#[derive(Debug, Clone)]
pub struct Team {
    pub champion: Arc<Scorer>,
    pub challenger: Option<Arc<Scorer>>,
    canary_percent: u8,
}

/// What a scorer was in a prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It answered, as the one that was promoted.
    Champion,
    /// It answered, as the challenger.
    Canary,
    /// It was only asked.
    Shadow,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Champion => "champion",
            Self::Canary => "canary",
            Self::Shadow => "shadow",
        }
    }
}

impl Team {
    pub fn new(champion: Arc<Scorer>, challenger: Option<Arc<Scorer>>, canary_percent: u8) -> Self {
        Self { champion, challenger, canary_percent }
    }

    /// Who answers for an entity, as what; then who scores in the shadow. An entity stays with one of them while the share
    /// does not change, and those of a smaller share are among those of a larger one.
    pub fn order(&self, entity: Option<Key>) -> ((&Scorer, Role), Option<&Scorer>) {
        let place = entity.map(|key| key.to_bits() % 100);
        match &self.challenger {
            Some(challenger) if place.is_some_and(|place| place < u64::from(self.canary_percent)) => {
                ((challenger, Role::Canary), Some(&self.champion))
            }
            challenger => ((&self.champion, Role::Champion), challenger.as_deref()),
        }
    }

    /// Both.
    pub fn scorers(&self) -> impl Iterator<Item = (&Scorer, Role)> {
        let challenger = self.challenger.as_deref().map(|challenger| (challenger, Role::Canary));
        [(&*self.champion, Role::Champion)].into_iter().chain(challenger)
    }
}
