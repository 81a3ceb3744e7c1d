//! What a controller lays over the build file of a directory.

use crate::decode::Entry;
use crate::file::{File, Image, Patch};

/// Fields to lay over a build file; empty ones leave it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Replaces the namespace.
    pub namespace: String,
    /// Replaces the name prefix.
    pub name_prefix: String,
    /// Replaces the name suffix.
    pub name_suffix: String,
    /// Run after the patches of the file.
    pub patches: Vec<Patch>,
    /// Come after the components of the file.
    pub components: Vec<String>,
    /// Change or add images, by name.
    pub images: Vec<Image>,
    /// Replaces `buildMetadata`.
    pub build_metadata: Vec<String>,
}

impl Overrides {
    /// Changes a build file. Of an image both tag and digest are replaced as soon as one of them is given.
    pub fn apply(&self, file: &mut File) {
        for (old, new) in [
            (&mut file.namespace, &self.namespace),
            (&mut file.name_prefix, &self.name_prefix),
            (&mut file.name_suffix, &self.name_suffix),
        ] {
            if !new.is_empty() {
                new.clone_into(old);
            }
        }
        file.patches.extend(self.patches.iter().cloned());
        file.components.extend(self.components.iter().map(|path| Entry::from(path.as_str())));
        for image in &self.images {
            merge_image(&mut file.images, image);
        }
        if !self.build_metadata.is_empty() {
            file.build_metadata.clone_from(&self.build_metadata);
        }
    }
}

fn merge_image(images: &mut Vec<Image>, new: &Image) {
    let Some(old) = images.iter_mut().find(|old| old.name == new.name) else {
        images.push(new.clone());
        return;
    };
    if !new.new_name.is_empty() {
        old.new_name.clone_from(&new.new_name);
    }
    if !new.new_tag.is_empty() || !new.digest.is_empty() {
        old.new_tag.clone_from(&new.new_tag);
        old.digest.clone_from(&new.digest);
    }
}

#[cfg(test)]
mod tests {
    use super::Overrides;
    use crate::file::{File, Image};

    fn image(name: &str, new_name: &str, new_tag: &str, digest: &str) -> Image {
        Image {
            name: name.into(),
            new_name: new_name.into(),
            new_tag: new_tag.into(),
            digest: digest.into(),
            ..Image::default()
        }
    }

    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "the cases read better")]
    fn check(new: Image, expected: Image) {
        let mut file = File { images: vec![image("a", "b", "1", "sha256:x")], ..File::default() };
        Overrides { images: vec![new], ..Overrides::default() }.apply(&mut file);
        assert_eq!(file.images.last(), Some(&expected));
    }

    #[test]
    fn tag_and_digest_are_replaced_together() {
        check(image("a", "c", "", ""), image("a", "c", "1", "sha256:x"));
        check(image("a", "", "2", ""), image("a", "b", "2", ""));
        check(image("a", "", "", "sha256:y"), image("a", "b", "", "sha256:y"));
        check(image("z", "", "2", ""), image("z", "", "2", ""));
    }

    #[test]
    fn what_is_empty_changes_nothing() {
        let mut file = File::parse("namespace: a\nnamePrefix: p-\n", "kustomization.yaml").unwrap();
        let before = file.clone();
        Overrides::default().apply(&mut file);
        assert_eq!(file, before);
    }
}
