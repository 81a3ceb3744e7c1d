//! What a random build file asks for besides its objects.

use serde_json::{Map, Value, json};

use super::objects::{NAMES, image, label, text};
use super::{Builder, Known, patches, style};

impl Builder {
    /// Adds random fields to a build file, and the files that they name.
    pub(super) fn features(&mut self, dir: &str, kind: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        type Feature = fn(&mut Builder, &str, &mut Map<String, Value>, &mut Vec<Known>);
        let features: [(u32, Feature); 15] = [
            (30, Self::names),
            (40, Self::labels),
            (25, Self::images),
            (45, Self::patches),
            (20, Self::deprecated_patches),
            (35, Self::generators),
            (25, Self::replacements),
            (12, Self::vars),
            (20, Self::transformers),
            (8, Self::validators),
            (12, Self::configurations),
            (8, Self::schemas),
            (10, Self::metadata),
            (10, Self::order),
            (1, Self::odd),
        ];
        for (percent, feature) in features {
            if self.random.chance(percent) {
                feature(self, dir, build, known);
            }
        }
        if build.is_empty() || (kind == "Kustomization" && build.len() == 1 && build.contains_key("sortOptions")) {
            build.insert("namePrefix".to_owned(), json!("p-"));
        }
    }

    fn known(&mut self, known: &[Known]) -> Known {
        let nobody =
            || Known { api_version: "v1".into(), kind: "ConfigMap".into(), name: "nobody".into(), namespace: None };
        if known.is_empty() { nobody() } else { known[self.random.below(known.len())].clone() }
    }

    /// A file beside the build file.
    fn beside(&mut self, dir: &str, name: &str, value: &Value) -> Value {
        let name = format!("{name}-{}.yaml", self.number());
        self.yaml(&format!("{dir}/{name}"), value);
        json!(name)
    }

    fn text_of(&mut self, value: &Value) -> String {
        style::document(&mut self.random, value)
    }

    fn names(&mut self, _: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        if self.random.chance(50) {
            build.insert("namePrefix".to_owned(), json!(self.random.pick(&["pre-", "a-", "x"])));
        }
        if self.random.chance(30) {
            build.insert("nameSuffix".to_owned(), json!(self.random.pick(&["-v1", "-b", "y"])));
        }
        if self.random.chance(50) {
            build.insert("namespace".to_owned(), json!(self.random.pick(&["prod", "team-b", "default"])));
        }
        let scaled = known.iter().find(|k| matches!(k.kind.as_str(), "Deployment" | "StatefulSet"));
        if let Some(scaled) = scaled.filter(|_| self.random.chance(60)) {
            build.insert("replicas".to_owned(), json!([{ "name": scaled.name, "count": self.random.below(7) }]));
        }
    }

    fn labels(&mut self, _: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let (key, value) = label(&mut self.random);
        if self.random.chance(30) {
            build.insert("commonLabels".to_owned(), json!({ key: value }));
        }
        if self.random.chance(40) {
            let note = text(&mut self.random);
            build.insert("commonAnnotations".to_owned(), json!({ "common": note, "number": "5" }));
        }
        if self.random.chance(60) {
            let (key, value) = label(&mut self.random);
            let mut entry = json!({ "pairs": { key: value, "extra": "yes" } });
            match self.random.below(4) {
                0 => entry["includeSelectors"] = json!(true),
                1 => entry["includeTemplates"] = json!(true),
                2 => {
                    entry["fields"] = json!([{ "path": "spec/template/metadata/labels", "create": self.random.chance(50), "kind": "MyKind" }]);
                }
                _ => {}
            }
            build.insert("labels".to_owned(), json!([entry]));
        }
    }

    fn images(&mut self, _: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let mut list = Vec::new();
        for _ in 0..=self.random.below(2) {
            let mut entry = json!({ "name": self.random.pick(&["nginx", "redis", "foo/bar", "registry.example.com:5000/team/nginx"]) });
            if self.random.chance(50) {
                entry["newName"] = json!(self.random.pick(&["mirror.example.com/nginx", "other"]));
            }
            match self.random.below(4) {
                0 => entry["newTag"] = json!(self.random.pick(&["1.2.3", "v2", "1e3"])),
                1 => entry["digest"] = json!("sha256:25a0d4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3"),
                2 => entry["tagSuffix"] = json!("-alpine"),
                _ => {}
            }
            list.push(entry);
        }
        build.insert("images".to_owned(), Value::Array(list));
    }

