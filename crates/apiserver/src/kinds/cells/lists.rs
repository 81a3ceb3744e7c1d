//! Cells that gather several values of an object: addresses, ports, references.

use serde_json::{Value, json};

use super::{Row, or_none, texts};

/// How wide the address of a load balancer may be before it is cut, when the table is narrow.
pub(super) fn function(name: &str) -> Option<fn(&Row<'_>) -> Value> {
    Some(match name {
        "endpoints" => endpoints,
        "event_age" => event_age,
        "event_object" => event_object,
        "event_source" => event_source,
        "event_count" => |row| match (row.at(".series.count"), row.at(".count").or(row.at(".deprecatedCount"))) {
            (Some(count), _) | (None, Some(count)) if count != &json!(0) => count.clone(),
            _ => json!(1),
        },
        "claimed" => |row| if row.text(".spec.volumeName").is_empty() { "".into() } else { super::text_or(row, "0") },
        "claim_status" => |row| if row.is_deleted() { "Terminating".into() } else { row.text(".status.phase").into() },
        "access_modes" => access_modes,
        "volume_claim" => |row| match row.at(".spec.claimRef") {
            Some(_) => format!("{}/{}", row.text(".spec.claimRef.namespace"), row.text(".spec.claimRef.name")).into(),
            None => "".into(),
        },
        "external_ip" => external_ip,
        "service_ports" => service_ports,
        "load_balancer" => |row| load_balancer(row).into(),
        "quota" => quota,
        "param_kind" => |row| match row.at(".spec.paramKind") {
            Some(_) => {
                format!("{}/{}", row.text(".spec.paramKind.apiVersion"), row.text(".spec.paramKind.kind")).into()
            }
            None => "<unset>".into(),
        },
        "param_ref" => |row| match (row.text(".spec.paramRef.name"), row.text(".spec.paramRef.namespace")) {
            ("", _) => "<unset>".into(),
            (name, "") => format!("*/{name}").into(),
            (name, ns) => format!("{ns}/{name}").into(),
        },
        "api_service" => |row| match row.at(".spec.service") {
            Some(_) => format!("{}/{}", row.text(".spec.service.namespace"), row.text(".spec.service.name")).into(),
            None => "Local".into(),
        },
        "api_available" => |row| {
            let available = row.items(".status.conditions").find(|one| one["type"] == "Available");
            match available {
                Some(one) if one["status"] == "True" => "True".into(),
                Some(one) => {
                    let text = |name: &str| one[name].as_str().unwrap_or_default();
                    format!("{} ({})", text("status"), text("reason")).into()
                }
                None => "Unknown".into(),
            }
        },
        "owner" => |row| {
            let owner = row.items(".metadata.ownerReferences").find(|one| one["controller"] == true);
            let Some(owner) = owner else { return "<none>".into() };
            let text = |name: &str| owner[name].as_str().unwrap_or_default();
            let kind = text("kind").to_lowercase();
            match text("apiVersion").split_once('/') {
                Some((group, _)) => format!("{kind}.{group}/{}", text("name")).into(),
                None => format!("{kind}/{}", text("name")).into(),
            }
        },
        "missing_level" => missing_level,
        "scale_target" => {
            |row| format!("{}/{}", row.text(".spec.scaleTargetRef.kind"), row.text(".spec.scaleTargetRef.name")).into()
        }
        "scale_metrics" => scale_metrics,
        "request_condition" => request_condition,
        "slice_ports" => |row| {
            let port = |one: &Value| match (&one["port"], one["name"].as_str()) {
                (Value::Number(number), _) => number.to_string(),
                (_, Some(name)) => name.to_owned(),
                _ => "*".to_owned(),
            };
            first_of(&row.items(".ports").map(port).collect::<Vec<_>>()).into()
        },
        "slice_endpoints" => |row| {
            let addresses = row.items(".endpoints").flat_map(|one| texts(one.get("addresses")));
            first_of(&addresses.map(str::to_owned).collect::<Vec<_>>()).into()
        },
        "class_parameters" => |row| {
            let Some(parameters) = row.at(".spec.parameters") else { return "<none>".into() };
            let text = |name: &str| parameters[name].as_str().unwrap_or_default();
            match text("apiGroup") {
                "" => format!("{}/{}", text("kind"), text("name")).into(),
                group => format!("{}.{group}/{}", text("kind"), text("name")).into(),
            }
        },
        "ingress_hosts" => ingress_hosts,
        "ingress_ports" => |row| if row.items(".spec.tls").next().is_some() { "80, 443".into() } else { "80".into() },
        "parent_ref" => parent_ref,
        "role_ref" => |row| format!("{}/{}", row.text(".roleRef.kind"), row.text(".roleRef.name")).into(),
        "subjects" => subjects,
        "token_requests" => |row| match row.at(".spec.tokenRequests") {
            Some(_) => {
                let audiences =
                    row.items(".spec.tokenRequests").map(|one| one["audience"].as_str().unwrap_or_default());
                audiences.collect::<Vec<_>>().join(",").into()
            }
            None => "<unset>".into(),
        },
        "provisioner" => |row| row.text(".provisioner").into(),
        _ => return None,
    })
}

