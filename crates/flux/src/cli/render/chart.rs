//! `flux render chart`: what `helm template` prints.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufReader, Read as _, Write as _},
    mem::ManuallyDrop,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use gotemplate::{Limits, Moment, Session, Templates, Value};
use helm::{
    Capabilities, Chart, Layers,
    capabilities::KubeVersion,
    chart,
    listing::{self, Listed, Role, Selection},
    release::ReleaseName,
    render::{Release, RenderError, Rendered, Request, SchemaCheck, prepare, render_parsed},
    strvals,
    values::Table,
};
use jiff::Timestamp;

use crate::cli::{
    failure::{self, Failure},
    output::Output,
    render::disk::Disk,
};

/// The name of a release that is given none.
const DEFAULT_NAME: &str = "release-name";
const DEFAULT_NAMESPACE: &str = "default";

// What was typed. Flags mean what they mean to `helm template`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct Args {
    /// The chart: a folder or a .tgz
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    /// The name of the release
    #[arg(value_name = "NAME", conflicts_with = "name_template")]
    name: Option<String>,
    /// Files with values, later ones over earlier ones; - is stdin
    #[arg(short = 'f', long, value_name = "FILE", value_delimiter = ',')]
    values: Vec<String>,
    /// Values: a.b=c,d[0]=e, numbers and booleans as such
    #[arg(long, value_name = "LINE")]
    set: Vec<String>,
    /// Values that are text whatever they look like
    #[arg(long, value_name = "LINE")]
    set_string: Vec<String>,
    /// Values as JSON: a={"b":1}
    #[arg(long, value_name = "LINE")]
    set_json: Vec<String>,
    /// Values that are the contents of files: a=path
    #[arg(long, value_name = "LINE")]
    set_file: Vec<String>,
    /// One value that is text to the end of the line
    #[arg(long, value_name = "LINE")]
    set_literal: Vec<String>,
    /// Print the files below crds/ too
    #[arg(long)]
    include_crds: bool,
    /// Accepted for scripts that set it: CRDs are printed only with --include-crds
    #[arg(long)]
    skip_crds: bool,
    /// Leave hooks out
    #[arg(long)]
    no_hooks: bool,
    /// Leave hooks out that are tests
    #[arg(long)]
    skip_tests: bool,
    /// API versions that the cluster has besides the usual ones
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// The Kubernetes version of the cluster
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Render an upgrade, not an installation
    #[arg(long)]
    is_upgrade: bool,
    /// Print only what these templates made; patterns such as templates/*.yaml
    #[arg(short, long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Do not hold values against values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
    /// A template for the name of the release
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// Put the files of --output-dir into a folder of the release's name
    #[arg(long)]
    release_name: bool,
    /// Write files into this folder instead of printing
    #[arg(long, value_name = "DIR")]
    output_dir: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, namespace: Option<&str>, out: &mut Output) -> Result<(), Failure> {
    let capabilities = capabilities(args)?;
    let name = release_name(args)?;
    let layers = layers(args)?;
    let chart = load(&args.chart)?;
    check_installable(&chart)?;
    let request = Request {
        release: Release {
            name: name.to_string(),
            namespace: namespace.unwrap_or(DEFAULT_NAMESPACE).to_owned(),
            revision: 1,
            is_upgrade: args.is_upgrade,
        },
        capabilities: &capabilities,
        lookup: None,
        schema: if args.skip_schema_validation { SchemaCheck::Skip } else { SchemaCheck::Enforce },
        now: now(),
        random: Box::new(random),
        limits: Limits::default(),
        stop: None,
        post_render: None,
    };
    let rendered = render(chart, layers.values(), request).map_err(|error| refused(error, &layers))?;
    let rendered = ManuallyDrop::new(rendered);
    for warning in &rendered.warnings {
        out.warning(&format!(" {warning}"));
    }
    let selection = Selection { crds: args.include_crds, hooks: !args.no_hooks, tests: !args.skip_tests };
    match &args.output_dir {
        Some(folder) => write(&rendered, selection, folder, args.release_name.then_some(name.as_str()), out),
        None if args.show_only.is_empty() => {
            super::print(rendered.template(selection), out);
            Ok(())
        }
        None => {
            let printed: String = rendered.template(selection).collect();
            let shown = listing::show_only(&printed, &args.show_only);
            out.data(&shown.map_err(|error| Failure::new(error.to_string()))?);
            Ok(())
        }
    }
}

/// As [`helm::render()`], for a process that ends soon, and gives back at once what would take long to take apart.
fn render(mut chart: Chart, values: &Table, request: Request<'_>) -> Result<Rendered, RenderError> {
    let (program, warnings) = prepare(&mut chart, values)?;
    render_parsed(Arc::new(chart), &ManuallyDrop::new(program), values, request, warnings)
}

fn capabilities(args: &Args) -> Result<Capabilities, Failure> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        let parsed = KubeVersion::parse(version);
        let invalid = |error| {
            Failure::new(format!("invalid kube version {version:?}: {error}")).hint("it is such as 1.34 or v1.34.2")
        };
        capabilities.kube_version = parsed.map_err(invalid)?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    Ok(capabilities)
}

fn release_name(args: &Args) -> Result<ReleaseName, Failure> {
    let name = match (&args.name, &args.name_template) {
        (Some(name), _) => name.clone(),
        (None, Some(template)) => from_template(template)?,
        (None, None) => DEFAULT_NAME.to_owned(),
    };
    ReleaseName::parse(&name).map_err(|error| Failure::new(format!("release name check failed: {error}")))
}

