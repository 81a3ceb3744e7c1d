//! Post-rendering hands over, and takes back, what the real helm does.

use std::fs;
use std::path::Path;

use ::helm::listing::Selection;
use ::helm::post_render::{PostRender, Strategy};
use ::helm::render::{Release, Request, SchemaCheck};
use ::helm::{Capabilities, Chart};
use gotemplate::{Limits, Moment};

use super::{chart, difference, helm};

/// Renders a packed chart with a post-renderer, as `helm template` lists it.
fn render(archive: &Path, strategy: Strategy, post_renderer: &mut dyn PostRender) -> Result<String, String> {
    let chart = Chart::from_archive(fs::File::open(archive).unwrap(), &::helm::chart::Limits::default()).unwrap();
    let request = Request {
        release: Release { name: "rel".to_owned(), namespace: "space".to_owned(), revision: 1, is_upgrade: false },
        capabilities: &Capabilities::default(),
        lookup: None,
        schema: SchemaCheck::Enforce,
        now: Moment::default(),
        random: Box::new(|bytes: &mut [u8]| bytes.fill(7)),
        limits: Limits::default(),
        stop: None,
        post_render: Some((strategy, post_renderer)),
    };
    let rendered = ::helm::render(&chart, &serde_json::Map::new(), request).map_err(|error| error.to_string())?;
    Ok(rendered.template(Selection { crds: false, hooks: true, tests: true }).collect())
}

/// Keeps the stream that it was given, and changes a text in it.
struct Replace {
    seen: Vec<String>,
    what: &'static str,
    with: &'static str,
}

impl PostRender for Replace {
    fn post_render(&mut self, documents: String) -> Result<String, String> {
        let changed = documents.replace(self.what, self.with);
        self.seen.push(documents);
        Ok(changed)
    }
}

const PLUGIN: &str = r#"apiVersion: v1
type: postrenderer/v1
name: replace
version: 0.1.0
runtime: subprocess
runtimeConfig:
  platformCommand:
  - command: sh
    args: ["-c", "tee seen | sed 's/example/changed/g'"]
"#;

#[test]
fn the_stream_and_its_return_are_those_of_helm() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("plugins/replace");
    fs::create_dir_all(&plugin).unwrap();
    fs::write(plugin.join("plugin.yaml"), PLUGIN).unwrap();
    for name in ["store", "shop", "catalogue"] {
        let pack = ["package".to_owned(), chart(name).display().to_string(), "-d".to_owned(), name.to_owned()];
        assert!(helm(&pack, folder.path(), &[]).ok);
        let archive = fs::read_dir(folder.path().join(name)).unwrap().next().unwrap().unwrap().path();
        let mut post_renderer = Replace { seen: Vec::new(), what: "example", with: "changed" };
        let ours = render(&archive, Strategy::Combined, &mut post_renderer).unwrap();

        let args = super::words("template rel -n space --post-renderer replace");
        let args = [args, vec![archive.display().to_string()]].concat();
        let theirs = helm(&args, folder.path(), &[("HELM_PLUGINS", &folder.path().join("plugins"))]);
        assert!(theirs.ok, "{}", theirs.err);
        let seen = fs::read_to_string(folder.path().join("seen")).unwrap();
        assert!(post_renderer.seen == [seen.as_str()], "{name}: {}", difference(&seen, &post_renderer.seen[0]));
        assert!(ours == theirs.out, "{name}: {}", difference(&theirs.out, &ours));
    }
}

#[test]
fn hooks_are_apart_or_left_alone_by_strategy() {
    let folder = tempfile::tempdir().unwrap();
    let pack = ["package".to_owned(), chart("store").display().to_string()];
    assert!(helm(&pack, folder.path(), &[]).ok);
    let archive = folder.path().join("store-1.0.0+build.1.tgz");
    let seen = |strategy| {
        let mut post_renderer = Replace { seen: Vec::new(), what: "revision:", with: "number:" };
        let printed = render(&archive, strategy, &mut post_renderer).unwrap();
        (post_renderer.seen, printed)
    };
    let (streams, printed) = seen(Strategy::Combined);
    assert!(streams.len() == 1 && printed.contains("number:"));
    let (streams, printed) = seen(Strategy::Separate);
    assert!(streams.len() == 2 && streams[0].contains("helm.sh/hook") && !streams[1].contains("helm.sh/hook"));
    assert!(printed.contains("number:"));
    let (streams, printed) = seen(Strategy::NoHooks);
    assert!(streams.len() == 1 && !streams[0].contains("helm.sh/hook") && printed.contains("revision:"));
}

struct Refuse(&'static str);

impl PostRender for Refuse {
    fn post_render(&mut self, _: String) -> Result<String, String> {
        if self.0.is_empty() { Err("no".to_owned()) } else { Ok(self.0.to_owned()) }
    }
}

#[test]
fn what_cannot_be_read_back_is_an_error_and_what_is_new_gets_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let pack = ["package".to_owned(), chart("store").display().to_string()];
    assert!(helm(&pack, folder.path(), &[]).ok);
    let archive = folder.path().join("store-1.0.0+build.1.tgz");
    assert!(render(&archive, Strategy::Combined, &mut Refuse("")).is_err());
    assert!(render(&archive, Strategy::Combined, &mut Refuse("a: [")).is_err());
    let printed = render(&archive, Strategy::Combined, &mut Refuse("kind: A\n---\nkind: B\n")).unwrap();
    assert_eq!(
        printed,
        "---\n# Source: generated-by-postrender-0.yaml\nkind: A\n\n---\n# Source: generated-by-postrender-1.yaml\nkind: B\n"
    );
}
