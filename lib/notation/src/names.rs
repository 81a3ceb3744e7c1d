//! How names, labels and keys may be written, with what upstream says of those that are not.
//!
//! Every function returns what is wrong, in upstream's order and words; nothing when all is well.
//!
//! # Source
//! `k8s.io/apimachinery/pkg/util/validation`; the texts are compared with those of the real API server by the cases of
//! `crates/apiserver/src/prepare/recorded`.

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const KEY_TEXT: &str =
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// What is wrong with a label of a DNS name: the name of a Namespace, a Service's part of a domain.
pub fn dns_label(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push(too_long(63));
    }
    if !is_dns_label(text) {
        problems.push(if is_dns_subdomain(text) {
            "must not contain dots".to_owned()
        } else {
            let rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
                        and end with an alphanumeric character";
            pattern(rule, LABEL, &["my-name", "123-abc"])
        });
    }
    problems
}

/// What is wrong with a DNS name: the name of most objects.
pub fn dns_subdomain(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 253 {
        problems.push(too_long(253));
    }
    if !is_dns_subdomain(text) {
        let rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
                    start and end with an alphanumeric character";
        problems.push(pattern(rule, &format!("{LABEL}(\\.{LABEL})*"), &["example.com"]));
    }
    problems
}

/// What is wrong with a DNS name whose first label is `*`.
pub fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 253 {
        problems.push(too_long(253));
    }
    if !text.strip_prefix("*.").is_some_and(is_dns_subdomain) {
        let rule = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist \
                    of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
        problems.push(pattern(rule, &format!("\\*\\.{LABEL}(\\.{LABEL})*"), &["*.example.com"]));
    }
    problems
}

/// What is wrong with a label that begins with a letter: the name of a Service, the plural of a kind.
pub fn dns_1035_label(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push(too_long(63));
    }
    if !(is_dns_label(text) && text.starts_with(|first: char| first.is_ascii_lowercase())) {
        let rule = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic \
                    character, and end with an alphanumeric character";
        problems.push(pattern(rule, "[a-z]([-a-z0-9]*[a-z0-9])?", &["my-name", "abc-123"]));
    }
    problems
}

/// What is wrong with a name that only has to fit into a path: the name of a Role.
pub fn path_segment(text: &str) -> Vec<String> {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"].iter().filter(|part| text.contains(**part)).map(|part| format!("may not contain '{part}'")).collect()
}

/// What is wrong with the key of a label or an annotation, or with the name of a finalizer.
pub fn qualified_name(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let examples = ["MyName", "my.name", "123-abc"];
    let mut parts = text.split('/');
    let name = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => name,
        (Some(prefix), Some(name), None) => {
            if prefix.is_empty() {
                problems.push("prefix part must be non-empty".to_owned());
            } else {
                problems.extend(dns_subdomain(prefix).into_iter().map(|problem| format!("prefix part {problem}")));
            }
            name
        }
        _ => {
            let rule = pattern(KEY_TEXT, KEY, &examples);
            let hint = "with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a valid label key {rule} {hint}")];
        }
    };
    if name.is_empty() {
        problems.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        problems.push(format!("name part {}", too_many_bytes(63)));
    }
    if !is_key(name) {
        problems.push(format!("name part {}", pattern(KEY_TEXT, KEY, &examples)));
    }
    problems
}

/// What is wrong with the value of a label.
pub fn label_value(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 63 {
        problems.push(too_many_bytes(63));
    }
    if !text.is_empty() && !is_key(text) {
        let rule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must \
                    start and end with an alphanumeric character";
        problems.push(pattern(rule, &format!("({KEY})?"), &["MyValue", "my_value", "12345"]));
    }
    problems
}

