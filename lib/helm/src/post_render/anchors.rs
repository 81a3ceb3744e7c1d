//! Aliases and merge keys, written out.

use yaml::{Content, Node};

/// Puts in place of every alias what it stands for, and takes the anchors away.
///
/// *Assumptions*: the limits of reading bound what aliases multiply to.
pub(super) fn expand(node: &mut Node) {
    if let Content::Alias { target, .. } = &node.content {
        *node = Node::clone(target);
    }
    node.set_anchor(None);
    if let Some(items) = node.items_mut() {
        items.iter_mut().for_each(expand);
    }
    let Some(pairs) = node.pairs_mut() else { return };
    for (key, value) in pairs.iter_mut() {
        expand(key);
        expand(value);
    }
    let Some(at) = pairs.iter().position(|(key, _)| key.text() == Some("<<")) else { return };
    let (_, merged) = pairs.remove(at);
    let own = pairs.len();
    let single = std::slice::from_ref(&merged);
    // The first of several has the last word, below what is written beside them.
    for table in merged.items().unwrap_or(single).iter().rev() {
        for (key, value) in table.pairs().unwrap_or_default() {
            match pairs.iter().position(|(known, _)| known.text() == key.text()) {
                Some(at) if at < own => {}
                Some(at) => pairs[at].1 = value.clone(),
                None => pairs.push((key.clone(), value.clone())),
            }
        }
    }
}
