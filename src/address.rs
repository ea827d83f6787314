//! What limits by address count: an IPv4 address, or the network that an IPv6 one is from.

use std::net::{IpAddr, Ipv6Addr};

/// The address to count by. Whoever has one IPv6 address has a network of them, of 64 bits, and an
/// IPv4 address that is written as an IPv6 one is the same.
pub(crate) fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn an_ipv6_network_counts_as_one_address_and_a_mapped_ipv4_address_as_itself() {
        for (address, counts_as) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::", "2001:db8:1:2::"),
        ] {
            assert_eq!(counted(address.parse().expect(address)).to_string(), counts_as);
        }
    }
}
