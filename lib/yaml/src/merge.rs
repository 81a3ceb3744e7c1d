//! Merges documents as kyaml does: a patch into a document, and a document's new version into one that was edited. Order,
//! styles and comments survive.

mod lists;
mod schema;

use crate::error::Position;
use crate::node::{Comments, Content, Node, Style};
use crate::schema as scalar;

pub use schema::{Lists, Merging, NoLists};

use schema::At;

/// Where the items of a patch's list go that the document does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Additions {
    /// Behind the document's own.
    #[default]
    Append,
    /// In front of them, as kustomize does.
    Prepend,
}

/// Why two documents cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// The same field is a mapping here and a scalar there, for instance.
    #[error("{at}: expected {expected} at {path}, found {found}")]
    Kind {
        /// Fields from the root on.
        path: String,
        /// What the other document has.
        expected: &'static str,
        /// What this document has.
        found: &'static str,
        /// Where it was found.
        at: Position,
    },
    /// A list is to be merged by a key that some of its items do not have.
    #[error("no key to merge the list {path} by: not every item has a name")]
    NoKey {
        /// Fields from the root on.
        path: String,
    },
    /// `$patch` has another value than `merge`, `replace` and `delete`.
    #[error("{at}: expected merge, replace or delete as the value of $patch, found {found:?}")]
    Directive {
        /// The value.
        found: String,
        /// Where it stands.
        at: Position,
    },
}

/// Merges a strategic merge patch into a document; `None` when the patch deletes it.
///
/// # Source
/// kyaml 0.21 `merge2`; the test `kyaml_merge_tables_hold`.
pub fn patch<L: Lists>(
    document: Node,
    patch: &Node,
    lists: &L,
    additions: Additions,
) -> Result<Option<Node>, MergeError> {
    let mut walker = Walker { lists, mode: Mode::Patch(additions), infer: false, path: Vec::new() };
    Ok(walker.walk(Sources { dest: Some(document), origin: Some(patch), update: None }, None)?.0)
}

/// Brings what changed between an original and its update into a document that was made from the original.
///
/// With `infer` lists of which nothing is known merge by `name`, where every item has one.
///
/// # Source
/// kyaml 0.21 `merge3`; the test `kyaml_merge_tables_hold`.
pub fn three_way<L: Lists>(
    document: Node,
    original: &Node,
    update: &Node,
    lists: &L,
    inference: Inference,
) -> Result<Option<Node>, MergeError> {
    let infer = inference == Inference::ByName;
    let mut walker = Walker { lists, mode: Mode::ThreeWay, infer, path: Vec::new() };
    Ok(walker.walk(Sources { dest: Some(document), origin: Some(original), update: Some(update) }, None)?.0)
}

/// What happens to lists of which nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Inference {
    /// They are replaced as a whole.
    #[default]
    Replace,
    /// They merge by `name`, where every item has one.
    ByName,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Patch(Additions),
    ThreeWay,
}

/// The same field of the documents. A patch stands in `origin`.
struct Sources<'a> {
    dest: Option<Node>,
    origin: Option<&'a Node>,
    update: Option<&'a Node>,
}

/// Which document a merged value comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Dest,
    Origin,
    Update,
    Nowhere,
}

type Merged = (Option<Node>, From);

/// What `$patch` says about the mapping or list it stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

struct Walker<'l, L: Lists> {
    lists: &'l L,
    mode: Mode,
    infer: bool,
    path: Vec<String>,
}

