//! Names that Flux and its users share: annotations, labels, finalizer, field managers.

/// The finalizer of every kind.
pub const FINALIZER: &str = "finalizers.fluxcd.io";

/// The annotation that asks for a reconciliation; any change of its value counts.
pub const REQUESTED_AT: &str = "reconcile.fluxcd.io/requestedAt";
/// The annotation that, equal to [`REQUESTED_AT`], asks a `HelmRelease` for an upgrade whatever it thinks.
pub const FORCE_AT: &str = "reconcile.fluxcd.io/forceAt";
/// The annotation that, equal to [`REQUESTED_AT`], makes a `HelmRelease` forget its failures.
pub const RESET_AT: &str = "reconcile.fluxcd.io/resetAt";

/// Annotations of an object that begin so are copied into the metadata of its events.
pub const EVENT_PREFIX: &str = "event.toolkit.fluxcd.io/";

/// The label by which a controller is told which share of the objects is its own.
pub const SHARD: &str = "sharding.fluxcd.io/shard";
/// The label of Secrets and ConfigMaps whose changes wake the objects that refer to them, with the value [`WATCH_ENABLED`].
pub const WATCH: &str = "reconcile.fluxcd.io/watch";
/// The value of [`WATCH`].
pub const WATCH_ENABLED: &str = "Enabled";

/// The label, on whatever a Kustomization applied, of the Kustomization's name.
pub const KUSTOMIZE_NAME: &str = "kustomize.toolkit.fluxcd.io/name";
/// The label, on whatever a Kustomization applied, of the Kustomization's namespace.
pub const KUSTOMIZE_NAMESPACE: &str = "kustomize.toolkit.fluxcd.io/namespace";
/// `disabled` (as label or annotation) keeps an object out of drift correction.
pub const KUSTOMIZE_RECONCILE: &str = "kustomize.toolkit.fluxcd.io/reconcile";
/// `disabled` (as label or annotation) keeps an object from being deleted with its Kustomization.
pub const KUSTOMIZE_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
/// How an object is applied: `Override`, `Merge`, `IfNotPresent` or `Ignore`.
pub const KUSTOMIZE_SSA: &str = "kustomize.toolkit.fluxcd.io/ssa";
/// `enabled` lets an object be recreated where a field cannot be changed.
pub const KUSTOMIZE_FORCE: &str = "kustomize.toolkit.fluxcd.io/force";
/// `disabled` keeps variables in an object as they are.
pub const KUSTOMIZE_SUBSTITUTE: &str = "kustomize.toolkit.fluxcd.io/substitute";

/// The value `disabled` of the annotations above.
pub const DISABLED: &str = "disabled";
/// The value `enabled` of the annotations above.
pub const ENABLED: &str = "enabled";

/// The label of everything that belongs to an installation, with the value [`PART_OF_FLUX`].
pub const PART_OF: &str = "app.kubernetes.io/part-of";
/// The value of [`PART_OF`].
pub const PART_OF_FLUX: &str = "flux";
/// The label of the installed version.
pub const VERSION: &str = "app.kubernetes.io/version";
/// The label of the installation's namespace.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// The label of the part of the installation.
pub const COMPONENT: &str = "app.kubernetes.io/component";

/// The key of the original revision in an artifact's metadata.
pub const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";
/// The key of the original source in an artifact's metadata.
pub const ORIGIN_SOURCE: &str = "org.opencontainers.image.source";

/// The field manager under which a Kustomization's objects are applied.
pub const KUSTOMIZE_CONTROLLER: &str = "kustomize-controller";
/// The field manager of a Kustomization's own status and finalizer.
pub const GOTK_KUSTOMIZE_CONTROLLER: &str = "gotk-kustomize-controller";
/// The field manager of a source's status and finalizer.
pub const SOURCE_CONTROLLER: &str = "source-controller";
