//! The sources that take pushed rows.

use std::collections::BTreeMap;

use lakehouse_landing::{Inbox, Landing};
use lakehouse_spec::{Domain, DomainName, SourceContract, SourceMode, SourceName};

/// A source that takes pushed rows.
pub struct Door {
    pub contract: SourceContract,
    pub inbox: Inbox,
}

/// Every source, by domain and name.
pub struct Doors {
    landing: Landing,
    contracts: BTreeMap<(DomainName, SourceName), SourceContract>,
}

/// Why a source does not take rows.
pub enum Closed {
    /// There is no such source.
    Unknown,
    /// Each of its batches replaces the one before.
    Snapshot,
}

impl Doors {
    pub fn new(landing: Landing, domains: Vec<Domain>) -> Self {
        let of_domain = |domain: Domain| {
            let name = domain.name;
            domain.sources.into_iter().map(move |(source, contract)| ((name.clone(), source), contract))
        };
        Self { landing, contracts: domains.into_iter().flat_map(of_domain).collect() }
    }

    pub fn landing(&self) -> &Landing {
        &self.landing
    }

    pub fn open(&self, domain: &DomainName, source: &SourceName) -> Result<Door, Closed> {
        match self.contracts.get(&(domain.clone(), source.clone())) {
            None => Err(Closed::Unknown),
            Some(contract) if contract.mode == SourceMode::Snapshot => Err(Closed::Snapshot),
            Some(contract) => Ok(Door { contract: contract.clone(), inbox: self.landing.inbox(domain, source) }),
        }
    }
}