impl<L: Lists> Walker<'_, L> {
    fn walk(&mut self, sources: Sources<'_>, at: Option<At<L::At>>) -> Result<Merged, MergeError> {
        let all = [sources.dest.as_ref(), sources.origin, sources.update];
        let at = schema::refine(self.lists, at, &all);
        let present = || all.into_iter().flatten().filter(|node| !node.is_null());
        let Some(expected) = present().next().map(kind) else {
            return self.walk_mapping(sources, at.as_ref());
        };
        if let Some(other) = present().find(|node| kind(node) != expected) {
            let path = self.path.join(".");
            return Err(MergeError::Kind {
                path,
                expected: expected.name(),
                found: kind(other).name(),
                at: other.at(),
            });
        }
        match expected {
            NodeKind::Mapping => self.walk_mapping(sources, at.as_ref()),
            NodeKind::List => match self.merging(&sources, at.as_ref()) {
                Some(keys) => self.walk_merging_list(sources, at.as_ref(), &keys),
                None => Ok(self.visit_list(sources)),
            },
            NodeKind::Scalar => Ok(self.visit_scalar(sources)),
        }
    }

    fn walk_mapping(&mut self, sources: Sources<'_>, at: Option<&At<L::At>>) -> Result<Merged, MergeError> {
        let Sources { mut dest, origin, update } = sources;
        let directed = match (self.mode, origin) {
            (Mode::Patch(_), Some(origin)) if origin.get("$patch").is_some() => Some(mapping_directive(origin)?),
            _ => None,
        };
        let origin = match &directed {
            Some((Directive::Delete, _)) => return Ok((None, From::Nowhere)),
            Some((Directive::Replace, rest)) => {
                dest = Some(rest.clone());
                Some(rest)
            }
            Some((Directive::Merge, rest)) => Some(rest),
            None => origin,
        };
        let mut sources = Sources { dest, origin, update };
        let (dest, from) = self.visit_mapping(&mut sources);
        let Some(mut dest) = dest else {
            return Ok((None, from));
        };
        if dest.is_null() {
            return Ok((Some(dest), from));
        }
        // What is shared cannot be merged into: an alias becomes a copy.
        if let Content::Alias { target, .. } = &dest.content {
            dest = (**target).clone();
            dest.set_anchor(None);
        }
        for name in field_names(&dest, sources.origin, sources.update) {
            self.merge_field(&mut dest, &sources, &name, at)?;
        }
        Ok((Some(dest), from))
    }

    fn merge_field(
        &mut self,
        dest: &mut Node,
        sources: &Sources<'_>,
        name: &str,
        at: Option<&At<L::At>>,
    ) -> Result<(), MergeError> {
        let origin = sources.origin.and_then(|node| node.get_pair(name));
        let update = sources.update.and_then(|node| node.get_pair(name));
        let own = dest.get_pair(name);
        let key_style = |from| {
            match from {
                From::Dest => own,
                From::Origin => origin,
                From::Update => update,
                From::Nowhere => None,
            }
            .and_then(|(key, _)| key.style())
            .unwrap_or_default()
        };
        let key_styles = [From::Dest, From::Origin, From::Update].map(key_style);
        let at = [own, origin, update]
            .into_iter()
            .flatten()
            .find_map(|(key, value)| {
                schema::in_comments(self.lists, value).or_else(|| schema::in_comments(self.lists, key))
            })
            .or_else(|| at.and_then(|at| at.field(self.lists, name)));
        // In a merge of three, keys are merged like scalars, for the sake of their comments.
        let mut key_comments = Comments::default();
        if self.mode == Mode::ThreeWay {
            let keys = Sources {
                dest: own.map(|(key, _)| key.clone()),
                origin: origin.map(|(key, _)| key),
                update: update.map(|(key, _)| key),
            };
            if let (Some(key), _) = self.visit_scalar(keys) {
                key_comments = key.comments().clone();
                if let Some((own, _)) = dest.pairs_mut().and_then(|pairs| find(pairs, name))
                    && *own.comments() != key_comments
                {
                    *own.comments_mut() = key_comments.clone();
                }
            }
        }
        let own_value = dest.get_mut(name).map(std::mem::take);
        let style_before = own_value.as_ref().map(|value| (value.style(), layout(value)));
        let keep_null = own_value.as_ref().is_some_and(|own| {
            // A null that somebody wrote stays, as long as the patch does not touch it.
            self.mode != Mode::ThreeWay && origin.is_none() && own.is_null() && own.text() != Some("")
        });
        self.path.push(name.to_owned());
        let fields = Sources { dest: own_value, origin: origin.map(|(_, v)| v), update: update.map(|(_, v)| v) };
        let (value, from) = self.walk(fields, at)?;
        self.path.pop();
        let Some(mut value) = value.filter(|value| keep_null || !value.is_null()) else {
            dest.remove(name);
            return Ok(());
        };
        quote_if_ambiguous(&mut value);
        let Some(pairs) = dest.pairs_mut() else {
            return Ok(());
        };
        if let Some((_, own)) = find(pairs, name) {
            // The style stays that of the document.
            if let Some((style, layout)) = style_before {
                restyle(&mut value, style, layout);
            }
            *own = value;
        } else {
            let style = match from {
                From::Dest => key_styles[0],
                From::Origin => key_styles[1],
                From::Update => key_styles[2],
                From::Nowhere => Style::Plain,
            };
            let mut key = Node::styled(name, style);
            if !key_comments.is_empty() {
                *key.comments_mut() = key_comments;
            }
            pairs.push((key, value));
        }
        Ok(())
    }

    fn visit_mapping(&self, sources: &mut Sources<'_>) -> Merged {
        let dest = sources.dest.take();
        let is_null = |node: Option<&Node>| node.is_some_and(Node::is_null);
        if self.mode == Mode::ThreeWay {
            return match dest {
                _ if is_null(sources.update) || is_null(dest.as_ref()) => (None, From::Nowhere),
                None if sources.update.is_none() => (None, From::Nowhere),
                None => (Some(Node::mapping(Vec::new())), From::Nowhere),
                dest => (dest, From::Dest),
            };
        }
        match dest {
            Some(dest) if !dest.is_null() => {
                if is_null(sources.origin) {
                    return (None, From::Nowhere);
                }
                (Some(adorn(dest, sources.origin)), From::Dest)
            }
            Some(dest) if sources.origin.is_none() => (Some(dest), From::Dest),
            _ => (sources.origin.cloned(), From::Origin),
        }
    }

    fn visit_scalar(&self, sources: Sources<'_>) -> Merged {
        let Sources { dest, origin, update } = sources;
        if self.mode != Mode::ThreeWay {
            return match origin {
                Some(origin) => (Some(origin.clone()), From::Origin),
                None => (dest, From::Dest),
            };
        }
        pick(dest, origin, update, |node| (node.text().unwrap_or_default().to_owned(), node.comments().clone()))
    }

    /// A list that is replaced as a whole.
    fn visit_list(&self, sources: Sources<'_>) -> Merged {
        let Sources { dest, origin, update } = sources;
        if self.mode != Mode::ThreeWay {
            return match origin {
                Some(origin) => (Some(origin.clone()), From::Origin),
                None => (dest, From::Dest),
            };
        }
        pick(dest, origin, update, |node| (node.print(crate::Sequences::Compact), Comments::default()))
    }
}

