//! Go's JSON of a release: fields in the order of Go's structs, empty ones left out where Go leaves them out.

use std::sync::Arc;

use gotemplate::sprig::encoding::base64;
use gotemplate::sprig::json::{Layout, write};
use serde_json::Value;

use super::{HookRecord, Info, Release};
use crate::chart::{Chart, Dependency, File, ImportValues, Metadata};
use crate::values::to_go;

/// An object that grows field by field.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".to_owned())
    }

    /// Adds a field of which the JSON is known.
    fn raw(mut self, name: &str, json: &str) -> Self {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.extend(["\"", name, "\":", json]);
        self
    }

    fn text(self, name: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.raw(name, &string(text)) }
    }

    fn time(self, name: &str, time: Option<&String>) -> Self {
        match time {
            Some(time) => self.text(name, time),
            None => self,
        }
    }

    fn texts(self, name: &str, texts: &[String]) -> Self {
        if texts.is_empty() { self } else { self.raw(name, &array(texts, |text| string(text))) }
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn value(value: &Value) -> String {
    // Whole numbers of JSON that was read are written as they were.
    write(&to_go(value), Layout { indent: "", escape_html: true }, usize::MAX).unwrap_or_else(|_| "null".to_owned())
}

fn string(text: &str) -> String {
    value(&Value::String(text.to_owned()))
}

fn array<T>(items: &[T], json: impl Fn(&T) -> String) -> String {
    let items: Vec<String> = items.iter().map(json).collect();
    format!("[{}]", items.join(","))
}

/// A slice that Go never made is null.
fn slice<T>(items: &[T], json: impl Fn(&T) -> String) -> String {
    if items.is_empty() { "null".to_owned() } else { array(items, json) }
}

pub(super) fn release(release: &Release) -> String {
    let mut object = Object::new().text("name", &release.name).raw("info", &info(&release.info));
    if let Some(chart) = &release.chart {
        object = object.raw("chart", &self::chart(chart));
    }
    if !release.config.is_empty() {
        object = object.raw("config", &value(&Value::Object(release.config.clone())));
    }
    object = object.text("manifest", &release.manifest);
    if !release.hooks.is_empty() {
        object = object.raw("hooks", &array(&release.hooks, hook));
    }
    if release.version != 0 {
        object = object.raw("version", &release.version.to_string());
    }
    object.text("namespace", &release.namespace).text("apply_method", &release.apply_method).end()
}

pub(super) fn info(info: &Info) -> String {
    let mut object = Object::new()
        .time("first_deployed", info.first_deployed.as_ref())
        .time("last_deployed", info.last_deployed.as_ref())
        .time("deleted", info.deleted.as_ref())
        .text("description", &info.description)
        .text("status", &info.status)
        .text("notes", &info.notes);
    if let Some(resources) = &info.resources {
        object = object.raw("resources", &value(resources));
    }
    object.end()
}

pub(super) fn hook(record: &HookRecord) -> String {
    let hook = &record.hook;
    let last_run = Object::new()
        .time("started_at", record.started_at.as_ref())
        .time("completed_at", record.completed_at.as_ref())
        .raw("phase", &string(&record.phase))
        .end();
    let mut object = Object::new()
        .text("name", &hook.name)
        .text("kind", &hook.kind)
        .text("path", &hook.path)
        .text("manifest", &hook.manifest);
    if !hook.events.is_empty() {
        object = object.raw("events", &array(&hook.events, |event| string(event.as_str())));
    }
    object = object.raw("last_run", &last_run);
    if hook.weight != 0 {
        object = object.raw("weight", &hook.weight.to_string());
    }
    object.texts("delete_policies", &hook.delete_policies).texts("output_log_policies", &hook.output_log_policies).end()
}

fn chart(chart: &Chart) -> String {
    /// Go writes the time it never set.
    const ZERO_TIME: &str = "\"0001-01-01T00:00:00Z\"";
    let bytes = |bytes: &Option<Arc<[u8]>>| bytes.as_ref().map_or("null".to_owned(), |bytes| string(&base64(bytes)));
    let file = |file: &File| {
        let object = Object::new().raw("name", &string(&file.name));
        object.raw("data", &string(&base64(&file.data))).end()
    };
    let values =
        if chart.values.is_empty() { "null".to_owned() } else { value(&Value::Object((*chart.values).clone())) };
    Object::new()
        .raw("metadata", &metadata(&chart.metadata))
        .raw("lock", &chart.lock.as_ref().map_or("null".to_owned(), value))
        .raw("templates", &slice(&chart.templates, file))
        .raw("values", &values)
        .raw("schema", &bytes(&chart.schema))
        .raw("schemamodtime", ZERO_TIME)
        .raw("files", &slice(&chart.files, file))
        .end()
}

pub(crate) fn metadata(metadata: &Metadata) -> String {
    let mut object = Object::new()
        .text("name", &metadata.name)
        .text("home", &metadata.home)
        .texts("sources", &metadata.sources)
        .text("version", &metadata.version)
        .text("description", &metadata.description)
        .texts("keywords", &metadata.keywords);
    if !metadata.maintainers.is_empty() {
        object = object.raw(
            "maintainers",
            &array(&metadata.maintainers, |maintainer| {
                let object = Object::new().text("name", &maintainer.name).text("email", &maintainer.email);
                object.text("url", &maintainer.url).end()
            }),
        );
    }
    object = object
        .text("icon", &metadata.icon)
        .text("apiVersion", metadata.api_version.as_str())
        .text("condition", &metadata.condition)
        .text("tags", &metadata.tags)
        .text("appVersion", &metadata.app_version);
    if metadata.deprecated {
        object = object.raw("deprecated", "true");
    }
    if let Some(annotations) = metadata.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        let annotations = annotations.iter().fold(Object::new(), |object, (key, text)| {
            let key = string(key);
            object.raw(key.trim_matches('"'), &string(text))
        });
        object = object.raw("annotations", &annotations.end());
    }
    object = object.text("kubeVersion", &metadata.kube_version);
    if let Some(dependencies) = metadata.dependencies.as_ref().filter(|dependencies| !dependencies.is_empty()) {
        object = object.raw("dependencies", &array(dependencies, dependency));
    }
    object.text("type", &metadata.kind_text).end()
}

fn dependency(dependency: &Dependency) -> String {
    let mut object = Object::new()
        .raw("name", &string(&dependency.name))
        .text("version", &dependency.version)
        .raw("repository", &string(&dependency.repository))
        .text("condition", &dependency.condition)
        .texts("tags", &dependency.tags);
    if dependency.enabled {
        object = object.raw("enabled", "true");
    }
    if !dependency.import_values.is_empty() {
        object = object.raw(
            "import-values",
            &array(&dependency.import_values, |import| match import {
                ImportValues::Export(name) => string(name),
                ImportValues::Paths { child, parent } => {
                    Object::new().raw("child", &string(child)).raw("parent", &string(parent)).end()
                }
            }),
        );
    }
    object.text("alias", &dependency.alias).end()
}