/// The first three, and how many more there are.
fn first_of(list: &[String]) -> String {
    let count = list.len();
    match list.get(..3) {
        _ if list.is_empty() => "<unset>".to_owned(),
        Some(first) if count > 3 => format!("{} + {} more...", first.join(","), count - 3),
        _ => list.join(","),
    }
}

fn endpoints(row: &Row<'_>) -> Value {
    let mut list = Vec::new();
    for subset in row.items(".subsets") {
        let addresses = || subset["addresses"].as_array().into_iter().flatten().filter_map(|one| one["ip"].as_str());
        match subset["ports"].as_array().filter(|ports| !ports.is_empty()) {
            None => list.extend(addresses().map(str::to_owned)),
            Some(ports) => {
                for port in ports {
                    list.extend(addresses().map(|ip| {
                        if ip.contains(':') {
                            format!("[{ip}]:{}", port["port"])
                        } else {
                            format!("{ip}:{}", port["port"])
                        }
                    }));
                }
            }
        }
    }
    if row.items(".subsets").next().is_none() {
        return "<none>".into();
    }
    if list.is_empty() { "".into() } else { first_of(&list).into() }
}

fn event_age(row: &Row<'_>) -> Value {
    let time = |names: [&str; 2]| names.iter().find_map(|name| row.at(name));
    let first = time([".firstTimestamp", ".deprecatedFirstTimestamp"]).or(row.at(".eventTime"));
    let last = row.at(".series.lastObservedTime").or(time([".lastTimestamp", ".deprecatedLastTimestamp"])).or(first);
    row.since(if row.argument(0) == "first" { first } else { last }).into()
}

fn event_object(row: &Row<'_>) -> Value {
    let object = row.at(".involvedObject").or(row.at(".regarding")).cloned().unwrap_or_default();
    let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
    match object["name"].as_str() {
        Some(name) if !name.is_empty() => format!("{kind}/{name}").into(),
        _ => kind.into(),
    }
}

fn event_source(row: &Row<'_>) -> Value {
    let first = |paths: [&str; 4]| {
        paths.into_iter().map(|path| row.text(path)).find(|text| !text.is_empty()).unwrap_or_default()
    };
    let component =
        first([".source.component", ".deprecatedSource.component", ".reportingComponent", ".reportingController"]);
    let host = first([".source.host", ".deprecatedSource.host", ".reportingInstance", ""]);
    if host.is_empty() { component.into() } else { format!("{component}, {host}").into() }
}

fn access_modes(row: &Row<'_>) -> Value {
    // A claim shows its modes once it is bound.
    if row.argument(0).starts_with(".status") && row.text(".spec.volumeName").is_empty() {
        return "".into();
    }
    let short =
        [("ReadWriteOnce", "RWO"), ("ReadOnlyMany", "ROX"), ("ReadWriteMany", "RWX"), ("ReadWriteOncePod", "RWOP")];
    let modes = texts(row.value(0));
    let shown: Vec<&str> = short.iter().filter(|(mode, _)| modes.contains(mode)).map(|(_, short)| *short).collect();
    shown.join(",").into()
}