/// Takes the update where it differs from the original, else the document's own.
fn pick(
    dest: Option<Node>,
    origin: Option<&Node>,
    update: Option<&Node>,
    content: impl Fn(&Node) -> (String, Comments),
) -> Merged {
    let null = |node: Option<&Node>| node.is_some_and(Node::is_null);
    if null(update) || null(dest.as_ref()) {
        return (None, From::Nowhere);
    }
    let updated = match (update, origin.filter(|node| !node.is_null())) {
        (None, None) => false,
        (Some(update), Some(origin)) => {
            let (new, old) = (content(update), content(origin));
            let own = dest.as_ref().map(&content);
            // A comment alone is taken over only into what is unchanged otherwise.
            new != old && (own.as_ref().is_none_or(|own| *own == old) || new.0 != old.0)
        }
        _ => true,
    };
    if updated { (update.cloned(), From::Update) } else { (dest, From::Dest) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NodeKind {
    Mapping,
    List,
    Scalar,
}

impl NodeKind {
    fn name(self) -> &'static str {
        match self {
            Self::Mapping => "a mapping",
            Self::List => "a list",
            Self::Scalar => "a scalar",
        }
    }
}

fn kind(node: &Node) -> NodeKind {
    match node.resolved().content {
        Content::Mapping { .. } => NodeKind::Mapping,
        Content::Sequence { .. } => NodeKind::List,
        _ => NodeKind::Scalar,
    }
}

fn layout(node: &Node) -> Option<crate::Layout> {
    match node.content {
        Content::Mapping { layout, .. } | Content::Sequence { layout, .. } => Some(layout),
        _ => None,
    }
}

/// Gives a value the style that the value before it had.
fn restyle(value: &mut Node, before: Option<Style>, before_layout: Option<crate::Layout>) {
    match &mut value.content {
        Content::Scalar { style, .. } => *style = before.unwrap_or(*style),
        Content::Mapping { layout, .. } | Content::Sequence { layout, .. } => {
            *layout = before_layout.unwrap_or(*layout);
        }
        Content::Alias { .. } => {}
    }
}

/// Quotes a string that YAML 1.1 would take for something else.
fn quote_if_ambiguous(node: &mut Node) {
    if node.tag().is_none()
        && let Content::Scalar { text, style } = &mut node.content
        && *style == Style::Plain
        && scalar::is_ambiguous(text)
        && scalar::is_string_v3(text)
    {
        *style = Style::DoubleQuoted;
    }
}

/// Gives a document's node the comments of the patch, and an empty one the patch's style.
fn adorn(mut dest: Node, patch: Option<&Node>) -> Node {
    let Some(patch) = patch else {
        return dest;
    };
    let new = patch.comments();
    if !new.is_empty() {
        let own = dest.comments_mut();
        for (own, new) in [(&mut own.head, &new.head), (&mut own.line, &new.line), (&mut own.foot, &new.foot)] {
            if !new.is_empty() {
                own.clone_from(new);
            }
        }
    }
    let is_empty = dest.pairs().is_some_and(<[_]>::is_empty) || dest.items().is_some_and(<[_]>::is_empty);
    if is_empty {
        restyle(&mut dest, None, layout(patch));
    }
    dest
}

fn find<'n>(pairs: &'n mut [(Node, Node)], name: &str) -> Option<&'n mut (Node, Node)> {
    pairs.iter_mut().find(|(key, _)| key.text() == Some(name))
}

/// All keys, sorted.
fn field_names(dest: &Node, origin: Option<&Node>, update: Option<&Node>) -> Vec<String> {
    let pairs = [Some(dest), origin, update].into_iter().flatten().filter_map(Node::pairs).flatten();
    let mut names: Vec<String> = pairs.filter_map(|(key, _)| key.text().map(str::to_owned)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a patch's mapping says with `$patch`, and the mapping without it.
fn mapping_directive(patch: &Node) -> Result<(Directive, Node), MergeError> {
    let mut rest = patch.resolved().clone();
    let directive = rest.remove("$patch").map_or(Ok(Directive::Merge), |(_, value)| directive(&value))?;
    Ok((directive, rest))
}

fn directive(value: &Node) -> Result<Directive, MergeError> {
    match value.text() {
        Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        other => Err(MergeError::Directive { found: other.unwrap_or("a collection").to_owned(), at: value.at() }),
    }
}
