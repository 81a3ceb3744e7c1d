//! Credentials, TLS and proxies: the only builder of HTTP clients.
