//! What the server hands out to Services: cluster IPs and node ports.

use notation::field::{At, FieldErrors};
use serde_json::{Value, json};

use super::get::{self, Fields};
use crate::resource::Write;

/// Hands out what a Service asks for, or lets it keep what it has.
pub(super) fn allocate(write: &mut Write<'_>, old: Option<&Fields>, service: &mut Fields, errors: &mut FieldErrors) {
    let before = old.and_then(|old| get::map(old, "spec"));
    let Some(spec) = get::at_mut(service, &["spec"]) else { return };
    if get::text(spec, "sessionAffinity") == "None" {
        spec.remove("sessionAffinityConfig");
    }
    if let Some(before) = before {
        keep(spec, before);
        forget(spec, before);
    }
    let type_ = get::text(spec, "type").to_owned();
    if !matches!(type_.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
        if before.is_some() {
            release(spec);
        }
        return;
    }
    cluster_ip(write, before, spec, errors);
    let wants_node_ports = type_ == "NodePort"
        || (type_ == "LoadBalancer" && spec.get("allocateLoadBalancerNodePorts") != Some(&json!(false)));
    node_ports(write, before, spec, wants_node_ports, errors);
    if type_ == "LoadBalancer"
        && get::text(spec, "externalTrafficPolicy") == "Local"
        && get::integer(spec, "healthCheckNodePort").unwrap_or_default() == 0
    {
        spec.insert("healthCheckNodePort".to_owned(), write.allocate.node_port().into());
    }
}

/// An update that does not name what was handed out keeps it.
fn keep(spec: &mut Fields, before: &Fields) {
    let has_ip = |spec: &Fields| get::text(spec, "type") != "ExternalName";
    if has_ip(spec) && has_ip(before) {
        let (unset, same) =
            (get::text(spec, "clusterIP").is_empty(), get::text(spec, "clusterIP") == get::text(before, "clusterIP"));
        let is_list_kept = spec.get("clusterIPs") == before.get("clusterIPs");
        if !unset && !same && is_list_kept {
            // One address stands in two fields, of which people change one.
            let ip = get::text(spec, "clusterIP").to_owned();
            spec.insert("clusterIPs".to_owned(), json!([ip]));
        }
        if unset && get::items(spec, "clusterIPs").is_empty() {
            copy(spec, before, "clusterIP");
            copy(spec, before, "clusterIPs");
        } else if same && get::items(spec, "clusterIPs").is_empty() {
            copy(spec, before, "clusterIPs");
        }
        for name in ["ipFamilies", "ipFamilyPolicy"] {
            if get::value(spec, &[name]).is_none() {
                copy(spec, before, name);
            }
        }
    }
    let has_ports = |spec: &Fields| matches!(get::text(spec, "type"), "NodePort" | "LoadBalancer");
    if has_ports(spec) && has_ports(before) {
        let ports = |spec: &Fields| -> Vec<(Value, Value, Value)> {
            let key = |port: &Fields, name: &str| port.get(name).cloned().unwrap_or_default();
            get::structs(spec, "ports")
                .map(|(_, port)| (key(port, "protocol"), key(port, "port"), key(port, "nodePort")))
                .collect()
        };
        let known = ports(before);
        if let Some(Value::Array(ports)) = spec.get_mut("ports") {
            for port in ports.iter_mut().filter_map(Value::as_object_mut).filter(|port| !port.contains_key("nodePort"))
            {
                let same = known.iter().find(|(protocol, number, _)| {
                    port.get("protocol") == Some(protocol) && port.get("port") == Some(number)
                });
                if let Some((_, _, node_port)) = same.filter(|(_, _, node_port)| node_port.is_number()) {
                    port.insert("nodePort".to_owned(), node_port.clone());
                }
            }
        }
        if get::value(spec, &["healthCheckNodePort"]).is_none() && get::text(spec, "externalTrafficPolicy") == "Local" {
            copy(spec, before, "healthCheckNodePort");
        }
    }
}

/// A Service that is no longer reached from outside lets go of what it had for that, unless it names it anew.
fn forget(spec: &mut Fields, before: &Fields) {
    let is_outside = |spec: &Fields| matches!(get::text(spec, "type"), "NodePort" | "LoadBalancer");
    if is_outside(spec) || !is_outside(before) {
        return;
    }
    for name in ["externalTrafficPolicy", "healthCheckNodePort", "allocateLoadBalancerNodePorts"] {
        if spec.get(name) == before.get(name) {
            spec.remove(name);
        }
    }
    let had: Vec<&Value> = get::structs(before, "ports").filter_map(|(_, port)| port.get("nodePort")).collect();
    if let Some(Value::Array(ports)) = spec.get_mut("ports") {
        for port in ports.iter_mut().filter_map(Value::as_object_mut) {
            if port.get("nodePort").is_some_and(|port| had.contains(&port)) {
                port.remove("nodePort");
            }
        }
    }
}

