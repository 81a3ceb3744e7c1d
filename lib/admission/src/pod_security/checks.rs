//! The checks, each with the versions from which on it is made.

use std::collections::BTreeSet;
use std::ops::Range;

use serde_json::Value;

use super::pod::{Pod, containers, items, plural, quoted, text, uses};
use super::{Level, NEWEST, Violation};

/// Something that is forbidden.
pub(super) struct Check {
    /// In which minor versions at level baseline.
    baseline: Range<u64>,
    /// In which minor versions at level restricted: where that has a stricter check of its own, not this one.
    restricted: Range<u64>,
    pub(super) find: fn(&Pod<'_>, u64) -> Option<Violation>,
}

impl Check {
    pub(super) fn applies(&self, level: Level, minor: u64) -> bool {
        match level {
            Level::Privileged => false,
            Level::Baseline => self.baseline.contains(&minor),
            Level::Restricted => self.restricted.contains(&minor),
        }
    }
}

const END: u64 = NEWEST + 1;
const ALWAYS: Range<u64> = 0..END;
const NEVER: Range<u64> = 0..0;

/// In the order in which violations are told: upstream's names of the checks of baseline by the alphabet, then those of
/// restricted.
pub(super) const CHECKS: [Check; 20] = [
    Check { baseline: ALWAYS, restricted: ALWAYS, find: app_armor_profile },
    Check { baseline: ALWAYS, restricted: 0..22, find: added_capabilities },
    Check { baseline: ALWAYS, restricted: ALWAYS, find: host_namespaces },
    Check { baseline: ALWAYS, restricted: NEVER, find: host_path_volumes },
    Check { baseline: ALWAYS, restricted: ALWAYS, find: host_ports },
    Check { baseline: 34..END, restricted: 34..END, find: probed_hosts },
    Check { baseline: ALWAYS, restricted: ALWAYS, find: privileged },
    Check { baseline: ALWAYS, restricted: 0..35, find: proc_mount_outside_of_own_users },
    Check { baseline: ALWAYS, restricted: ALWAYS, find: se_linux_options },
    Check { baseline: 0..19, restricted: 0..19, find: seccomp_annotations },
    Check { baseline: 19..END, restricted: NEVER, find: seccomp_profile },
    Check { baseline: ALWAYS, restricted: ALWAYS, find: sysctls },
    Check { baseline: ALWAYS, restricted: ALWAYS, find: host_process },
    Check { baseline: NEVER, restricted: 8..END, find: privilege_escalation },
    Check { baseline: NEVER, restricted: 22..END, find: capabilities },
    Check { baseline: NEVER, restricted: 35..END, find: proc_mount },
    Check { baseline: NEVER, restricted: ALWAYS, find: volume_types },
    Check { baseline: NEVER, restricted: ALWAYS, find: run_as_root },
    Check { baseline: NEVER, restricted: 23..END, find: run_as_user_0 },
    Check { baseline: NEVER, restricted: 19..END, find: no_seccomp_profile },
];

const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";

/// Capabilities that containers have anyway.
const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Types of SELinux, with the versions from which on they are allowed.
const SE_LINUX_TYPES: [(&str, u64); 5] =
    [("", 0), ("container_t", 0), ("container_init_t", 0), ("container_kvm_t", 0), ("container_engine_t", 31)];

/// Kernel parameters of a Pod alone, with the versions from which on they are allowed.
const SAFE_SYSCTLS: [(&str, u64); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

/// Sources of volumes that restricted allows.
pub(super) const ALLOWED_VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

/// Sources of volumes that restricted forbids, in the order in which they are looked for.
pub(super) const FORBIDDEN_VOLUMES: [&str; 21] = [
    "hostPath",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];

#[expect(clippy::unnecessary_wraps, reason = "what every check gives")]
fn violation(reason: &'static str, detail: String) -> Option<Violation> {
    Some(Violation { reason, detail })
}

fn is_since(table: &[(&str, u64)], name: &str, minor: u64) -> bool {
    table.iter().any(|(known, since)| *known == name && *since <= minor)
}

/// What of the capabilities that a container adds is not among those that it may.
fn forbidden_capabilities<'p>(container: &'p Value, allowed: &[&str]) -> Vec<&'p str> {
    let added = items(&container["securityContext"]["capabilities"]["add"]).map(text);
    added.filter(|name| !allowed.contains(name)).collect()
}

