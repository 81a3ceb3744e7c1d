//! The repository that is run when none is named: `examples/fleet`, as it was when this program was built.

use std::fs;
use std::io;
use std::path::Path;

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        [$(($path, include_str!(concat!("../../../../../examples/fleet/", $path)))),*]
    };
}

/// Paths and contents.
const FILES: [(&str, &str); 17] = files![
    "README.md",
    "apps/base/deployment.yaml",
    "apps/base/kustomization.yaml",
    "apps/base/service.yaml",
    "apps/production/kustomization.yaml",
    "apps/production/settings.env",
    "apps/staging/kustomization.yaml",
    "apps/staging/settings.env",
    "clusters/sandbox/apps.yaml",
    "clusters/sandbox/flux-system/gotk-sync.yaml",
    "clusters/sandbox/infrastructure.yaml",
    "clusters/sandbox/kustomization.yaml",
    "infrastructure/kustomization.yaml",
    "infrastructure/limits.yaml",
    "infrastructure/namespaces.yaml",
    "infrastructure/teams-crd.yaml",
    "infrastructure/teams.yaml",
];

/// Writes the example below a directory.
pub(super) fn write(folder: &Path) -> io::Result<()> {
    for (path, content) in FILES {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_file_of_the_example_is_built_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/fleet");
        let (mut folders, mut found) = (vec![folder.clone()], BTreeSet::new());
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
                }
            }
        }
        assert_eq!(found, FILES.iter().map(|(path, _)| (*path).to_owned()).collect());
    }
}
