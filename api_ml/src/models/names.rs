//! What this service asks the registry for.

use lakehouse_registry::{AliasName, OnlineName};
use lakehouse_spec::{DomainName, InvalidName, ModelName};

/// Names, parsed once.
#[derive(Debug)]
pub struct Names {
    /// The model of requests without a card.
    pub plain: ModelName,
    /// The model of requests with a card.
    pub card: ModelName,
    /// The alias that serves.
    pub champion: AliasName,
    /// The domain of the live signals.
    pub domain: DomainName,
    /// The live signals.
    pub signals: OnlineName,
}

impl Names {
    /// The names of the fraud domain.
    pub fn new() -> Result<Self, InvalidName> {
        Ok(Self {
            plain: "fraud".parse()?,
            card: "fraud_card".parse()?,
            champion: AliasName::champion(),
            domain: "fraud".parse()?,
            signals: "transactions".parse()?,
        })
    }
}