    fn patches(&mut self, dir: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        let mut list = Vec::new();
        for _ in 0..=self.random.below(3) {
            let object = self.known(known);
            let is_json = self.random.chance(35);
            let patch = if is_json {
                patches::json6902(&mut self.random, &object)
            } else {
                patches::strategic(&mut self.random, &object)
            };
            let mut entry = Map::new();
            if is_json || self.random.chance(25) {
                entry.insert("target".to_owned(), patches::selector(&mut self.random, &object, is_json));
            }
            if self.random.chance(50) {
                entry.insert("path".to_owned(), self.beside(dir, "patch", &patch));
            } else if is_json && self.random.chance(30) {
                entry.insert("patch".to_owned(), json!(patch.to_string()));
            } else {
                let mut text = self.text_of(&patch);
                if !is_json && !entry.contains_key("target") && self.random.chance(15) {
                    let object = self.known(known);
                    let second = patches::strategic(&mut self.random, &object);
                    text = format!("{text}---\n{}", self.text_of(&second));
                }
                entry.insert("patch".to_owned(), json!(text));
            }
            if self.random.chance(10) {
                let options =
                    json!({ "allowNameChange": self.random.chance(50), "allowKindChange": self.random.chance(50) });
                entry.insert("options".to_owned(), options);
            }
            list.push(Value::Object(entry));
        }
        build.insert("patches".to_owned(), Value::Array(list));
    }

    fn deprecated_patches(&mut self, dir: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        let object = self.known(known);
        let patch = patches::strategic(&mut self.random, &object);
        let entry =
            if self.random.chance(50) { self.beside(dir, "strategic", &patch) } else { json!(self.text_of(&patch)) };
        build.insert("patchesStrategicMerge".to_owned(), json!([entry]));
        if self.random.chance(40) {
            let object = self.known(known);
            let target = json!({ "version": object.version(), "group": object.group(), "kind": object.kind, "name": object.name });
            let patch = patches::json6902(&mut self.random, &object);
            let mut entry = json!({ "target": target });
            if self.random.chance(50) {
                entry["path"] = self.beside(dir, "json", &patch);
            } else {
                entry["patch"] = json!(self.text_of(&patch));
            }
            build.insert("patchesJson6902".to_owned(), json!([entry]));
        }
    }

    fn generators(&mut self, dir: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        for (field, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            if !self.random.chance(60) {
                continue;
            }
            let mut list = Vec::new();
            for _ in 0..=self.random.below(2) {
                let mut entry = json!({ "name": self.random.pick(NAMES) });
                if self.random.chance(60) {
                    entry["literals"] = json!([
                        format!("k{}={}", self.random.below(4), text(&mut self.random)),
                        "quoted=\"a b\"",
                        "c='d'"
                    ]);
                }
                if self.random.chance(40) {
                    let name = format!("data-{}.bin", self.number());
                    let bytes: &[u8] = match self.random.below(5) {
                        0 => b"\xff\xfe\x00binary",
                        1 => b"a=b\nc=d # e\n",
                        2 => b"trailing space \n\ttab\n\n",
                        3 => b"windows\r\nlines\r\n",
                        _ => "# unicode \u{e9}\n".as_bytes(),
                    };
                    self.file(&format!("{dir}/{name}"), bytes);
                    entry["files"] =
                        if self.random.chance(50) { json!([name]) } else { json!([format!("renamed.txt={name}")]) };
                }
                if self.random.chance(30) {
                    let name = format!("env-{}.env", self.number());
                    self.file(
                        &format!("{dir}/{name}"),
                        "# comment\nA=1\n\nB=two words\nC=\"quoted\"\nD=a=b\n".as_bytes(),
                    );
                    entry[if self.random.chance(80) { "envs" } else { "env" }] = json!([name]);
                    if entry.get("env").is_some() {
                        entry["env"] = json!(name);
                    }
                }
                let exists = known.iter().any(|k| k.kind == kind && entry["name"] == k.name.as_str());
                if exists {
                    entry["behavior"] = json!(self.random.pick(&["merge", "merge", "replace"]));
                } else if self.random.chance(10) {
                    entry["behavior"] = json!("create");
                }
                if self.random.chance(25) {
                    entry["options"] = json!({ "labels": { "gen": "1" }, "annotations": { "a": "b" },
                        "disableNameSuffixHash": self.random.chance(50), "immutable": self.random.chance(30) });
                }
                if !exists && self.random.chance(5) {
                    entry["namespace"] = json!("prod");
                }
                if kind == "Secret" && self.random.chance(30) {
                    entry["type"] = json!(self.random.pick(&["Opaque", "example.com/x"]));
                }
                known.push(Known {
                    api_version: "v1".into(),
                    kind: kind.into(),
                    name: entry["name"].as_str().unwrap_or_default().into(),
                    namespace: entry["namespace"].as_str().map(str::to_owned),
                });
                list.push(entry);
            }
            build.insert(field.to_owned(), Value::Array(list));
        }
        if self.random.chance(25) {
            build.insert(
                "generatorOptions".to_owned(),
                json!({ "disableNameSuffixHash": self.random.chance(50), "immutable": self.random.chance(20),
                    "labels": { "all": "gen" }, "annotations": { "made": text(&mut self.random) } }),
            );
        }
    }

