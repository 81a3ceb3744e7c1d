//! In which form an answer is sent: the kind's own, a table, or metadata alone; as JSON or YAML.
//!
//! # Source
//! `k8s.io/apiserver/pkg/endpoints/handlers/negotiation`.

use crate::failure::Failure;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The object as it is.
    Full,
    /// What `kubectl get` prints.
    Table,
    /// The metadata of one object.
    Metadata,
    /// The metadata of a list.
    MetadataList,
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Json,
    Yaml,
}

/// What a client accepts best of what we have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    pub(crate) form: Form,
    pub(crate) encoding: Encoding,
}

/// What can be sent of objects.
const MEDIA_TYPES: [&str; 2] = ["application/json", "application/yaml"];

impl Accept {
    /// Plain JSON.
    pub(crate) const JSON: Self = Self { form: Form::Full, encoding: Encoding::Json };

    /// Takes the first alternative that can be served, by weight.
    ///
    /// # Errors
    /// 406 when there is none.
    pub(crate) fn negotiate(header: Option<&str>) -> Result<Self, Failure> {
        let Some(header) = header.filter(|header| !header.trim().is_empty()) else { return Ok(Self::JSON) };
        let mut clauses: Vec<Clause<'_>> = header.split(',').filter_map(Clause::parse).collect();
        // Stable: among equals the first one counts.
        clauses.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let known = |clause: &&Clause<'_>| clause.encoding().is_some();
        match clauses.iter().find_map(Clause::served) {
            Some(accept) => Ok(accept),
            None if clauses.iter().any(|clause| known(&clause)) => Err(Failure::unacceptable(format!(
                "only the following media types are accepted: {}",
                MEDIA_TYPES.join(", ")
            ))),
            None => Err(Failure::not_acceptable(&MEDIA_TYPES)),
        }
    }
}

struct Clause<'h> {
    media_type: &'h str,
    parameters: Vec<(&'h str, &'h str)>,
    weight: f32,
}

impl<'h> Clause<'h> {
    fn parse(text: &'h str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let media_type = parts.next().filter(|part| !part.is_empty())?;
        let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let weight = parameters.iter().find(|(key, _)| *key == "q").and_then(|(_, q)| q.parse().ok()).unwrap_or(1.0);
        Some(Self { media_type, parameters, weight })
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.parameters.iter().find(|(k, _)| *k == key).map(|(_, value)| *value)
    }

    fn encoding(&self) -> Option<Encoding> {
        match self.media_type {
            "application/json" | "application/*" | "*/*" => Some(Encoding::Json),
            "application/yaml" => Some(Encoding::Yaml),
            _ => None,
        }
    }

    fn served(&self) -> Option<Accept> {
        let encoding = self.encoding()?;
        let form = match self.get("as") {
            None => Form::Full,
            Some("Table") => Form::Table,
            Some("PartialObjectMetadata") => Form::Metadata,
            Some("PartialObjectMetadataList") => Form::MetadataList,
            Some(_) => return None,
        };
        let meta = form == Form::Full
            || (self.get("g") == Some("meta.k8s.io") && matches!(self.get("v"), Some("v1" | "v1beta1")));
        meta.then_some(Accept { form, encoding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(header: &str, expected: Option<(Form, Encoding)>) {
        let found = Accept::negotiate(Some(header)).ok().map(|accept| (accept.form, accept.encoding));
        assert_eq!(found, expected, "{header}");
    }

    #[test]
    fn the_first_form_that_is_served_counts() {
        check("application/json", Some((Form::Full, Encoding::Json)));
        check("application/vnd.kubernetes.protobuf,application/json", Some((Form::Full, Encoding::Json)));
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            Some((Form::Table, Encoding::Json)),
        );
        check(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Some((Form::MetadataList, Encoding::Json)),
        );
        check("application/yaml", Some((Form::Full, Encoding::Yaml)));
        check("application/json;q=0.1,application/yaml", Some((Form::Full, Encoding::Yaml)));
        check("*/*", Some((Form::Full, Encoding::Json)));
        check("application/vnd.kubernetes.protobuf", None);
        check("text/html", None);
    }
}