/// Containers that add capabilities that they may not, and which.
fn adding(pod: &Pod<'_>, allowed: &[&str]) -> Option<String> {
    let mut forbidden = BTreeSet::new();
    let bad = pod.containers_that(|container| {
        let added = forbidden_capabilities(container, allowed);
        forbidden.extend(added.iter().copied());
        !added.is_empty()
    });
    let what = quoted(forbidden);
    (!bad.is_empty())
        .then(|| format!("{} must not include {what} in securityContext.capabilities.add", containers(&bad)))
}

fn app_armor_profile(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut values: BTreeSet<&str> = BTreeSet::new();
    let setters = pod.contexts_that(|context| {
        let profile = &context["appArmorProfile"];
        let is_bad = !profile.is_null() && !is_usual_profile(profile);
        values.extend(is_bad.then(|| text(&profile["type"])));
        is_bad
    });
    let annotations = pod.annotations.into_iter().flatten().filter(|(key, value)| {
        let value = text(value);
        let is_allowed = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        key.starts_with(APP_ARMOR) && !is_allowed
    });
    let mut annotations: Vec<String> = annotations.map(|(key, value)| format!("{key}={:?}", text(value))).collect();
    annotations.sort();
    let count = values.len() + annotations.len();
    let noted = (!annotations.is_empty()).then(|| plural("annotation", annotations.len()));
    let who: Vec<String> = setters.names().into_iter().chain(noted).collect();
    if who.is_empty() {
        return None;
    }
    let what = quoted(values.into_iter().chain(annotations.iter().map(String::as_str)));
    let reason = if count == 1 { "forbidden AppArmor profile" } else { "forbidden AppArmor profiles" };
    violation(reason, format!("{} must not set AppArmor profile type to {what}", who.join(" and ")))
}

fn added_capabilities(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    violation("non-default capabilities", adding(pod, &DEFAULT_CAPABILITIES)?)
}

fn host_namespaces(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let shared: Vec<String> = ["hostNetwork", "hostPID", "hostIPC"]
        .into_iter()
        .filter(|name| pod.spec[*name] == true)
        .map(|name| format!("{name}=true"))
        .collect();
    if shared.is_empty() { None } else { violation("host namespaces", shared.join(", ")) }
}

fn host_path_volumes(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let volumes = items(&pod.spec["volumes"]).filter(|volume| !volume["hostPath"].is_null());
    let names: Vec<&str> = volumes.map(|volume| text(&volume["name"])).collect();
    if names.is_empty() {
        return None;
    }
    violation("hostPath volumes", format!("{} {}", plural("volume", names.len()), quoted(names)))
}

fn host_ports(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut ports = BTreeSet::new();
    let bad = pod.containers_that(|container| {
        let taken = items(&container["ports"]).filter_map(|port| port["hostPort"].as_i64()).filter(|port| *port != 0);
        let taken: Vec<String> = taken.map(|port| port.to_string()).collect();
        let is_bad = !taken.is_empty();
        ports.extend(taken);
        is_bad
    });
    if bad.is_empty() {
        return None;
    }
    let (uses, noun) = (uses(bad.len()), plural("hostPort", ports.len()));
    let ports = ports.into_iter().collect::<Vec<_>>().join(", ");
    violation("hostPort", format!("{} {uses} {noun} {ports}", containers(&bad)))
}

