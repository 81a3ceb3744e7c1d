//! The trees that are built to be measured.

use std::fmt::Write as _;

/// Files by path, and which directory is built.
pub(super) struct Tree {
    pub(super) files: Vec<(String, String)>,
    pub(super) root: &'static str,
}

impl Tree {
    fn new(root: &'static str) -> Self {
        Self { files: Vec::new(), root }
    }

    fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.files.push((path.to_owned(), text.into()));
        self
    }
}

/// The smallest that anybody has: a base of one Deployment, and an overlay.
pub(super) fn overlay() -> Tree {
    let overlay = "\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: production
resources:
- ../base
images:
- name: registry.example.com/web
  newTag: 2.0.1
";
    Tree::new("overlay")
        .with("base/kustomization.yaml", "resources:\n- web.yaml\n")
        .with("base/web.yaml", deployment(0))
        .with("overlay/kustomization.yaml", overlay)
}

/// Deployments in a file each, with two strategic merge patches and a JSON patch for every one of them.
pub(super) fn patches(count: usize) -> Tree {
    let mut tree = Tree::new(".");
    let mut build = "resources:\n".to_owned();
    for i in 0..count {
        let _ = writeln!(build, "- web-{i}.yaml");
        tree = tree.with(&format!("web-{i}.yaml"), deployment(i));
    }
    build.push_str("patches:\n");
    for i in 0..count {
        let head = format!("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-{i}\n");
        let container = format!(
            "{head}spec:\n  template:\n    spec:\n      containers:\n      - name: app\n        env:\n        - name: EXTRA\n          value: \"{i}\"\n        resources:\n          limits:\n            cpu: 500m\n"
        );
        tree = tree.with(&format!("container-{i}.yaml"), container);
        let _ = writeln!(build, "- path: container-{i}.yaml");
        build.push_str("- patch: |\n");
        for line in format!("{head}  annotations:\n    team: team-{}\nspec:\n  replicas: 5\n", i % 7).lines() {
            let _ = writeln!(build, "    {line}");
        }
        let _ = write!(
            build,
            "- target:\n    kind: Deployment\n    name: web-{i}\n  patch: |\n    - op: replace\n      path: /spec/template/spec/containers/0/image\n      value: registry.example.com/other:{i}\n"
        );
    }
    tree.with("kustomization.yaml", build)
}

/// ConfigMaps generated from literals and a file.
pub(super) fn generators(count: usize) -> Tree {
    let mut build = "configMapGenerator:\n".to_owned();
    for i in 0..count {
        let _ = write!(
            build,
            "- name: settings-{i}\n  files:\n  - application.properties\n  literals:\n  - key={i}\n  - LOG_LEVEL=info\n"
        );
    }
    Tree::new(".")
        .with("application.properties", "server.port=8080\nserver.host=0.0.0.0\ncache.size=1024\n")
        .with("kustomization.yaml", build)
}

/// Custom resource definitions of so many bytes in one file, with what a schema of an operator has: descriptions of
/// several lines, nested properties, enumerations.
pub(super) fn crds(bytes: usize) -> Tree {
    let mut bundle = String::new();
    for i in 0.. {
        if bundle.len() >= bytes {
            break;
        }
        if i > 0 {
            bundle.push_str("---\n");
        }
        let _ = write!(
            bundle,
            "\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  annotations:
    controller-gen.kubebuilder.io/version: v0.17.2
  name: things{i}.example.com
spec:
  group: example.com
  names:
    kind: Thing{i}
    listKind: Thing{i}List
    plural: things{i}
    singular: thing{i}
  scope: Namespaced
  versions:
  - additionalPrinterColumns:
    - jsonPath: .status.conditions[?(@.type==\"Ready\")].status
      name: Ready
      type: string
    name: v1
    schema:
      openAPIV3Schema:
        description: Thing{i} is the Schema for the things API.
        properties:
"
        );
        properties(&mut bundle, 10, 4);
        bundle.push_str(
            "        type: object\n    served: true\n    storage: true\n    subresources:\n      status: {}\n",
        );
    }
    Tree::new(".")
        .with("kustomization.yaml", "resources:\n- crds.yaml\nlabels:\n- pairs:\n    bundle: all\n")
        .with("crds.yaml", bundle)
}

fn properties(out: &mut String, indent: usize, depth: usize) {
    let space = " ".repeat(indent);
    for i in 0..6 {
        let _ = write!(
            out,
            "{space}field{i}:\n{space}  description: |-\n{space}    Field{i} says how the thing behaves when its owner goes away: one of the known policies,\n{space}    or the name of one that the administrator has registered.\n"
        );
        if depth > 0 && i % 3 == 0 {
            let _ = writeln!(out, "{space}  properties:");
            properties(out, indent + 4, depth - 1);
            let _ = write!(out, "{space}  required:\n{space}  - field0\n{space}  type: object\n");
        } else if i % 3 == 1 {
            let _ = write!(
                out,
                "{space}  default: Retain\n{space}  enum:\n{space}  - Retain\n{space}  - Delete\n{space}  type: string\n"
            );
        } else {
            let _ = write!(out, "{space}  format: int32\n{space}  minimum: {i}\n{space}  type: integer\n");
        }
    }
}

/// A quarter each of ConfigMaps, ServiceAccounts, Deployments that refer to both, and Services, under a prefix, a
/// namespace, labels and an image.
pub(super) fn references(count: usize) -> Tree {
    let mut objects = String::new();
    for i in 0..count / 4 {
        let _ = write!(
            objects,
            "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: config-{i}
data:
  key: \"{i}\"
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: account-{i}
---
{}---
apiVersion: v1
kind: Service
metadata:
  name: web-{i}
spec:
  ports:
  - name: http
    port: 80
    targetPort: 8080
  selector:
    app: web-{i}
---
",
            deployment(i)
        );
    }
    let build = "\
namePrefix: production-
namespace: production
labels:
- includeSelectors: true
  pairs:
    team: web
images:
- name: registry.example.com/web
  newTag: 2.0.1
resources:
- objects.yaml
";
    Tree::new(".").with("kustomization.yaml", build).with("objects.yaml", objects)
}

/// A Deployment that refers to a ConfigMap and a ServiceAccount of the same number.
fn deployment(i: usize) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{i}
  labels:
    app: web-{i}
spec:
  replicas: 1
  selector:
    matchLabels:
      app: web-{i}
  template:
    metadata:
      labels:
        app: web-{i}
    spec:
      serviceAccountName: account-{i}
      containers:
      - name: app
        image: registry.example.com/web:1.0.0
        ports:
        - containerPort: 8080
          name: http
        env:
        - name: KEY
          valueFrom:
            configMapKeyRef:
              name: config-{i}
              key: key
        envFrom:
        - configMapRef:
            name: config-{i}
"
    )
}
