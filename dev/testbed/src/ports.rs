//! Free ports on loopback, taken from the kernel.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// Finds `N` ports on which nobody listens.
///
/// They are held together and let go together, so they differ. Somebody else may take one before the server does: the
/// caller starts again then.
///
/// # Errors
/// The kernel has no port left.
pub fn free<const N: usize>() -> std::io::Result<[u16; N]> {
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn ports_differ() {
        let ports: [u16; 20] = super::free().unwrap();
        assert_eq!(ports.iter().collect::<BTreeSet<_>>().len(), 20);
    }
}