fn load_balancer(row: &Row<'_>) -> String {
    let address = |one: &Value| {
        let text = |name: &str| one[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        text("ip").or(text("hostname"))
    };
    let mut addresses: Vec<String> = row.items(".status.loadBalancer.ingress").filter_map(address).collect();
    addresses.sort();
    addresses.dedup();
    addresses.join(",")
}

fn external_ip(row: &Row<'_>) -> Value {
    let external = texts(row.at(".spec.externalIPs")).join(",");
    match row.text(".spec.type") {
        "ClusterIP" | "NodePort" => or_none(&external).into(),
        "LoadBalancer" => {
            let mut all = vec![load_balancer(row), external];
            all.retain(|part| !part.is_empty());
            if all.is_empty() { "<pending>".into() } else { all.join(",").into() }
        }
        "ExternalName" => row.text(".spec.externalName").into(),
        _ => "<unknown>".into(),
    }
}

fn service_ports(row: &Row<'_>) -> Value {
    let port = |one: &Value| {
        let protocol = one["protocol"].as_str().unwrap_or_default();
        match one["nodePort"].as_i64() {
            Some(node) if node > 0 => format!("{}:{node}/{protocol}", one["port"]),
            _ => format!("{}/{protocol}", one["port"]),
        }
    };
    or_none(&row.items(".spec.ports").map(port).collect::<Vec<_>>().join(",")).into()
}

fn quota(row: &Row<'_>) -> Value {
    let hard = row.at(".status.hard").and_then(Value::as_object).into_iter().flatten();
    let is_limit = |name: &str| name.starts_with("limits.");
    let wanted = hard.filter(|(name, _)| is_limit(name) == (row.argument(0) == "limits"));
    let shown = wanted.map(|(name, hard)| {
        let used = row.at(".status.used").and_then(|used| used.get(name)).and_then(Value::as_str).unwrap_or("0");
        format!("{name}: {used}/{}", hard.as_str().unwrap_or("0"))
    });
    let mut shown: Vec<String> = shown.collect();
    shown.sort();
    shown.join(", ").into()
}

fn missing_level(row: &Row<'_>) -> Value {
    let dangling = row.items(".status.conditions").find(|one| one["type"] == "Dangling");
    dangling.and_then(|one| one["status"].as_str()).unwrap_or("?").into()
}

fn scale_metrics(row: &Row<'_>) -> Value {
    let statuses: Vec<&Value> = row.items(".status.currentMetrics").collect();
    let mut list: Vec<String> = Vec::new();
    for (index, spec) in row.items(".spec.metrics").enumerate() {
        let source = match spec["type"].as_str().unwrap_or_default() {
            "External" => "external",
            "Pods" => "pods",
            "Object" => "object",
            "Resource" => "resource",
            "ContainerResource" => "containerResource",
            _ => {
                list.push("<unknown type>".to_owned());
                continue;
            }
        };
        let current = statuses.get(index).map(|status| &status[source]["current"]);
        let target = &spec[source]["target"];
        let show = |name: &str| current.and_then(|current| current[name].as_str()).unwrap_or("<unknown>");
        let is_resource = source.to_lowercase().ends_with("resource");
        let average = target["averageValue"].as_str();
        let text = match (average, is_resource) {
            (Some(average), true) => format!("{}/{average}", show("averageValue")),
            (Some(average), false) if source == "pods" => format!("{}/{average}", show("averageValue")),
            (Some(average), false) => format!("{}/{average} (avg)", show("averageValue")),
            (None, false) => format!("{}/{}", show("value"), target["value"].as_str().unwrap_or("0")),
            (None, true) => {
                let percent = |value: Option<&Value>, otherwise: &str| {
                    value.and_then(Value::as_i64).map_or(otherwise.to_owned(), |number| format!("{number}%"))
                };
                let current = percent(current.map(|current| &current["averageUtilization"]), "<unknown>");
                format!("{current}/{}", percent(Some(&target["averageUtilization"]), "<auto>"))
            }
        };
        let name = spec[source]["name"].as_str().unwrap_or_default();
        list.push(if is_resource { format!("{name}: {text}") } else { text });
    }
    match list.get(..2) {
        _ if list.is_empty() => "<none>".into(),
        Some(first) if list.len() > 2 => format!("{} + {} more...", first.join(", "), list.len() - 2).into(),
        _ => list.join(", ").into(),
    }
}

fn request_condition(row: &Row<'_>) -> Value {
    let has = |type_: &str| row.items(".status.conditions").any(|one| one["type"] == type_);
    let mut status = match () {
        () if has("Denied") => "Denied",
        () if has("Approved") => "Approved",
        () => "Pending",
    }
    .to_owned();
    if has("Failed") {
        status.push_str(",Failed");
    }
    if !row.text(".status.certificate").is_empty() {
        status.push_str(",Issued");
    }
    status.into()
}

fn ingress_hosts(row: &Row<'_>) -> Value {
    let rules: Vec<&Value> = row.items(".spec.rules").collect();
    let hosts: Vec<&str> =
        rules.iter().filter_map(|rule| rule["host"].as_str()).filter(|host| !host.is_empty()).collect();
    match hosts.get(..3) {
        _ if hosts.is_empty() => "*".into(),
        Some(first) if rules.len() > 3 && hosts.len() >= 3 => {
            format!("{} + {} more...", first.join(","), rules.len() - 3).into()
        }
        _ => hosts.join(",").into(),
    }
}

fn parent_ref(row: &Row<'_>) -> Value {
    let text = |name: &str| row.text(&format!(".spec.parentRef.{name}"));
    let mut shown = text("resource").to_owned();
    for (sign, part) in [(".", text("group")), ("/", text("namespace")), ("/", text("name"))] {
        if !part.is_empty() {
            shown.push_str(sign);
            shown.push_str(part);
        }
    }
    or_none(&shown).into()
}

fn subjects(row: &Row<'_>) -> Value {
    let wanted = row.items(".subjects").filter(|one| one["kind"] == row.argument(0));
    let name = |one: &Value| {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        if row.argument(0) == "ServiceAccount" {
            format!("{}/{}", text("namespace"), text("name"))
        } else {
            text("name").to_owned()
        }
    };
    wanted.map(name).collect::<Vec<_>>().join(", ").into()
}
