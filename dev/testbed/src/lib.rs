//! Real servers for tests: a control plane, Git over HTTP and SSH.
