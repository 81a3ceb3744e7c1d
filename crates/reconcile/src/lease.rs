//! Leadership: of all processes that ask for a lease, one has it.
//!
//! The protocol is client-go's, on the same Lease objects, so that an upstream controller and ours exclude each other.
//! A holder is trusted until it has not renewed for a whole lease duration *as seen by our own clock*: clocks of other
//! machines are never compared.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease as KubernetesLease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long things take in an election (upstream's flags and defaults).
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// A holder that has not renewed for this long has lost the lease.
    pub duration: Duration,
    /// A holder that could not renew for this long gives up.
    pub deadline: Duration,
    /// How often the lease is renewed, or asked for.
    pub retry: Duration,
    /// Whether a holder that ends gives the lease back.
    pub release: bool,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(35),
            deadline: Duration::from_secs(30),
            retry: Duration::from_secs(5),
            release: true,
        }
    }
}

/// A candidate for one lease.
#[derive(Debug, Clone)]
pub struct Candidate {
    leases: Api<KubernetesLease>,
    name: String,
    identity: String,
    timing: Timing,
}

/// What was last seen of the lease, and when by our clock.
#[derive(Debug)]
struct Seen {
    resource_version: Option<String>,
    at: Instant,
}

impl Candidate {
    /// Makes a candidate. `identity` must differ between processes.
    pub fn new(client: Client, namespace: &str, name: &str, identity: String, timing: Timing) -> Self {
        Self { leases: Api::namespaced(client, namespace), name: name.to_owned(), identity, timing }
    }

    /// Waits until this process has the lease. Returns false when `stop` fired first.
    pub async fn acquire(&self, stop: &CancellationToken) -> bool {
        let mut seen = None;
        loop {
            let tried = tokio::select! {
                tried = self.try_acquire(&mut seen) => tried,
                () = stop.cancelled() => return false,
            };
            match tried {
                Ok(true) => return true,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, lease = self.name, "lease not acquired"),
            }
            tokio::select! {
                () = sleep(self.timing.retry) => {}
                () = stop.cancelled() => return false,
            }
        }
    }

    /// Renews the lease until `stop` fires (then gives it back) or it is lost. Returns true when it was given back.
    pub async fn hold(&self, stop: &CancellationToken) -> bool {
        let mut renewed = Instant::now();
        loop {
            tokio::select! {
                () = sleep(self.timing.retry) => {}
                () = stop.cancelled() => {
                    if self.timing.release
                        && let Err(error) = self.give_back().await
                    {
                        tracing::warn!(%error, lease = self.name, "lease not given back");
                    }
                    return true;
                }
            }
            match timeout(self.timing.retry, self.renew()).await {
                Ok(Ok(true)) => renewed = Instant::now(),
                Ok(Ok(false)) => return false,
                Ok(Err(error)) => tracing::warn!(%error, lease = self.name, "lease not renewed"),
                Err(_) => tracing::warn!(lease = self.name, "lease not renewed: the API server does not answer"),
            }
            if renewed.elapsed() >= self.timing.deadline {
                return false;
            }
        }
    }

    async fn try_acquire(&self, seen: &mut Option<Seen>) -> Result<bool, kube::Error> {
        let Some(mut lease) = self.leases.get_opt(&self.name).await? else {
            let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
            let lease = KubernetesLease { metadata, spec: Some(self.spec(None)) };
            return refused_is_false(self.leases.create(&PostParams::default(), &lease).await);
        };
        let spec = lease.spec.clone().unwrap_or_default();
        let holder = spec.holder_identity.as_deref().unwrap_or_default();
        if !holder.is_empty() && holder != self.identity {
            let resource_version = lease.metadata.resource_version.clone();
            if seen.as_ref().is_none_or(|seen| seen.resource_version != resource_version) {
                *seen = Some(Seen { resource_version, at: Instant::now() });
            }
            let trusted = spec.lease_duration_seconds.and_then(|s| u64::try_from(s).ok()).map(Duration::from_secs);
            let trusted = trusted.unwrap_or(self.timing.duration);
            if seen.as_ref().is_some_and(|seen| seen.at.elapsed() < trusted) {
                return Ok(false);
            }
        }
        lease.spec = Some(self.spec(Some(spec)));
        refused_is_false(self.leases.replace(&self.name, &PostParams::default(), &lease).await)
    }

    /// Returns false when somebody else has the lease.
    async fn renew(&self) -> Result<bool, kube::Error> {
        let mut lease = self.leases.get(&self.name).await?;
        let spec = lease.spec.clone().unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            return Ok(false);
        }
        lease.spec = Some(self.spec(Some(spec)));
        // A conflict is no loss: the next attempt reads who wrote.
        self.leases.replace(&self.name, &PostParams::default(), &lease).await.map(|_| true)
    }

    async fn give_back(&self) -> Result<(), kube::Error> {
        let mut lease = self.leases.get(&self.name).await?;
        if let Some(spec) = &mut lease.spec
            && spec.holder_identity.as_deref() == Some(&self.identity)
        {
            spec.holder_identity = Some(String::new());
            spec.lease_duration_seconds = Some(1);
            self.leases.replace(&self.name, &PostParams::default(), &lease).await?;
        }
        Ok(())
    }

    fn spec(&self, before: Option<LeaseSpec>) -> LeaseSpec {
        let now = MicroTime(Timestamp::now());
        let mut spec = before.unwrap_or_default();
        if spec.holder_identity.as_deref() != Some(&self.identity) {
            spec.lease_transitions = Some(spec.lease_transitions.map_or(0, |count| count.saturating_add(1)));
            spec.acquire_time = Some(now.clone());
            spec.holder_identity = Some(self.identity.clone());
        }
        spec.renew_time = Some(now);
        spec.lease_duration_seconds = Some(i32::try_from(self.timing.duration.as_secs()).unwrap_or(i32::MAX));
        spec
    }
}

/// A conflict means that another candidate was faster.
fn refused_is_false<T>(result: Result<T, kube::Error>) -> Result<bool, kube::Error> {
    match result {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
