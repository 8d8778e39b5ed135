//! Networks of addresses, as they are written: `10.0.0.0/8, 192.0.2.7, fd00::/8`.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Serialize, Serializer};

/// Some networks. None of them has any address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

/// All addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

/// What is no list of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNetworks;

impl Networks {
    /// Is the address in one of them?
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address.to_canonical()))
    }
}

impl Network {
    fn contains(self, other: IpAddr) -> bool {
        let shared = match (self.address, other) {
            (IpAddr::V4(this), IpAddr::V4(other)) => (this.to_bits() ^ other.to_bits()).leading_zeros(),
            (IpAddr::V6(this), IpAddr::V6(other)) => (this.to_bits() ^ other.to_bits()).leading_zeros(),
            _ => return false,
        };
        shared >= u32::from(self.bits)
    }
}

impl FromStr for Networks {
    type Err = NotNetworks;

    fn from_str(text: &str) -> Result<Self, NotNetworks> {
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl FromStr for Network {
    type Err = NotNetworks;

    fn from_str(text: &str) -> Result<Self, NotNetworks> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotNetworks)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| NotNetworks)?;
        if bits <= most { Ok(Self { address, bits }) } else { Err(NotNetworks) }
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, network) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}{}/{}", network.address, network.bits)?;
        }
        Ok(())
    }
}

impl Serialize for Networks {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_the_addresses_that_begin_with_their_bits() {
        let networks: Networks = "10.1.0.0/16, 192.0.2.7,fd00::/8".parse().expect("networks");
        for (address, is_in) in [
            ("10.1.255.3", true),
            ("10.2.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("::ffff:10.1.0.9", true),
        ] {
            assert_eq!(networks.contain(address.parse().expect(address)), is_in, "{address}");
        }
        assert_eq!(networks.to_string().parse(), Ok(networks));
        let nobody: Networks = "".parse().expect("nobody");
        assert!(!nobody.contain("127.0.0.1".parse().expect("an address")));
        let everybody: Networks = "0.0.0.0/0".parse().expect("everybody");
        assert!(everybody.contain("203.0.113.9".parse().expect("an address")));
        for wrong in ["proxy", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "::1/129", "10.0.0.0/-1", "10.0.0.0;10.0.0.1"] {
            assert_eq!(wrong.parse::<Networks>(), Err(NotNetworks), "{wrong}");
        }
    }
}
