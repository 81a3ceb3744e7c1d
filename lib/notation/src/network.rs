//! How networks are written.

use std::net::IpAddr;

/// Whether a text is an address and the length of its network, e.g. `10.9.8.0/24` or `2001:db8::/64`.
pub fn is_cidr(text: &str) -> bool {
    let Some((ip, length)) = text.split_once('/') else { return false };
    match (ip.parse::<IpAddr>(), length.parse::<u8>()) {
        (Ok(IpAddr::V4(_)), Ok(length)) => length <= 32,
        (Ok(IpAddr::V6(_)), Ok(length)) => length <= 128,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_cidr;

    #[test]
    fn a_network_is_an_address_and_a_length() {
        for text in ["10.9.8.0/24", "0.0.0.0/0", "2001:db8::/64", "::/128"] {
            assert!(is_cidr(text), "{text}");
        }
        for text in ["", "10.9.8.0", "10.9.8.0/33", "10.9.8/24", "::/129", "10.9.8.0/-1", "/24"] {
            assert!(!is_cidr(text), "{text}");
        }
    }
}
