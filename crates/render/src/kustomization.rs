//! A Kustomization's objects: find or make the build file, lay the spec over it, build, substitute, stamp.

use api::KustomizationSpec;
use kustomize::{File, LoadRestrictions, Options, Overrides, Reorder, UnknownFields};
use object::{InvalidObject, Object};
use sha2::{Digest as _, Sha256};
use tree::{Files, Kind, TreePath};

use crate::stamp::{Owner, stamp};
use crate::substitute::{SubstituteError, Variables};

/// What rendering needs besides the files and the spec.
#[derive(Debug, Clone)]
pub struct Inputs<'a> {
    /// Whose objects they will be.
    pub owner: Owner<'a>,
    /// The variables to substitute, if any; or why they could not be loaded, which fails only where there is an object
    /// that needs them.
    pub variables: Result<Option<&'a Variables>, &'a String>,
}

/// The objects of a Kustomization.
#[derive(Debug)]
pub struct Rendered {
    /// The objects as they will be applied, each with the file and line that it comes from.
    pub objects: Vec<Object>,
    /// `sha256:` and the digest of the objects as they were built, as YAML.
    pub digest: String,
    /// What was passed over, as upstream does, but not in silence.
    pub warnings: Vec<String>,
}

/// Why there are no objects.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// No build file can be made for a directory without one.
    #[error(transparent)]
    Scan(#[from] kustomize::ScanError),
    /// The build failed.
    #[error("kustomize build failed")]
    Build(#[source] kustomize::Error),
    /// A component of the spec is not a directory of the source.
    #[error("spec.components: component path '{path}' must be a relative path within the source")]
    Component {
        /// The path.
        path: String,
    },
    /// What was built is not a Kubernetes object.
    #[error("{place}: failed to decode Kubernetes apiVersion, kind and name")]
    NotAnObject {
        /// The file and line that it comes from.
        place: String,
        /// What it lacks.
        source: InvalidObject,
    },
    /// Variables could not be loaded.
    #[error("post build failed for '{object}': {problem}")]
    Variables {
        /// The first object that needs them.
        object: String,
        /// Why not.
        problem: String,
    },
    /// Variables could not be put into an object.
    #[error("post build failed for '{object}'{place}: envsubst error")]
    Substitute {
        /// The object.
        object: String,
        /// ` (file:line)` that it comes from.
        place: String,
        /// Why not.
        source: SubstituteError,
    },
}

/// Renders the Kustomization `spec` from the directory `path` of `files`, which are the source's root: nothing outside of
/// them is read, and no address is asked for.
///
/// # Errors
/// By variant of [`RenderError`].
pub fn kustomization(
    files: &dyn Files,
    path: &TreePath,
    spec: &KustomizationSpec,
    inputs: &Inputs<'_>,
) -> Result<Rendered, RenderError> {
    let (root, mut warnings) = build_file(files, path, spec)?;
    let options = Options {
        load_restrictions: LoadRestrictions::None,
        reorder: Reorder::None,
        unknown_fields: UnknownFields::DropAndReport,
        root: Some(root),
        ..Options::default()
    };
    let build = kustomize::build(files, path, &options).map_err(RenderError::Build)?;
    warnings.extend(build.warnings.iter().map(ToString::to_string));
    let mut objects = Vec::with_capacity(build.resources.len());
    let mut digest = Sha256::new();
    for (index, resource) in build.resources.iter().enumerate() {
        let object = resource
            .to_object()
            .map_err(|source| RenderError::NotAnObject { place: resource.place().to_string(), source })?;
        let object = substitute(object, inputs)?;
        if index > 0 {
            digest.update(b"---\n");
        }
        digest.update(yaml::print(object.as_value()));
        if !is_build_file(&object) {
            objects.push(object);
        }
    }
    for object in &mut objects {
        stamp(object, inputs.owner, spec.common_metadata.as_ref());
    }
    Ok(Rendered { objects, digest: format!("sha256:{}", hex(&digest.finalize())), warnings })
}

/// The build file of the directory, or one made for it, with the spec laid over it.
fn build_file(
    files: &dyn Files,
    path: &TreePath,
    spec: &KustomizationSpec,
) -> Result<(File, Vec<String>), RenderError> {
    let found = kustomize::find(files, path, UnknownFields::DropAndReport).map_err(RenderError::Build)?;
    let (mut file, warnings) = match found {
        Some((mut file, warnings)) => {
            // Upstream does so to build files that list nothing; it shows on what their generators make.
            if file.resources.is_empty() {
                file.build_metadata = vec!["originAnnotations".to_owned()];
            }
            (file, warnings.iter().map(ToString::to_string).collect())
        }
        None => (kustomize::scan(files, path)?, Vec::new()),
    };
    overrides(files, path, spec)?.apply(&mut file);
    Ok((file, warnings))
}

fn overrides(files: &dyn Files, path: &TreePath, spec: &KustomizationSpec) -> Result<Overrides, RenderError> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let patches = spec.patches.iter().map(|patch| kustomize::Patch {
        patch: patch.patch.clone(),
        target: patch.target.as_ref().map(|target| kustomize::Selector {
            group: text(&target.group),
            version: text(&target.version),
            kind: text(&target.kind),
            name: text(&target.name),
            namespace: text(&target.namespace),
            annotation_selector: text(&target.annotation_selector),
            label_selector: text(&target.label_selector),
            ..kustomize::Selector::default()
        }),
        ..kustomize::Patch::default()
    });
    let images = spec.images.iter().map(|image| kustomize::Image {
        name: image.name.clone(),
        new_name: text(&image.new_name),
        new_tag: text(&image.new_tag),
        digest: text(&image.digest),
        ..kustomize::Image::default()
    });
    let build_metadata = spec.build_metadata.iter().map(|metadata| match metadata {
        api::BuildMetadata::OriginAnnotations => "originAnnotations".to_owned(),
        api::BuildMetadata::TransformerAnnotations => "transformerAnnotations".to_owned(),
    });
    Ok(Overrides {
        namespace: text(&spec.target_namespace),
        name_prefix: text(&spec.name_prefix),
        name_suffix: text(&spec.name_suffix),
        patches: patches.collect(),
        components: components(files, path, spec)?,
        images: images.collect(),
        build_metadata: build_metadata.collect(),
    })
}

