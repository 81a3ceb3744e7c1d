//! What reaches Pods: Services, Ingresses, NetworkPolicies.

use std::net::IpAddr;

use notation::field::{At, FieldErrors};
use notation::{names, network};
use serde_json::{Value, json};

use super::super::get::{self, Fields};

/// What is wrong with a Service.
pub(super) fn service(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let type_ = get::text(spec, "type");
    let is_headless = get::text(spec, "clusterIP") == "None";
    let count = get::items(spec, "ports").len();
    if count == 0 && !is_headless && type_ != "ExternalName" {
        errors.required(&at.field("ports"), "");
    }
    match type_ {
        "LoadBalancer" | "NodePort" if is_headless => {
            let ips = at.field("clusterIPs");
            errors.invalid(&ips.item(0), &json!("None"), &format!("may not be set to 'None' for {type_} services"));
        }
        "ExternalName" => {
            let name = get::text(spec, "externalName").trim_end_matches('.');
            if name.is_empty() {
                errors.required(&at.field("externalName"), "");
            } else {
                errors.invalid_each(&at.field("externalName"), name, names::dns_subdomain(name));
            }
            for name in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
                if get::value(spec, &[name]).is_some() {
                    errors.forbidden(&at.field(name), "may not be set for ExternalName services");
                }
            }
        }
        _ => {}
    }
    let ip = get::text(spec, "clusterIP");
    if !matches!(ip, "" | "None") && ip.parse::<IpAddr>().is_err() {
        let ips = at.field("clusterIPs");
        errors.invalid(&ips.item(0), &json!(ip), "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }
    ports(spec, type_, &at, errors);
    if type_ != "LoadBalancer" {
        if get::value(spec, &["allocateLoadBalancerNodePorts"]).is_some() {
            errors.forbidden(
                &at.field("allocateLoadBalancerNodePorts"),
                "may only be used when `type` is 'LoadBalancer'",
            );
        }
        if !get::items(spec, "loadBalancerSourceRanges").is_empty() {
            errors.forbidden(&at.field("LoadBalancerSourceRanges"), "may only be used when `type` is 'LoadBalancer'");
        }
        if get::value(spec, &["loadBalancerClass"]).is_some() {
            errors.forbidden(&at.field("loadBalancerClass"), "may only be used when `type` is 'LoadBalancer'");
        }
    }
    let is_external = matches!(type_, "NodePort" | "LoadBalancer") || !get::items(spec, "externalIPs").is_empty();
    match get::text(spec, "externalTrafficPolicy") {
        "" => {}
        policy if !is_external => {
            let detail = "may only be set for externally-accessible services";
            errors.invalid(&at.field("externalTrafficPolicy"), &json!(policy), detail);
        }
        "Cluster" | "Local" => {}
        policy => errors.unsupported(&at.field("externalTrafficPolicy"), &json!(policy), ["Cluster", "Local"]),
    }
}

fn ports(spec: &Fields, type_: &str, at: &At<'_>, errors: &mut FieldErrors) {
    let list = at.field("ports");
    let count = get::items(spec, "ports").len();
    let (mut known, mut node_ports, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for (index, port) in get::structs(spec, "ports") {
        let at = list.item(index);
        let name = get::text(port, "name");
        if name.is_empty() && count > 1 {
            errors.required(&at.field("name"), "");
        } else if !name.is_empty() {
            errors.invalid_each(&at.field("name"), name, names::dns_label(name));
            if known.contains(&name) {
                errors.duplicate(&at.field("name"), &json!(name));
            }
            known.push(name);
        }
        if let Some(protocol) = get::value(port, &["appProtocol"]).and_then(Value::as_str) {
            errors.invalid_each(&at.field("appProtocol"), protocol, names::qualified_name(protocol));
        }
        let protocol = get::text(port, "protocol");
        let node_port = get::integer(port, "nodePort").unwrap_or_default();
        if node_port != 0 {
            if type_ == "ClusterIP" {
                errors.forbidden(&at.field("nodePort"), "may not be used when `type` is 'ClusterIP'");
            }
            if node_ports.contains(&(protocol, node_port)) {
                errors.duplicate(&at.field("nodePort"), &json!(node_port));
            }
            node_ports.push((protocol, node_port));
        }
        let number = get::integer(port, "port").unwrap_or_default();
        if numbers.contains(&(protocol, number)) {
            // It prints as upstream's own struct.
            let printed = format!(
                "{{\"Name\":\"\",\"Protocol\":{protocol:?},\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            );
            errors.duplicate_as(&at, &printed);
        }
        numbers.push((protocol, number));
    }
}

/// What is wrong with an Ingress.
pub(super) fn ingress(object: &Fields, errors: &mut FieldErrors) {
    let empty = Fields::new();
    let spec = get::map(object, "spec").unwrap_or(&empty);
    let at = At::ROOT.field("spec");
    if get::items(spec, "rules").is_empty() && get::map(spec, "defaultBackend").is_none() {
        errors.invalid(&at, &Value::Null, "either `defaultBackend` or `rules` must be specified");
    }
    if let Some(fields) = get::map(spec, "defaultBackend") {
        backend(fields, &at.field("defaultBackend"), errors);
    }
    let list = at.field("rules");
    for (index, rule) in get::structs(spec, "rules") {
        let item = list.item(index);
        let (host, place) = (get::text(rule, "host"), item.field("host"));
        if host.is_empty() {
            continue;
        }
        if host.parse::<IpAddr>().is_ok() {
            errors.invalid(&place, &json!(host), "must be a DNS name, not an IP address");
        }
        let problems = if host.contains('*') { names::wildcard_subdomain(host) } else { names::dns_subdomain(host) };
        errors.invalid_each(&place, host, problems);
    }
    let list = at.field("tls");
    for (index, tls) in get::structs(spec, "tls") {
        let item = list.item(index);
        let hosts = item.field("hosts");
        for (index, host) in
            get::items(tls, "hosts").iter().enumerate().filter_map(|(i, host)| Some((i, host.as_str()?)))
        {
            let problems =
                if host.contains('*') { names::wildcard_subdomain(host) } else { names::dns_subdomain(host) };
            errors.invalid_each(&hosts.item(index), host, problems);
        }
    }
}

/// A rule has paths.
pub(super) fn paths(rule: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    if get::items(rule, "paths").is_empty() {
        errors.required(&at.field("paths"), "");
    }
}

/// What is wrong with a path of an Ingress.
pub(super) fn path(rule: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let (path, place) = (get::text(rule, "path"), at.field("path"));
    match get::value(rule, &["pathType"]).and_then(Value::as_str) {
        None => return errors.required(&at.field("pathType"), "pathType must be specified"),
        Some("Exact" | "Prefix") => {
            if !path.starts_with('/') {
                errors.invalid(&place, &json!(path), "must be an absolute path");
            }
            for part in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|part| path.contains(**part)) {
                errors.invalid(&place, &json!(path), &format!("must not contain '{part}'"));
            }
            for end in ["/..", "/."].iter().filter(|end| path.ends_with(**end)) {
                errors.invalid(&place, &json!(path), &format!("cannot end with '{end}'"));
            }
        }
        Some("ImplementationSpecific") => {
            if !path.is_empty() && !path.starts_with('/') {
                errors.invalid(&place, &json!(path), "must be an absolute path");
            }
        }
        Some(other) => {
            errors.unsupported(&at.field("pathType"), &json!(other), ["Exact", "ImplementationSpecific", "Prefix"]);
        }
    }
    if let Some(fields) = get::map(rule, "backend") {
        backend(fields, &at.field("backend"), errors);
    }
}

/// What is wrong with where an Ingress sends requests.
fn backend(backend: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let service = match (get::map(backend, "service"), get::map(backend, "resource")) {
        (Some(_), Some(_)) => return errors.invalid(at, &json!(""), "cannot set both resource and service backends"),
        (None, None) => return errors.invalid(at, &json!(""), "resource or service backend is required"),
        (None, Some(_)) => return,
        (Some(service), None) => service,
    };
    let place = at.field("service");
    match get::text(service, "name") {
        "" => errors.required(&place.field("name"), ""),
        name => errors.invalid_each(&place.field("name"), name, names::dns_1035_label(name)),
    }
    let empty = Fields::new();
    let port = get::map(service, "port").unwrap_or(&empty);
    let ports = place.field("port");
    match (get::text(port, "name"), get::integer(port, "number").unwrap_or_default()) {
        ("", 0) => errors.required(at, "port name or number is required"),
        ("", number) if !(1..=65535).contains(&number) => {
            errors.invalid(&ports.field("number"), &json!(number), "must be between 1 and 65535, inclusive");
        }
        ("", _) => {}
        (name, 0) => errors.invalid_each(&ports.field("name"), name, names::port_name(name)),
        _ => errors.invalid(at, &json!(""), "cannot set both port name & port number"),
    }
}

/// What is wrong with a NetworkPolicy.
pub(super) fn policy(object: &Fields, errors: &mut FieldErrors) {
    let Some(spec) = get::map(object, "spec") else { return };
    let at = At::ROOT.field("spec");
    let types = at.field("policyTypes");
    for (index, type_) in get::items(spec, "policyTypes").iter().enumerate() {
        if !matches!(type_.as_str(), Some("Ingress" | "Egress")) {
            errors.unsupported(&types.item(index), type_, ["Ingress", "Egress"]);
        }
    }
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let list = at.field(direction);
        for (index, rule) in get::structs(spec, direction) {
            let rule_at = list.item(index);
            let peers_at = rule_at.field(peers);
            for (index, peer) in get::structs(rule, peers) {
                peer_problems(peer, &peers_at.item(index), errors);
            }
        }
    }
}

fn peer_problems(peer: &Fields, at: &At<'_>, errors: &mut FieldErrors) {
    let has_selector = ["podSelector", "namespaceSelector"].iter().any(|name| get::map(peer, name).is_some());
    match get::map(peer, "ipBlock") {
        None if !has_selector => errors.required(at, "must specify a peer"),
        Some(_) if has_selector => errors.forbidden(at, "may not specify both ipBlock and another peer"),
        Some(block) => match get::text(block, "cidr") {
            "" => errors.required(&at.field("ipBlock").field("cidr"), ""),
            cidr if !network::is_cidr(cidr) => {
                let detail = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
                errors.invalid(&at.field("ipBlock").field("cidr"), &json!(cidr), detail);
            }
            _ => {}
        },
        None => {}
    }
}
