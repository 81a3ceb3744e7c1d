//! Names, tags and digests of images.

use crate::apply;
use crate::config::Field;
use crate::error::{Fault, Reason};
use crate::file::Image;
use crate::node::{Node, Tag};
use crate::path::shape_name;
use crate::selector::{self, Plain};
use crate::set::Set;

pub(super) fn run(set: &mut Set, image: &Image, fields: &[Field]) -> Result<(), Fault> {
    let pattern = Pattern::new(&image.name)?;
    for i in 0..set.len() {
        let Some(resource) = set.get_mut_same_id(i) else { continue };
        if resource.gvk().kind == "CustomResourceDefinition" {
            continue;
        }
        let mut update = |node: &mut Node| {
            if !matches!(node, Node::Scalar(_)) {
                let found = shape_name(node.shape());
                return Err(Reason::apply(format!("wrong node kind: expected the name of an image, found {found}")));
            }
            if !pattern.fits(node.text()) {
                return Ok(());
            }
            let changed = change(node.text(), image);
            apply::write(node, &changed, Tag::Unknown)
        };
        containers(&mut resource.node, &mut update)
            .and_then(|()| apply::fields(&mut resource.node, fields, None, &mut update))
            .map_err(|fault| fault.on(|| resource.subject()))?;
    }
    Ok(())
}

/// Updates the images of all lists of containers, wherever they are. That they may be updated once more as one of the
/// configured fields is kustomize's way, too.
fn containers(node: &mut Node, update: apply::Set<'_>) -> Result<(), Fault> {
    match node {
        Node::Scalar(_) => Ok(()),
        Node::List(items) => items.iter_mut().try_for_each(|item| containers(item, update)),
        Node::Map(map) => map.fields_mut().try_for_each(|(name, value)| {
            containers(value, update)?;
            match value {
                Node::List(items) if matches!(name, "containers" | "initContainers") => {
                    items.iter_mut().try_for_each(|item| image_of(item, update))
                }
                _ => Ok(()),
            }
        }),
    }
}

fn image_of(container: &mut Node, update: apply::Set<'_>) -> Result<(), Fault> {
    match container {
        Node::Map(map) => map.get_mut("image").map_or(Ok(()), update),
        container if container.is_null() => Ok(()),
        container => {
            let found = shape_name(container.shape());
            Err(Reason::apply(format!("wrong node kind: expected a container, found {found}")))
        }
    }
}

/// The name of an image with any tag and digest.
enum Pattern {
    Plain(Plain),
    Regex(re2::Regex),
}

impl Pattern {
    fn new(name: &str) -> Result<Self, Fault> {
        if let Some(name) = Plain::new(name) {
            return Ok(Self::Plain(name));
        }
        // Parts of kustomize's own pattern.
        selector::regex(&format!("^{name}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$"))
            .map(Self::Regex)
            .map_err(|_| Reason::invalid(format!("the name {name:?} is not a regular expression")))
    }

    fn fits(&self, value: &str) -> bool {
        match self {
            Self::Regex(regex) => regex.is_match(value),
            Self::Plain(name) => name.strip(value).is_some_and(|rest| {
                let rest = rest.strip_prefix(':').map_or(rest, |rest| rest.trim_start_matches(is_tag));
                let rest = rest.strip_prefix("@sha256:").map_or(rest, |rest| rest.trim_start_matches(is_tag));
                rest.is_empty()
            }),
        }
    }
}

fn is_tag(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-')
}

fn change(value: &str, image: &Image) -> String {
    let (name, tag, digest) = split(value);
    let name = if image.new_name.is_empty() { name } else { &image.new_name };
    let (tag, digest) = match (image.new_tag.as_str(), image.digest.as_str(), image.tag_suffix.as_str()) {
        ("", "", "") => (tag.to_owned(), digest),
        ("", "", suffix) => (format!("{tag}{suffix}"), ""),
        (new_tag, new_digest, _) => (new_tag.to_owned(), new_digest),
    };
    let mut result = name.to_owned();
    for (separator, part) in [(':', tag.as_str()), ('@', digest)] {
        if !part.is_empty() {
            result.push(separator);
            result.push_str(part);
        }
    }
    result
}

/// Name, tag and digest. A colon before the first slash is the port of a registry.
fn split(value: &str) -> (&str, &str, &str) {
    let slash = value.find('/').unwrap_or(0);
    let find = |c: char| value[slash..].find(c).map(|i| i + slash);
    match (find(':'), find('@')) {
        (None, None) => (value, "", ""),
        (colon, Some(at)) if colon.is_none_or(|colon| at < colon) => (&value[..at], "", &value[at + 1..]),
        (Some(colon), Some(at)) => (&value[..colon], &value[colon + 1..at], &value[at + 1..]),
        (Some(colon), None) => (&value[..colon], &value[colon + 1..], ""),
        (None, Some(at)) => (&value[..at], "", &value[at + 1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pattern, change, split};
    use crate::file::Image;

    #[test]
    fn images_are_taken_apart() {
        for (value, expected) in [
            ("nginx", ("nginx", "", "")),
            ("host:5000/a/b:1@sha256:x", ("host:5000/a/b", "1", "sha256:x")),
            ("host:5000/a@sha256:x", ("host:5000/a", "", "sha256:x")),
            ("a:1", ("a", "1", "")),
        ] {
            assert_eq!(split(value), expected, "{value}");
        }
    }

    #[test]
    fn only_the_whole_name_fits() {
        for name in ["nginx", "n.inx", "ngin(x)"] {
            let pattern = Pattern::new(name).unwrap();
            for (value, fits) in [
                ("nginx", true),
                ("nginx:1", true),
                ("nginx:1@sha256:ab", true),
                ("nginx2", false),
                ("a/nginx", false),
                ("nginx@md5:1", false),
            ] {
                assert_eq!(pattern.fits(value), fits, "{name} {value}");
            }
        }
    }

    #[test]
    fn a_new_tag_drops_the_digest() {
        let image = |new_name: &str, new_tag: &str, digest: &str, tag_suffix: &str| Image {
            new_name: new_name.into(),
            new_tag: new_tag.into(),
            digest: digest.into(),
            tag_suffix: tag_suffix.into(),
            ..Image::default()
        };
        for (with, expected) in [
            (image("b", "", "", ""), "b:1@sha256:x"),
            (image("", "2", "", ""), "a:2"),
            (image("", "", "sha256:y", ""), "a@sha256:y"),
            (image("", "2", "sha256:y", ""), "a:2@sha256:y"),
            (image("", "", "", "-dev"), "a:1-dev"),
        ] {
            assert_eq!(change("a:1@sha256:x", &with), expected);
        }
    }
}