fn copy(spec: &mut Fields, before: &Fields, name: &str) {
    if let Some(value) = before.get(name) {
        spec.insert(name.to_owned(), value.clone());
    }
}

/// A Service that became a name has no address.
fn release(spec: &mut Fields) {
    for name in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"] {
        spec.remove(name);
    }
}

fn cluster_ip(write: &mut Write<'_>, before: Option<&Fields>, spec: &mut Fields, errors: &mut FieldErrors) {
    let asked = match (get::text(spec, "clusterIP"), get::items(spec, "clusterIPs").first().and_then(Value::as_str)) {
        ("", Some(first)) => first.to_owned(),
        (ip, _) => ip.to_owned(),
    };
    let had = before.map(|before| get::text(before, "clusterIP")).unwrap_or_default();
    let ip = match asked.as_str() {
        "" => write.allocate.cluster_ip(),
        "None" => asked,
        ip if ip == had => asked,
        ip => {
            if ip.parse::<std::net::Ipv4Addr>().is_ok() && !write.allocate.take_cluster_ip(ip) {
                let at = At::ROOT.field("spec");
                let detail = format!("failed to allocate IP {ip}: provided IP is already allocated");
                errors.invalid(&at.field("clusterIPs"), &json!([ip]), &detail);
            }
            asked
        }
    };
    let is_unselected_headless = ip == "None" && get::map(spec, "selector").is_none();
    spec.insert("clusterIP".to_owned(), ip.clone().into());
    spec.entry("clusterIPs").or_insert_with(|| json!([ip]));
    let policy = if is_unselected_headless { "RequireDualStack" } else { "SingleStack" };
    spec.entry("ipFamilyPolicy").or_insert_with(|| policy.into());
    let families = if is_unselected_headless && get::text(spec, "ipFamilyPolicy") == "RequireDualStack" {
        json!(["IPv4", "IPv6"])
    } else {
        json!(["IPv4"])
    };
    spec.entry("ipFamilies").or_insert(families);
}

fn node_ports(
    write: &mut Write<'_>,
    before: Option<&Fields>,
    spec: &mut Fields,
    wanted: bool,
    errors: &mut FieldErrors,
) {
    let had: Vec<i64> = before
        .into_iter()
        .flat_map(|before| get::structs(before, "ports"))
        .filter_map(|(_, port)| get::integer(port, "nodePort"))
        .collect();
    let was_wanted = before.is_some_and(|before| matches!(get::text(before, "type"), "NodePort" | "LoadBalancer"));
    let is_cluster_ip = get::text(spec, "type") == "ClusterIP";
    let Some(Value::Array(ports)) = spec.get_mut("ports") else { return };
    // One number serves a port in several protocols.
    let mut given: Vec<(Value, i64)> = Vec::new();
    for (index, port) in ports.iter_mut().enumerate() {
        let Value::Object(port) = port else { continue };
        match get::integer(port, "nodePort").unwrap_or_default() {
            0 if wanted => {
                let number = port.get("port").cloned().unwrap_or_default();
                let shared = given.iter().find(|(other, _)| *other == number).map(|(_, node_port)| *node_port);
                let node_port = shared.unwrap_or_else(|| write.allocate.node_port().into());
                given.push((number, node_port));
                port.insert("nodePort".to_owned(), node_port.into());
            }
            0 => {}
            // It was handed out for a type that had node ports, and the type has none any more.
            asked if is_cluster_ip && was_wanted && had.contains(&asked) => drop(port.remove("nodePort")),
            asked if had.contains(&asked) || is_cluster_ip => {}
            asked => {
                let spec = At::ROOT.field("spec");
                let ports = spec.field("ports");
                let port = ports.item(index);
                let at = port.field("nodePort");
                match u16::try_from(asked).ok().filter(|number| (30000..=32767).contains(number)) {
                    None => errors.invalid(
                        &at,
                        &json!(asked),
                        "provided port is not in the valid range. The range of valid ports is 30000-32767",
                    ),
                    Some(number) if !write.allocate.take_node_port(number) => {
                        errors.invalid(&at, &json!(asked), "provided port is already allocated");
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