/// The components of the spec, less those that are missing if that is allowed.
fn components(files: &dyn Files, path: &TreePath, spec: &KustomizationSpec) -> Result<Vec<String>, RenderError> {
    let mut components = Vec::new();
    for component in &spec.components {
        let outside = || RenderError::Component { path: component.clone() };
        let is_local = !component.is_empty() && !component.starts_with('/') && !component.contains("://");
        let place = path.join(component).map_err(|_| outside())?;
        if !is_local {
            return Err(outside());
        }
        let is_there = matches!(files.kind(&place), Ok(Some(Kind::Dir)));
        if is_there || !spec.ignore_missing_components {
            components.push(component.clone());
        }
    }
    Ok(components)
}

fn substitute(object: Object, inputs: &Inputs<'_>) -> Result<Object, RenderError> {
    let named = |object: &Object| {
        let group = if object.group().is_empty() { "[noGrp]" } else { object.group() };
        format!("{}.{}.{group}/{}", object.kind(), object.version(), object.name())
    };
    match inputs.variables {
        Ok(None) => Ok(object),
        Err(problem) => Err(RenderError::Variables { object: named(&object), problem: problem.clone() }),
        Ok(Some(variables)) => {
            let name = named(&object);
            let place = object.origin().map(|origin| format!(" ({origin})")).unwrap_or_default();
            variables.substitute(object).map_err(|source| RenderError::Substitute { object: name, place, source })
        }
    }
}

/// Whether the object is a build file that found its way into the objects.
fn is_build_file(object: &Object) -> bool {
    object.group() == "kustomize.config.k8s.io" && object.kind() == "Kustomization"
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