/// Hosts that probes and handlers of a container's life ask, other than the Pod itself.
fn probed_hosts(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut hosts = BTreeSet::new();
    let bad = pod.containers_that(|container| {
        let lifecycle = &container["lifecycle"];
        let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|name| &container[name]);
        let handlers = probes.into_iter().chain([&lifecycle["postStart"], &lifecycle["preStop"]]);
        let asked = handlers.flat_map(|one| [text(&one["httpGet"]["host"]), text(&one["tcpSocket"]["host"])]);
        let asked: Vec<&str> = asked.filter(|host| !host.is_empty()).collect();
        hosts.extend(asked.iter().copied());
        !asked.is_empty()
    });
    if bad.is_empty() {
        return None;
    }
    // Here alone they come by the alphabet.
    let bad: Vec<&str> = bad.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let (uses, noun) = (uses(bad.len()), plural("probe or lifecycle host", hosts.len()));
    violation("probe or lifecycle host", format!("{} {uses} {noun} {}", containers(&bad), quoted(hosts)))
}

fn privileged(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let bad = pod.containers_that(|container| container["securityContext"]["privileged"] == true);
    if bad.is_empty() {
        return None;
    }
    violation("privileged", format!("{} must not set securityContext.privileged=true", containers(&bad)))
}

fn proc_mount_outside_of_own_users(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 35 && pod.has_own_users() { None } else { proc_mount(pod, minor) }
}

fn proc_mount(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut types = BTreeSet::new();
    let bad = pod.containers_that(|container| {
        let mount = &container["securityContext"]["procMount"];
        let is_bad = !mount.is_null() && mount != "Default";
        types.extend(is_bad.then(|| text(mount)));
        is_bad
    });
    if bad.is_empty() {
        return None;
    }
    let what = quoted(types);
    violation("procMount", format!("{} must not set securityContext.procMount to {what}", containers(&bad)))
}

fn se_linux_options(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    let (mut types, mut user, mut role) = (BTreeSet::new(), false, false);
    let setters = pod.contexts_that(|context| {
        let options = &context["seLinuxOptions"];
        let kind = text(&options["type"]);
        let bad_type = !is_since(&SE_LINUX_TYPES, kind, minor);
        let (sets_user, sets_role) = (!text(&options["user"]).is_empty(), !text(&options["role"]).is_empty());
        types.extend(bad_type.then_some(kind));
        user |= sets_user;
        role |= sets_role;
        bad_type || sets_user || sets_role
    });
    let who = setters.names()?;
    let types = (!types.is_empty()).then(|| format!("{} {}", plural("type", types.len()), quoted(types)));
    let user = user.then(|| "user may not be set".to_owned());
    let role = role.then(|| "role may not be set".to_owned());
    let what: Vec<String> = types.into_iter().chain(user).chain(role).collect();
    violation("seLinuxOptions", format!("{who} set forbidden securityContext.seLinuxOptions: {}", what.join("; ")))
}

fn seccomp_annotations(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let containers = pod.containers().map(|container| format!("{SECCOMP_CONTAINER}{}", text(&container["name"])));
    let keys = std::iter::once(SECCOMP_POD.to_owned()).chain(containers);
    let forbidden: BTreeSet<String> = keys
        .filter_map(|key| {
            let value = text(pod.annotations?.get(&key)?);
            let is_allowed = matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
            (!is_allowed).then(|| format!("{key}={value:?}"))
        })
        .collect();
    if forbidden.is_empty() {
        return None;
    }
    let noun = plural("annotation", forbidden.len());
    let list = forbidden.into_iter().collect::<Vec<_>>().join(", ");
    violation("seccompProfile", format!("forbidden {noun} {list}"))
}

/// Whether a profile of seccomp or AppArmor is one that everybody may have.
fn is_usual_profile(profile: &Value) -> bool {
    matches!(text(&profile["type"]), "RuntimeDefault" | "Localhost")
}

fn seccomp_profile(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let mut values = BTreeSet::new();
    let setters = pod.contexts_that(|context| {
        let profile = &context["seccompProfile"];
        let is_bad = !profile.is_null() && !is_usual_profile(profile);
        values.extend(is_bad.then(|| text(&profile["type"])));
        is_bad
    });
    let (who, what) = (setters.names()?, quoted(values));
    violation("seccompProfile", format!("{who} must not set securityContext.seccompProfile.type to {what}"))
}

