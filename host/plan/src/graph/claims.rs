//! Things that only one container can have at a time: what steps take and release of them.
//!
//! A claim is held by a *holder* (an opaque key: the builder never looks into it). A step that takes a claim comes after
//! every step that releases an overlapping claim of another holder.

use std::fmt;
use std::net::IpAddr;

/// A thing that only one holder can have at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// A port of the engine's host, or one of a range of them.
    Port {
        /// Address that it is published on; `None`: all addresses of both families.
        address: Option<IpAddr>,
        /// `tcp`, `udp` or `sctp`.
        protocol: String,
        /// First port of the range.
        first: u16,
        /// Last port of the range, included; equal to `first` for a single port.
        last: u16,
    },
    /// A static address in a network.
    Address {
        /// Engine name of the network.
        network: String,
        /// The address.
        address: IpAddr,
    },
    /// A container's name. It is held by containers that do not run, too.
    Name(String),
    /// The data in a volume of a container that goes for good: who comes in its place must not write beside it. Services
    /// that share a volume on purpose do not claim it.
    Volume(String),
    /// The data of one replica, whichever volumes it writes: its old and its new container never run at once.
    Replica {
        /// Service.
        service: String,
        /// Number of the replica, from 1.
        number: u32,
    },
}

/// A claim and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What is held.
    pub claim: Claim,
    /// Who holds it: a key that is the same in all steps about one container.
    pub holder: String,
    /// Holders of one kin (a service) share a range of ports: the engine gives each of them one that is free.
    pub kin: String,
    /// For a person: the holder's name.
    pub name: String,
}

impl Held {
    /// Both cannot be had at once.
    #[must_use]
    pub fn excludes(&self, other: &Self) -> bool {
        let shared = self.kin == other.kin && (self.claim.is_range() || other.claim.is_range());
        self.holder != other.holder && !shared && self.claim.overlaps(&other.claim)
    }
}

impl Claim {
    const fn is_range(&self) -> bool {
        matches!(self, Self::Port { first, last, .. } if *first < *last)
    }

    /// Having the one means that nobody else can have the other.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Port { address, protocol, first, last },
                Self::Port { address: other, protocol: of, first: from, last: to },
            ) => protocol == of && first <= to && from <= last && meet(*address, *other),
            (Self::Port { .. }, _) | (_, Self::Port { .. }) => false,
            (one, other) => one == other,
        }
    }
}

/// A socket on an unspecified address takes the port on every address of its family.
fn meet(one: Option<IpAddr>, other: Option<IpAddr>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return true };
    let (one, other) = (one.to_canonical(), other.to_canonical());
    one.is_ipv4() == other.is_ipv4() && (one == other || one.is_unspecified() || other.is_unspecified())
}

impl fmt::Display for Claim {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port { address, protocol, first, last } => {
                formatter.write_str("port ")?;
                match address {
                    Some(IpAddr::V6(address)) => write!(formatter, "[{address}]:")?,
                    Some(address) if !address.is_unspecified() => write!(formatter, "{address}:")?,
                    _ => {}
                }
                write!(formatter, "{first}")?;
                if first < last {
                    write!(formatter, "-{last}")?;
                }
                if protocol == "tcp" { Ok(()) } else { write!(formatter, "/{protocol}") }
            }
            Self::Address { network, address } => write!(formatter, "address {address} in network {network}"),
            Self::Name(name) => write!(formatter, "container name {name}"),
            Self::Volume(name) => write!(formatter, "volume {name}"),
            Self::Replica { service, number } => write!(formatter, "data of {service}, replica {number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(address: &str, first: u16, last: u16) -> Claim {
        let address = (!address.is_empty()).then(|| address.parse().expect("an address"));
        Claim::Port { address, protocol: "tcp".to_owned(), first, last }
    }

    fn held(claim: Claim, holder: &str, kin: &str) -> Held {
        Held { claim, holder: holder.to_owned(), kin: kin.to_owned(), name: holder.to_owned() }
    }

    #[test]
    fn ports_meet_on_the_same_address_and_on_unspecified_ones_of_their_family() {
        let meets = |one: &Claim, other: &Claim| {
            assert_eq!(one.overlaps(other), other.overlaps(one));
            one.overlaps(other)
        };
        assert!(meets(&port("", 80, 80), &port("127.0.0.1", 80, 80)));
        assert!(meets(&port("", 80, 80), &port("::1", 80, 80)));
        assert!(meets(&port("0.0.0.0", 80, 80), &port("10.0.0.1", 80, 80)));
        assert!(!meets(&port("0.0.0.0", 80, 80), &port("::1", 80, 80)));
        assert!(!meets(&port("127.0.0.1", 80, 80), &port("10.0.0.1", 80, 80)));
        assert!(meets(&port("127.0.0.1", 80, 80), &port("::ffff:127.0.0.1", 80, 80)));
        assert!(!meets(&port("", 80, 80), &port("", 81, 81)));
        assert!(meets(&port("", 80, 90), &port("", 90, 95)));
        let udp = Claim::Port { address: None, protocol: "udp".to_owned(), first: 80, last: 80 };
        assert!(!meets(&port("", 80, 80), &udp));
    }

    #[test]
    fn a_claim_is_named_as_a_user_would_write_it() {
        let udp = Claim::Port { address: None, protocol: "udp".to_owned(), first: 53, last: 53 };
        for (claim, words) in [
            (port("", 80, 80), "port 80"),
            (port("0.0.0.0", 80, 80), "port 80"),
            (port("127.0.0.1", 80, 90), "port 127.0.0.1:80-90"),
            (port("::1", 80, 80), "port [::1]:80"),
            (udp, "port 53/udp"),
            (Claim::Name("site".to_owned()), "container name site"),
        ] {
            assert_eq!(claim.to_string(), words);
        }
    }

    #[test]
    fn a_range_is_shared_among_its_service_and_nothing_excludes_itself() {
        let range = || port("", 8000, 8010);
        assert!(!held(range(), "a", "web").excludes(&held(port("0.0.0.0", 8001, 8001), "b", "web")));
        assert!(held(range(), "a", "web").excludes(&held(port("0.0.0.0", 8001, 8001), "b", "db")));
        assert!(held(port("", 80, 80), "a", "web").excludes(&held(port("", 80, 80), "b", "web")));
        assert!(!held(port("", 80, 80), "a", "web").excludes(&held(port("", 80, 80), "a", "web")));
    }
}