fn from_template(template: &str) -> Result<String, Failure> {
    let failed = |error: String| Failure::new(format!("--name-template: {error}"));
    let mut templates = Templates::new(gotemplate::sprig::funcs());
    templates.parse("name-template", template).map_err(|error| failed(error.to_string()))?;
    let mut session = Session::new(now(), random, Limits::default());
    let name = templates.execute("name-template", Value::Nil, &mut session);
    Ok(name.map_err(|error| failed(error.to_string()))?.to_str().into_owned())
}

/// What applies a line of the `--set` family.
type Apply = fn(&mut helm::values::Table, &str) -> Result<(), strvals::SetError>;

/// The values that were given, in helm's order: files, then `--set-json`, `--set`, `--set-string`, `--set-file` and
/// `--set-literal`.
fn layers(args: &Args) -> Result<Layers, Failure> {
    let mut layers = Layers::new();
    for name in &args.values {
        let text = if name.trim() == "-" { read_stdin() } else { fs::read(name) };
        let text = text.map_err(|error| Failure::new(format!("cannot read values from {name}: {error}")))?;
        let read = layers.file(format!("-f {name}"), &text);
        read.map_err(|error| Failure::new(format!("failed to parse {name}: {}", failure::chain(&error))))?;
    }
    let file: Apply = |values, line| strvals::set_file(values, line, &mut read_text);
    let families: [(&str, &[String], Apply); 5] = [
        ("--set-json", &args.set_json, strvals::set_json),
        ("--set", &args.set, strvals::set),
        ("--set-string", &args.set_string, strvals::set_string),
        ("--set-file", &args.set_file, file),
        ("--set-literal", &args.set_literal, strvals::set_literal),
    ];
    for (flag, lines, apply) in families {
        for line in lines {
            let applied = layers.line(flag, |values| apply(values, line));
            // What follows the name may be a password.
            let name = line.split_once('=').map_or(line.as_str(), |(name, _)| name);
            applied.map_err(|error| Failure::new(format!("failed parsing {flag} data for {name:?}: {error}")))?;
        }
    }
    Ok(layers)
}

fn read_stdin() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    io::stdin().read_to_end(&mut text).map(|_| text)
}

fn read_text(path: &str) -> Result<String, String> {
    let bytes = fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())
}

fn load(path: &Path) -> Result<Chart, Failure> {
    let limits = chart::Limits::default();
    let loaded = if path.is_dir() {
        let (disk, folder) = Disk::around(path)?;
        Chart::from_files(&disk, &folder, &limits)
    } else {
        let file = File::open(path);
        let file = file.map_err(|error| {
            let failure = Failure::new(format!("cannot read the chart {}: {error}", path.display()));
            if path.starts_with("oci:") {
                failure.hint("pull the chart first, and render its .tgz")
            } else {
                failure.hint("CHART is the folder of a chart, or a .tgz")
            }
        })?;
        Chart::from_archive(BufReader::new(file), &limits)
    };
    loaded.map_err(|error| Failure::new(format!("chart {}: {}", path.display(), failure::chain(&error))))
}

fn check_installable(chart: &Chart) -> Result<(), Failure> {
    if chart.is_library() {
        return Err(Failure::new(format!("chart {}: library charts are not installable", chart.name())));
    }
    let missing = chart.missing_dependencies();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    let message = format!("chart {}: found in Chart.yaml, but missing in charts/ directory: {missing}", chart.name());
    Err(Failure::new(message).hint("fetch them into charts/, with `helm dependency build`"))
}

fn refused(mut error: RenderError, layers: &Layers) -> Failure {
    if let RenderError::Schema(schema) = &mut error {
        schema.locate(layers);
    }
    Failure::new(failure::chain(&error))
}

/// Writes each document into the file of its template, and says so on stdout as helm does.
///
/// # Deviation
/// helm appends hooks to files that were there before, so that a second run writes them twice.
fn write(
    rendered: &Rendered,
    selection: Selection,
    folder: &Path,
    release: Option<&str>,
    out: &mut Output,
) -> Result<(), Failure> {
    let mut written = BTreeSet::new();
    for listed in rendered.list(selection) {
        let folder = match (listed.role, release) {
            // So does helm: CRDs are not of one release.
            (Role::Crd, _) | (_, None) => folder.to_owned(),
            (_, Some(release)) => folder.join(release),
        };
        let path = below(&folder, &listed)?;
        let is_new = written.insert(path.clone());
        append(&path, &listed.print(), is_new)
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
        out.data(&format!("wrote {}\n", path.display()));
    }
    out.data("\n");
    Ok(())
}

/// Where a document is written; its path may not lead out of the folder, whatever the chart calls itself.
fn below(folder: &Path, listed: &Listed<'_>) -> Result<PathBuf, Failure> {
    let path = Path::new(&*listed.path);
    if path.components().all(|part| matches!(part, Component::Normal(_))) {
        return Ok(folder.join(path));
    }
    Err(Failure::new(format!("the path {} leads out of {}", listed.path, folder.display())))
}

fn append(path: &Path, text: &str, is_new: bool) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut file = File::options().create(true).write(true).append(!is_new).truncate(is_new).open(path)?;
    file.write_all(text.as_bytes())
}

fn now() -> Moment {
    let now = Timestamp::now();
    Moment { seconds: now.as_second(), nanos: now.subsec_nanosecond().unsigned_abs() }
}

#[expect(clippy::expect_used, reason = "without randomness there are no keys and passwords to be had")]
fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has randomness");
}