fn sysctls(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    let names = items(&pod.spec["securityContext"]["sysctls"]).map(|sysctl| text(&sysctl["name"]));
    let unsafe_: Vec<&str> = names.filter(|name| !is_since(&SAFE_SYSCTLS, name, minor)).collect();
    if unsafe_.is_empty() { None } else { violation("forbidden sysctls", unsafe_.join(", ")) }
}

fn host_process(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let who = pod.contexts_that(|context| context["windowsOptions"]["hostProcess"] == true).names()?;
    violation("hostProcess", format!("{who} must not set securityContext.windowsOptions.hostProcess=true"))
}

fn privilege_escalation(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 25 && pod.is_windows() {
        return None;
    }
    let bad = pod.containers_that(|container| container["securityContext"]["allowPrivilegeEscalation"] != false);
    if bad.is_empty() {
        return None;
    }
    let detail = format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&bad));
    violation("allowPrivilegeEscalation != false", detail)
}

fn capabilities(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 25 && pod.is_windows() {
        return None;
    }
    let keeping = pod.containers_that(|container| {
        !items(&container["securityContext"]["capabilities"]["drop"]).any(|dropped| dropped == "ALL")
    });
    let kept = (!keeping.is_empty())
        .then(|| format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keeping)));
    let details: Vec<String> = kept.into_iter().chain(adding(pod, &["NET_BIND_SERVICE"])).collect();
    if details.is_empty() { None } else { violation("unrestricted capabilities", details.join("; ")) }
}

fn volume_types(pod: &Pod<'_>, _: u64) -> Option<Violation> {
    let bad = items(&pod.spec["volumes"]).filter(|volume| source(volume, &ALLOWED_VOLUMES).is_none());
    let (names, types): (Vec<&str>, BTreeSet<&str>) =
        bad.map(|volume| (text(&volume["name"]), source(volume, &FORBIDDEN_VOLUMES).unwrap_or("unknown"))).unzip();
    if names.is_empty() {
        return None;
    }
    let (volumes, uses) = (plural("volume", names.len()), uses(names.len()));
    let kinds = plural("restricted volume type", types.len());
    let detail = format!("{volumes} {} {uses} {kinds} {}", quoted(names), quoted(types));
    violation("restricted volume types", detail)
}

/// The first of these sources that a volume has.
fn source(volume: &Value, known: &[&'static str]) -> Option<&'static str> {
    known.iter().find(|source| !volume[**source].is_null()).copied()
}

fn run_as_root(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    const REASON: &str = "runAsNonRoot != true";
    if minor >= 35 && pod.has_own_users() {
        return None;
    }
    let setters = pod.contexts_that(|context| context["runAsNonRoot"] == false);
    if let Some(who) = setters.names() {
        return violation(REASON, format!("{who} must not set securityContext.runAsNonRoot=false"));
    }
    let silent = silent(pod, |context| context["runAsNonRoot"] == true)?;
    violation(REASON, format!("pod or {silent} must set securityContext.runAsNonRoot=true"))
}

/// Containers that do not say what is to be said, where the Pod does not say it for them.
fn silent(pod: &Pod<'_>, says: impl Fn(&Value) -> bool) -> Option<String> {
    let silent = pod.containers_that(|container| !says(&container["securityContext"]));
    (!says(&pod.spec["securityContext"]) && !silent.is_empty()).then(|| containers(&silent))
}

fn run_as_user_0(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 35 && pod.has_own_users() {
        return None;
    }
    let who = pod.contexts_that(|context| context["runAsUser"] == 0).names()?;
    violation("runAsUser=0", format!("{who} must not set runAsUser=0"))
}

fn no_seccomp_profile(pod: &Pod<'_>, minor: u64) -> Option<Violation> {
    if minor >= 25 && pod.is_windows() {
        return None;
    }
    if let Some(violation) = seccomp_profile(pod, minor) {
        return Some(violation);
    }
    let silent = silent(pod, |context| is_usual_profile(&context["seccompProfile"]))?;
    let detail =
        format!("pod or {silent} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"");
    violation("seccompProfile", detail)
}