    /// A field that objects of this kind have, mostly.
    fn path(&mut self, known: &Known, must_be: bool) -> &'static str {
        if self.random.chance(if must_be { 40 } else { 25 }) {
            return "metadata.name";
        }
        if !must_be && self.random.chance(30) {
            return self.random.pick(&[
                "metadata.annotations.note",
                "metadata.labels.app",
                "metadata.annotations.[a.b/c]",
                "metadata.namespace",
            ]);
        }
        match known.kind.as_str() {
            "ConfigMap" if must_be => self.random.pick(&["data.key", "kind", "data.[app.conf]", "data.host"]),
            "ConfigMap" => self.random.pick(&[
                "data.key",
                "data.[app.conf]",
                "data.json",
                "data.new",
                "data.host",
                "data.json.a.b.[=x]",
                "data.json.a.c",
            ]),
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" if must_be => self.random.pick(&[
                "spec.template.spec.containers.0.image",
                "spec.template.spec.containers.[name=app].image",
                "spec.template",
            ]),
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => self.random.pick(&[
                "spec.template.spec.containers.[name=app].image",
                "spec.template.spec.containers.*.image",
                "spec.template.spec.containers.0.image",
                "spec.template.spec.containers.[name=app].env.[name=PLAIN].value",
                "spec.template.metadata.labels.app",
                "spec.template.spec.containers.[name=.*r].image",
                "spec.template.spec.containers.[name=app].args.[=--verbose]",
                "spec.template.spec.containers.*.env.*.name",
                "spec.template.spec.containers.-.name",
                "spec.template.spec.volumes.[name=tmp].name",
                "spec.template.metadata.annotations.new",
            ]),
            "MyKind" => self.random.pick(&[
                "spec.items.[name=b].value",
                "spec.configRef",
                "spec.list.1",
                "spec.ratio",
                "spec.items.0.name",
            ]),
            "Service" => self.random.pick(&["spec.ports.0.port", "spec.selector.app", "spec.ports.[port=443].name"]),
            _ if must_be => self.random.pick(&["kind", "metadata.name", "apiVersion"]),
            _ => self.random.pick(&["metadata.name", "metadata.annotations.note", "spec.added"]),
        }
    }

    fn replacement(&mut self, known: &[Known]) -> Value {
        let (from, to) = (self.known(known), self.known(known));
        let mut source = json!({ "kind": from.kind, "name": from.name });
        if self.random.chance(70) {
            source["fieldPath"] = json!(self.path(&from, true));
        }
        if self.random.chance(10) {
            source["options"] =
                json!({ "delimiter": self.random.pick(&[":", ".", "/"]), "index": self.random.below(8) / 7 });
        }
        let mut target =
            json!({ "select": { "kind": to.kind, "name": to.name }, "fieldPaths": [self.path(&to, false)] });
        match self.random.below(12) {
            0 => target["select"] = json!({ "kind": to.kind }),
            1 => target["select"]["name"] = json!(format!("({}|.*-1)", to.name)),
            2 => target["select"] = json!({ "kind": format!("^{}$", to.kind), "name": "[a-w].*" }),
            3 => target["select"]["labelSelector"] = json!(self.random.pick(&["app=web", "own", "!tier"])),
            4 => target["select"]["annotationSelector"] = json!("sidecar=true"),
            5 => target["select"] = json!({ "group": to.group(), "version": to.version(), "kind": to.kind }),
            6 => target["fieldPaths"] = json!([self.path(&to, false), "metadata.name"]),
            _ => {}
        }
        if self.random.chance(15) {
            target["reject"] = json!([{ "name": self.random.pick(NAMES) }]);
        }
        if self.random.chance(80) {
            target["options"] = json!({ "create": true });
        } else if self.random.chance(30) {
            target["options"] = json!({ "delimiter": self.random.pick(&[":", "/", "-"]), "index": self.random.below(8) / 7, "create": self.random.chance(30) });
        }
        if self.random.chance(3) {
            target["options"]["encoding"] = json!("base64");
        }
        if self.random.chance(10) {
            json!({ "sourceValue": self.random.pick(&["given", "7", "true", "a:b"]), "targets": [target] })
        } else {
            json!({ "source": source, "targets": [target] })
        }
    }

    fn replacements(&mut self, dir: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        let mut list = Vec::new();
        for _ in 0..=self.random.below(2) {
            let replacement = self.replacement(known);
            list.push(if self.random.chance(25) {
                json!({ "path": self.beside(dir, "replacement", &replacement) })
            } else {
                replacement
            });
        }
        build.insert("replacements".to_owned(), Value::Array(list));
    }

    fn vars(&mut self, _: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        let object = self.known(known);
        let mut var = json!({ "name": self.random.pick(&["NAME", "OTHER", "VAR", "V4", "V5", "V6"]), "objref": { "apiVersion": object.api_version, "kind": object.kind, "name": object.name } });
        if self.random.chance(15) {
            var["fieldref"] = json!({ "fieldpath": self.random.pick(&["metadata.name", "metadata.namespace", "spec.replicas", "metadata.labels.own"]) });
        }
        let mut vars = vec![var];
        if self.random.chance(20) {
            let object = self.known(known);
            vars.push(json!({ "name": format!("V{}", self.number()), "objref": { "apiVersion": object.api_version, "kind": object.kind, "name": object.name, "namespace": object.namespace } }));
        }
        build.insert("vars".to_owned(), Value::Array(vars));
    }

    fn transformers(&mut self, dir: &str, build: &mut Map<String, Value>, known: &mut Vec<Known>) {
        let mut entries = Vec::new();
        for i in 0..=self.random.below(2) {
            let config = self.transformer(dir, known, i);
            entries.push(self.config(dir, &config));
        }
        build.insert("transformers".to_owned(), Value::Array(entries));
        if self.random.chance(30) {
            let config = self.generator(dir);
            let entry = self.config(dir, &config);
            build.insert("generators".to_owned(), json!([entry]));
        }
    }

    /// A configuration inline, in a file, or built from a directory.
    fn config(&mut self, dir: &str, config: &Value) -> Value {
        match self.random.below(5) {
            0..=1 => self.beside(dir, "config", config),
            2..=3 => json!(self.text_of(config)),
            _ => {
                let below = format!("configs-{}", self.number());
                let entry = self.beside(&format!("{dir}/{below}"), "config", config);
                self.yaml(&format!("{dir}/{below}/kustomization.yaml"), &json!({ "resources": [entry] }));
                json!(below)
            }
        }
    }

    fn generator(&mut self, dir: &str) -> Value {
        let mut config = match self.random.below(3) {
            0 => {
                json!({ "kind": "ConfigMapGenerator", "literals": ["a=b"], "options": { "disableNameSuffixHash": self.random.chance(50) } })
            }
            1 => {
                let file = format!("secret-{}.txt", self.number());
                self.file(&format!("{dir}/{file}"), "hidden\n");
                json!({ "kind": "SecretGenerator", "files": [file], "type": "Opaque", "name": "own-name" })
            }
            _ => {
                json!({ "kind": "IAMPolicyGenerator", "cloud": "gke", "kubernetesService": { "name": "account", "namespace": "prod" },
                "serviceAccount": { "name": "gsa", "projectId": "project" } })
            }
        };
        config["apiVersion"] = json!("builtin");
        config["metadata"] = json!({ "name": "generated" });
        config
    }

    fn transformer(&mut self, dir: &str, known: &[Known], i: usize) -> Value {
        let object = self.known(known);
        let target = json!({ "kind": object.kind, "name": object.name });
        let full =
            json!({ "kind": object.kind, "name": object.name, "group": object.group(), "version": object.version() });
        let name_specs = json!([{ "path": "metadata/name" }]);
        let specs = json!([{ "path": "metadata/annotations", "create": true }, { "path": "spec/template/metadata/annotations", "create": true, "kind": "Deployment" }]);
        let mut config = match self.random.below(17) {
            0 => json!({ "kind": "PrefixTransformer", "prefix": "t-", "fieldSpecs": name_specs }),
            1 => {
                json!({ "kind": "SuffixTransformer", "suffix": "-t", "fieldSpecs": [{ "path": "metadata/name", "kind": object.kind }] })
            }
            2 => {
                json!({ "kind": "PrefixSuffixTransformer", "prefix": "ps-", "suffix": "-ps", "fieldSpecs": name_specs })
            }
            3 => {
                json!({ "kind": "NamespaceTransformer", "metadata": { "namespace": "from-transformer" }, "unsetOnly": self.random.chance(50),
                "setRoleBindingSubjects": self.random.pick(&["allServiceAccounts", "defaultOnly", "none"]),
                "fieldSpecs": [{ "path": "metadata/namespace", "create": true }] })
            }
            4 => {
                json!({ "kind": "LabelTransformer", "labels": { "by": "transformer", "flag": self.random.chance(50) }, "fieldSpecs": [{ "path": "metadata/labels", "create": true }] })
            }
            5 => {
                json!({ "kind": "AnnotationsTransformer", "annotations": { "by": text(&mut self.random) }, "fieldSpecs": specs })
            }
            6 => {
                json!({ "kind": "ImageTagTransformer", "imageTag": { "name": "nginx", "newTag": "t" }, "fieldSpecs": [{ "path": "spec/image" }] })
            }
            7 if object.kind == "MyKind" || self.random.chance(10) => {
                json!({ "kind": "ReplicaCountTransformer", "replica": { "name": object.name, "count": 9 }, "fieldSpecs": [{ "path": "spec/replicas", "create": true, "kind": "MyKind" }] })
            }
            8 => {
                let patch = patches::strategic(&mut self.random, &object);
                let options =
                    json!({ "allowNameChange": self.random.chance(50), "allowKindChange": self.random.chance(50) });
                let mut config = json!({ "kind": "PatchTransformer", "target": target });
                if self.random.chance(50) {
                    config["options"] = options;
                }
                if self.random.chance(50) {
                    config["path"] = self.beside(dir, "patch", &patch);
                } else {
                    config["patch"] = json!(self.text_of(&patch));
                }
                config
            }
            9 => {
                let patch = patches::json6902(&mut self.random, &object);
                json!({ "kind": "PatchJson6902Transformer", "target": full, "jsonOp": patch.to_string() })
            }
            10 => {
                let patch = patches::json6902(&mut self.random, &object);
                json!({ "kind": "PatchJson6902Transformer", "target": full, "path": self.beside(dir, "json", &patch) })
            }
            11 => {
                let patch = patches::strategic(&mut self.random, &object);
                json!({ "kind": "PatchStrategicMergeTransformer", "patches": self.text_of(&patch) })
            }
            12 => {
                let patch = patches::strategic(&mut self.random, &object);
                json!({ "kind": "PatchStrategicMergeTransformer", "paths": [self.beside(dir, "strategic", &patch)] })
            }
            13 => {
                let path = if self.random.chance(70) { "metadata/annotations/added" } else { "metadata/name" };
                json!({ "kind": "ValueAddTransformer", "value": self.random.pick(&["added", "5", "x-"]),
                    "targets": [{ "selector": target, "fieldPath": path, "filePathPosition": self.random.below(3) }] })
            }
            14 => json!({ "kind": "HashTransformer" }),
            15 => {
                let replacement = self.replacement(known);
                json!({ "kind": "ReplacementTransformer", "replacements": [{ "path": self.beside(dir, "replacement", &replacement) }] })
            }
            _ => json!({ "kind": "ReplacementTransformer", "replacements": [self.replacement(known)] }),
        };
        config["apiVersion"] = json!("builtin");
        config["metadata"]["name"] = json!(format!("transformer-{i}"));
        config
    }

    fn validators(&mut self, dir: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let config = json!({ "apiVersion": "builtin", "kind": "LabelTransformer", "metadata": { "name": "validator" }, "labels": { "valid": "1" },
            "fieldSpecs": [{ "path": "metadata/labels", "create": self.random.chance(10), "kind": "Nothing" }] });
        let entry = self.config(dir, &config);
        build.insert("validators".to_owned(), json!([entry]));
    }

    fn configurations(&mut self, dir: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let parts = [
            (
                "nameReference",
                json!([{ "kind": "ConfigMap", "version": "v1", "fieldSpecs": [{ "kind": "MyKind", "path": "spec/configRef" }] }]),
            ),
            ("commonLabels", json!([{ "path": "spec/template/metadata/labels", "kind": "MyKind", "create": true }])),
            ("commonAnnotations", json!([{ "path": "spec/annotations", "kind": "MyKind", "create": true }])),
            ("images", json!([{ "path": "spec/image", "kind": "MyKind" }])),
            ("replicas", json!([{ "path": "spec/replicas", "kind": "MyKind", "create": true }])),
            (
                "varReference",
                json!([{ "path": "data", "kind": "ConfigMap" }, { "path": "spec/configRef", "kind": "MyKind" }]),
            ),
            ("namespace", json!([{ "path": "spec/namespace", "kind": "MyKind", "create": true }])),
            ("namePrefix", json!([{ "path": "spec/configRef", "kind": "MyKind" }])),
        ];
        let mut config = Map::new();
        for (field, value) in parts {
            if self.random.chance(40) {
                config.insert(field.to_owned(), value);
            }
        }
        let entry = self.beside(dir, "config", &Value::Object(config));
        build.insert("configurations".to_owned(), json!([entry]));
    }

    fn schemas(&mut self, dir: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let reference = json!({ "x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap", "type": "string", "x-kubernetes-object-ref-name-key": "name" });
        let spec = json!({ "Schema": { "properties": { "ref": reference } } });
        let crd = json!({ "example.com/v1.MyKind": { "Schema": { "properties": { "apiVersion": { "type": "string" }, "kind": { "type": "string" },
            "metadata": { "type": "object" }, "spec": { "$ref": "example.com/v1.MySpec" } } } }, "example.com/v1.MySpec": spec });
        if self.random.chance(50) {
            let entry = self.beside(dir, "crd", &crd);
            build.insert("crds".to_owned(), json!([entry]));
        }
        if self.random.chance(50) {
            let schema = json!({ "definitions": { "com.example.v1.MyKind": {
                "x-kubernetes-group-version-kind": [{ "group": "example.com", "version": "v1", "kind": "MyKind" }],
                "properties": { "spec": { "type": "object", "properties": { "items": { "type": "array", "x-kubernetes-patch-merge-key": "name",
                    "x-kubernetes-patch-strategy": "merge", "items": { "type": "object" } } } } } } } });
            let name = format!("schema-{}.json", self.number());
            self.file(&format!("{dir}/{name}"), schema.to_string());
            build.insert("openapi".to_owned(), json!({ "path": name }));
        }
    }

    fn metadata(&mut self, _: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let mut list: Vec<&str> = ["originAnnotations", "transformerAnnotations", "managedByLabel"]
            .into_iter()
            .filter(|_| self.random.chance(50))
            .collect();
        self.random.shuffle(&mut list);
        build.insert("buildMetadata".to_owned(), json!(list));
        build.insert("metadata".to_owned(), json!({ "name": "build", "labels": { "a": "b" } }));
    }

    fn order(&mut self, _: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        build.insert("sortOptions".to_owned(), match self.random.below(3) {
            0 => json!({ "order": "fifo" }),
            1 => json!({ "order": "legacy" }),
            _ => json!({ "order": "legacy", "legacySortOptions": { "orderFirst": ["Service", "Namespace"], "orderLast": ["ConfigMap"] } }),
        });
    }

    /// What kustomize refuses, or reads although it is hardly right.
    fn odd(&mut self, _: &str, build: &mut Map<String, Value>, _: &mut Vec<Known>) {
        let image = image(&mut self.random);
        let (field, value) = match self.random.below(7) {
            0 => ("resource", json!(["x.yaml"])),
            1 => ("namePrefix", json!(5)),
            2 => ("resources", json!(["missing.yaml"])),
            3 => ("imageTags", json!([{ "name": image, "newTag": "old" }])),
            4 => ("commonLabels", json!({ "a": true })),
            5 => ("helmCharts", json!([{ "name": "x" }])),
            _ => ("NamePrefix", json!("case-")),
        };
        build.insert(field.to_owned(), value);
    }
}