/// What is wrong with a key of a ConfigMap or Secret.
pub fn config_key(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 253 {
        problems.push(too_long(253));
    }
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)) {
        let rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        problems.push(pattern(rule, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match text {
        "." | ".." => problems.push(format!("must not be '{text}'")),
        _ if text.starts_with("..") => problems.push("must not start with '..'".to_owned()),
        _ => {}
    }
    problems
}

/// What is wrong with the name of an environment variable.
pub fn environment_variable(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.is_empty() {
        problems.push("environment variable name must be non-empty".to_owned());
    }
    if text.chars().any(|letter| !(' '..='~').contains(&letter) || letter == '=') {
        let rule = "a valid environment variable name must consist only of printable ASCII characters other than '='";
        problems.push(rule.to_owned());
    }
    problems
}

/// What is wrong with the name of a port: of a container's, of a Service's target.
pub fn port_name(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.len() > 15 {
        problems.push(too_long(15));
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        problems.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        problems.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        problems.push("must not begin or end with a hyphen".to_owned());
    }
    problems
}

/// What is wrong with the name of an HTTP header.
pub fn http_header(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Vec::new();
    }
    let rule = "a valid HTTP header must consist of alphanumeric characters or '-'";
    vec![pattern(rule, "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// What is wrong with a percentage.
pub fn percent(text: &str) -> Vec<String> {
    let is_percent = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if text.strip_suffix('%').is_some_and(is_percent) {
        return Vec::new();
    }
    let rule = "a valid percent string must be a numeric string followed by an ending '%'";
    vec![pattern(rule, "[0-9]+%", &["1%", "93%"])]
}

/// `rule (e.g. 'example', regex used for validation is 'regex')`.
pub fn pattern(rule: &str, regex: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{rule} (regex used for validation is '{regex}')");
    }
    let examples: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{rule} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

/// What is said of a text that is longer than this.
pub fn too_long(most: usize) -> String {
    format!("must be no more than {most} characters")
}

fn too_many_bytes(most: usize) -> String {
    format!("must be no more than {most} bytes")
}

fn is_dns_label(text: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let ends = (text.bytes().next(), text.bytes().next_back());
    matches!(ends, (Some(first), Some(last)) if is_inner(first) && is_inner(last))
        && text.bytes().all(|byte| is_inner(byte) || byte == b'-')
}

fn is_dns_subdomain(text: &str) -> bool {
    text.split('.').all(is_dns_label)
}

fn is_key(text: &str) -> bool {
    let ends = (text.bytes().next(), text.bytes().next_back());
    matches!(ends, (Some(first), Some(last)) if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart_by_what_they_name() {
        for (good, rule) in [
            ("web-1", dns_label as fn(&str) -> Vec<String>),
            ("web.example.com", dns_subdomain),
            ("*.example.com", wildcard_subdomain),
            ("web", dns_1035_label),
            ("system:node-proxier", path_segment),
            ("example.com/My_name.1", qualified_name),
            ("", label_value),
            ("..data".strip_prefix(".").unwrap_or_default(), config_key),
            ("MY VAR", environment_variable),
            ("http-1", port_name),
            ("25%", percent),
        ] {
            assert_eq!(rule(good), Vec::<String>::new(), "{good}");
        }
        for (bad, rule, count) in [
            ("Web", dns_label as fn(&str) -> Vec<String>, 1),
            ("a.b", dns_label, 1),
            ("web_1", dns_subdomain, 1),
            ("1web", dns_1035_label, 1),
            ("a/b%", path_segment, 2),
            ("/", qualified_name, 3),
            ("a/b/c", qualified_name, 1),
            ("-a", label_value, 1),
            ("..", config_key, 1),
            ("a b", config_key, 1),
            ("a=b", environment_variable, 1),
            ("--", port_name, 3),
            ("25", percent, 1),
        ] {
            assert_eq!(rule(bad).len(), count, "{bad}: {:?}", rule(bad));
        }
        assert_eq!(
            dns_label("Web"),
            [
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with \
              an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
              '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            ]
        );
    }
}
