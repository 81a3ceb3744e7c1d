//! What the server hands out: cluster IPs, node ports, uids, the ends of generated names.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Map, Value};

use crate::resource::Allocate;

/// `10.0.0.0/16`, of which the first is the API server's own Service.
const FIRST_IP: u32 = 0x0a00_0001;
const LAST_IP: u32 = 0x0a00_fffe;
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30000..=32767;
/// The first IP and port that are handed out to who asks for any: those below are left to who asks for one by number.
const FIRST_ANY_IP: u32 = FIRST_IP + 256;
const FIRST_ANY_PORT: u16 = 30086;
/// Letters that make no words and are not mistaken for each other.
const SUFFIX: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// What has been handed out and not come back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allocator {
    ips: BTreeSet<u32>,
    ports: BTreeSet<u16>,
    next_ip: u32,
    next_port: u16,
}

impl Allocator {
    /// Takes what a Service has, or gives it back.
    pub(crate) fn note(&mut self, service: &Map<String, Value>, taken: bool) {
        let Some(spec) = service.get("spec") else { return };
        let ip = spec.get("clusterIP").and_then(Value::as_str).and_then(|ip| ip.parse::<Ipv4Addr>().ok());
        if let Some(ip) = ip.map(u32::from) {
            if taken {
                self.ips.insert(ip)
            } else {
                self.ips.remove(&ip)
            };
        }
        let ports = spec.get("ports").and_then(Value::as_array).into_iter().flatten();
        let ports = ports.filter_map(|port| port.get("nodePort")).chain(spec.get("healthCheckNodePort"));
        for port in ports.filter_map(Value::as_u64).filter_map(|port| u16::try_from(port).ok()).filter(|p| *p != 0) {
            if taken {
                self.ports.insert(port)
            } else {
                self.ports.remove(&port)
            };
        }
    }
}

impl Allocator {
    /// Takes over what was tried on a copy, now that the Service is kept: what it has is taken, and nothing else.
    pub(crate) fn take(&mut self, tried: &Self, old: Option<&Map<String, Value>>, new: &Map<String, Value>) {
        self.next_ip = tried.next_ip;
        self.next_port = tried.next_port;
        if let Some(old) = old {
            self.note(old, false);
        }
        self.note(new, true);
    }
}

impl Allocate for Allocator {
    fn cluster_ip(&mut self) -> String {
        let mut ip = self.next_ip.clamp(FIRST_ANY_IP, LAST_IP);
        while self.ips.contains(&ip) && self.ips.len() < (LAST_IP - FIRST_IP) as usize {
            ip = if ip == LAST_IP { FIRST_IP + 1 } else { ip + 1 };
        }
        self.ips.insert(ip);
        self.next_ip = ip + 1;
        Ipv4Addr::from(ip).to_string()
    }

    fn take_cluster_ip(&mut self, ip: &str) -> bool {
        let ip = ip.parse::<Ipv4Addr>().map(u32::from);
        ip.is_ok_and(|ip| (FIRST_IP..=LAST_IP).contains(&ip) && self.ips.insert(ip))
    }

    fn node_port(&mut self) -> u16 {
        let mut port = self.next_port.clamp(FIRST_ANY_PORT, *NODE_PORTS.end());
        while self.ports.contains(&port) && self.ports.len() < NODE_PORTS.len() {
            port = if port == *NODE_PORTS.end() { *NODE_PORTS.start() } else { port + 1 };
        }
        self.ports.insert(port);
        self.next_port = port + 1;
        port
    }

    fn take_node_port(&mut self, port: u16) -> bool {
        NODE_PORTS.contains(&port) && self.ports.insert(port)
    }

    fn suffix(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(SUFFIX[fastrand::usize(..SUFFIX.len())])).collect()
    }

    fn uid(&mut self) -> String {
        uid()
    }
}

/// A new random UUID.
pub(crate) fn uid() -> String {
    // Version 4, variant 1.
    let random = fastrand::u128(..);
    let bits = (random & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uids_are_version_4() {
        let uid = uid();
        assert_eq!(uid.len(), 36);
        assert_eq!(uid.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&uid.as_bytes()[19]));
    }

    #[test]
    fn what_is_taken_is_not_handed_out() {
        let mut allocator = Allocator::default();
        assert!(allocator.take_cluster_ip("10.0.0.2"));
        assert!(!allocator.take_cluster_ip("10.0.0.2"));
        assert!(!allocator.take_cluster_ip("192.168.0.1"), "outside of the range");
        assert_eq!(allocator.cluster_ip(), "10.0.1.1");
        assert!(allocator.take_node_port(30086));
        assert_eq!(allocator.node_port(), 30087, "lower ones are left to who asks for them");
        assert!(!allocator.take_node_port(80));
        let service = serde_json::json!({ "spec": { "clusterIP": "10.0.1.1", "ports": [{ "nodePort": 30087 }] } });
        allocator.note(service.as_object().unwrap(), false);
        assert!(allocator.take_cluster_ip("10.0.1.1"));
        assert!(allocator.take_node_port(30087));
    }
}
