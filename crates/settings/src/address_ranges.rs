//! Ranges of addresses, as they are written: `10.0.0.0/8, 192.0.2.7, fd00::/8`.

use std::{fmt, net::IpAddr, str::FromStr};

use ipnet::IpNet;
use serde::{Serialize, Serializer};

/// Some ranges. None of them has any address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressRanges(Vec<IpNet>);

/// What is no list of ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAddressRanges;

impl AddressRanges {
    /// Is the address in one of them?
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|range| range.contains(&address))
    }
}

impl FromStr for AddressRanges {
    type Err = NotAddressRanges;

    fn from_str(text: &str) -> Result<Self, NotAddressRanges> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(range).collect::<Result<_, _>>().map(Self)
    }
}

/// A range, or a lone address.
fn range(text: &str) -> Result<IpNet, NotAddressRanges> {
    let lone = text.parse::<IpAddr>().map(IpNet::from);
    lone.or_else(|_| text.parse()).map_err(|_| NotAddressRanges)
}

impl fmt::Display for AddressRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, range) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{range}")?;
        }
        Ok(())
    }
}

impl Serialize for AddressRanges {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_the_addresses_that_begin_with_their_bits() {
        let ranges: AddressRanges = "10.1.0.0/16, 192.0.2.7,fd00::/8".parse().expect("ranges");
        for (address, is_in) in [
            ("10.1.255.3", true),
            ("10.2.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("::ffff:10.1.0.9", true),
        ] {
            assert_eq!(ranges.contain(address.parse().expect(address)), is_in, "{address}");
        }
        assert_eq!(ranges.to_string().parse(), Ok(ranges));
        let nobody: AddressRanges = "".parse().expect("nobody");
        assert!(!nobody.contain("127.0.0.1".parse().expect("an address")));
        let everybody: AddressRanges = "0.0.0.0/0".parse().expect("everybody");
        assert!(everybody.contain("203.0.113.9".parse().expect("an address")));
        for wrong in ["proxy", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::1/129", "10.0.0.0/-1", "10.0.0.0;10.0.0.1"] {
            assert_eq!(wrong.parse::<AddressRanges>(), Err(NotAddressRanges), "{wrong}");
        }
    }
}
