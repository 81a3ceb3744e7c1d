//! `flux get`: lists objects and how they are.

use clap::{ArgMatches, FromArgMatches, Subcommand};
use futures::StreamExt as _;
use kube::{
    api::WatchParams,
    core::{DynamicObject, WatchEvent},
};
use tokio::time::timeout_at;

use crate::cli::{
    cluster::{Cluster, Selection},
    failure::Failure,
    kinds::{Family, ROWS, Row, families},
    output::Output,
    readiness,
    settings::Settings,
    table,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  # Everything in all namespaces
  flux get all -A

  # What is not ready
  flux get kustomizations -A --status-selector ready=false

  # Follow the sources
  flux get sources git --watch";

// What was typed.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    target: Target,
}

#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
struct Flags {
    /// Objects of all namespaces
    #[arg(short = 'A', long, global = true)]
    all_namespaces: bool,
    /// Rows without a header
    #[arg(long, global = true)]
    no_header: bool,
    /// Go on listing objects as they change
    #[arg(short, long, global = true)]
    watch: bool,
    /// Only objects with a condition in a status, such as ready=false or ready!=true
    #[arg(long, global = true, value_name = "TYPE=STATUS")]
    status_selector: Option<String>,
    /// Only objects with these labels
    #[arg(short = 'l', long, global = true, value_name = "SELECTOR")]
    label_selector: Option<String>,
    /// Show the sources too (kinds that have one)
    #[arg(long, global = true)]
    show_source: bool,
}

/// Which kinds are listed.
#[derive(Debug)]
enum Target {
    One {
        row: &'static Row,
        name: Option<String>,
    },
    /// All kinds, or those of a family.
    All {
        family: Option<&'static Family>,
    },
}

pub(crate) async fn run(args: Args, settings: &Settings, out: &mut Output) -> Result<(), Failure> {
    let Args { flags, target } = args;
    let filter = flags.status_selector.as_deref().map(StatusSelector::parse).transpose()?;
    let lister = Lister { flags: &flags, settings, filter };
    match target {
        Target::One { row, name } if flags.watch => lister.watch(row, name.as_deref(), out).await,
        Target::One { row, name } => lister.one(row, name.as_deref(), out).await,
        Target::All { .. } if flags.watch => Err(Failure::new("expected a single resource type, but found all")),
        Target::All { family } => lister.all(family, out).await,
    }
}

struct Lister<'a> {
    flags: &'a Flags,
    settings: &'a Settings,
    filter: Option<StatusSelector<'a>>,
}

impl Lister<'_> {
    async fn one(&self, row: &Row, name: Option<&str>, out: &mut Output) -> Result<(), Failure> {
        let cluster = Cluster::open(self.settings).await?;
        let objects = cluster.list(row, &self.selection(name)).await?;
        if objects.is_empty() {
            let kind = row.api.kind;
            let place =
                if self.flags.all_namespaces { "any".to_owned() } else { format!("{:?}", self.settings.namespace) };
            return Err(Failure::new(match name {
                Some(name) => format!("{kind} object '{name}' not found in {place} namespace"),
                None => format!("no {kind} objects found in {place} namespace"),
            }));
        }
        out.data(&table::layout(&self.header(row, self.flags.show_source), &self.rows(row, &objects, Naming::Name)));
        Ok(())
    }

    /// One table for each kind that has objects, each followed by an empty line. What cannot be listed is said, and the
    /// next kind follows.
    async fn all(&self, family: Option<&Family>, out: &mut Output) -> Result<(), Failure> {
        let cluster = Cluster::open(self.settings).await?;
        for row in ROWS.iter().filter(|row| family.is_none() || row.family == family) {
            let objects = match cluster.list_if_installed(row, &self.selection(None)).await {
                Ok(objects) => objects.unwrap_or_default(),
                Err(failure) => {
                    out.failure(failure.message());
                    continue;
                }
            };
            let rows = self.rows(row, &objects, Naming::KindAndName);
            if !rows.is_empty() {
                out.data(&table::layout(&self.header(row, self.flags.show_source), &rows));
                out.data("\n");
            }
        }
        Ok(())
    }

    /// A table whose first rows are the objects that there are, and then one row for each change, until the time is over.
    async fn watch(&self, row: &Row, name: Option<&str>, out: &mut Output) -> Result<(), Failure> {
        let deadline = readiness::deadline(self.settings);
        let over = || Failure::new("timed out waiting for the condition").hint("--timeout says for how long to watch");
        let cluster = Cluster::open(self.settings).await?;
        let selection = self.selection(name);
        // An unknown kind is an error of a list, but a closed stream for a watch.
        timeout_at(deadline, cluster.list(row, &selection)).await.map_err(|_| over())??;
        let api = cluster.api(row, selection.namespace);
        let mut params = WatchParams::default();
        if let Some(name) = name {
            params = params.fields(&format!("metadata.name={name}"));
        }
        if let Some(labels) = selection.labels {
            params = params.labels(labels);
        }
        let mut header = self.header(row, self.flags.show_source);
        let mut version = String::new();
        loop {
            let mut events = match timeout_at(deadline, api.watch(&params, &version)).await.map_err(|_| over())? {
                Ok(events) => events.boxed(),
                Err(error) => return Err(error.into()),
            };
            while let Some(event) = timeout_at(deadline, events.next()).await.map_err(|_| over())? {
                let object = match event? {
                    WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => object,
                    WatchEvent::Bookmark(bookmark) => {
                        version = bookmark.metadata.resource_version;
                        continue;
                    }
                    // The version is too old to go on from: begin again with what there is.
                    WatchEvent::Error(status) if status.code == 410 => {
                        version = String::new();
                        break;
                    }
                    WatchEvent::Error(status) => return Err(kube::Error::Api(status).into()),
                };
                version = object.metadata.resource_version.clone().unwrap_or_default();
                out.data(&table::layout(&header, &self.rows(row, &[object], Naming::Name)));
                header.clear();
                if out.is_closed() {
                    return Ok(());
                }
            }
        }
    }

    fn selection<'a>(&'a self, name: Option<&'a str>) -> Selection<'a> {
        let namespace = (!self.flags.all_namespaces).then_some(self.settings.namespace.as_str());
        Selection { namespace, name, labels: self.flags.label_selector.as_deref() }
    }

    fn header(&self, row: &Row, source: bool) -> Vec<&'static str> {
        if self.flags.no_header {
            return Vec::new();
        }
        let mut header = vec!["Name"];
        if self.flags.all_namespaces {
            header.insert(0, "Namespace");
        }
        if source && row.source.is_some() {
            header.push("Source");
        }
        header.extend(["Revision", "Suspended", "Ready", "Message"]);
        header
    }

    fn rows(&self, row: &Row, objects: &[DynamicObject], naming: Naming) -> Vec<Vec<String>> {
        let wanted = objects.iter().filter(|object| self.filter.as_ref().is_none_or(|filter| filter.matches(object)));
        wanted.map(|object| self.cells(row, object, naming)).collect()
    }

    fn cells(&self, row: &Row, object: &DynamicObject, naming: Naming) -> Vec<String> {
        let name = object.metadata.name.clone().unwrap_or_default();
        let namespace = object.metadata.namespace.clone().unwrap_or_default();
        let mut cells = vec![match naming {
            Naming::Name => name,
            Naming::KindAndName => format!("{}/{name}", row.api.kind.to_ascii_lowercase()),
        }];
        if self.flags.all_namespaces {
            cells.insert(0, namespace.clone());
        }
        if let (true, Some(path)) = (self.flags.show_source, row.source) {
            let source = object.data.pointer(path);
            let part = |name: &str| source.and_then(|source| source[name].as_str()).unwrap_or_default();
            let of = if part("namespace").is_empty() { &namespace } else { part("namespace") };
            cells.push(format!("{}/{of}/{}", part("kind"), part("name")));
        }
        let revision = object.data.pointer(row.revision).and_then(|revision| revision.as_str()).unwrap_or_default();
        let suspended = object.data["spec"]["suspend"].as_bool().unwrap_or_default();
        let (status, message) = readiness::ready(object);
        cells.push(shorten_hex(revision));
        cells.push(if suspended { "True" } else { "False" }.to_owned());
        cells.push(status.to_owned());
        cells.push(shorten_hex(message));
        cells
    }
}

#[derive(Clone, Copy)]
enum Naming {
    Name,
    KindAndName,
}

/// `type=status` or `type!=status`, in any case.
struct StatusSelector<'a> {
    type_: &'a str,
    status: &'a str,
    negated: bool,
}

impl<'a> StatusSelector<'a> {
    fn parse(text: &'a str) -> Result<Self, Failure> {
        let split =
            text.split_once("!=").map(|parts| (parts, true)).or(text.split_once('=').map(|parts| (parts, false)));
        let ((type_, status), negated) = split.ok_or_else(|| {
            Failure::new(format!("expected status selector in type=status or type!=status format, but found: {text}"))
        })?;
        Ok(Self { type_, status, negated })
    }

    fn matches(&self, object: &DynamicObject) -> bool {
        let has =
            |value: &serde_json::Value, wanted: &str| value.as_str().is_some_and(|v| v.eq_ignore_ascii_case(wanted));
        let conditions = object.data["status"]["conditions"].as_array();
        let condition = conditions.and_then(|list| list.iter().rfind(|condition| has(&condition["type"], self.type_)));
        condition.is_some_and(|condition| has(&condition["status"], self.status)) != self.negated
    }
}

/// Cuts every word of 40 to 128 lower-case hex digits down to 8: enough to tell commits apart.
pub(crate) fn shorten_hex(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let hex = (40..=128).contains(&word.len()) && word.bytes().all(|c| matches!(c, b'a'..=b'f' | b'0'..=b'9'));
        short.push_str(if hex { &word[..8] } else { word });
        let end = after.find(is_word).unwrap_or(after.len());
        let (between, after) = after.split_at(end);
        short.push_str(between);
        rest = after;
    }
    short
}

impl FromArgMatches for Target {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (word, inner) = matches.subcommand().ok_or_else(missing)?;
        if word == "all" {
            return Ok(Self::All { family: None });
        }
        let one = |row, matches: &ArgMatches| Self::One { row, name: matches.get_one("name").cloned() };
        if let Some(row) = ROWS.iter().find(|row| row.family.is_none() && row.words == word) {
            return Ok(one(row, inner));
        }
        let family = families().into_iter().find(|family| family.words == word).ok_or_else(missing)?;
        let (word, inner) = inner.subcommand().ok_or_else(missing)?;
        if word == "all" {
            return Ok(Self::All { family: Some(family) });
        }
        let row = ROWS.iter().find(|row| row.family == Some(family) && row.words == word).ok_or_else(missing)?;
        Ok(one(row, inner))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Subcommand for Target {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let one = |row: &Row| {
            let typed = row.family.map_or(row.words.to_owned(), |family| format!("{} {}", family.words, row.words));
            let mut command = clap::Command::new(row.words)
                .visible_aliases(row.aliases)
                .about(format!("List objects of the kind {}", row.api.kind))
                .after_help(format!("Example:\n  flux get {typed} --all-namespaces"))
                .arg(clap::Arg::new("name").help("The one object to list"));
            if row.word != row.words {
                command = command.visible_alias(row.word);
            }
            command
        };
        let mut command = command.subcommand_required(true).arg_required_else_help(true).subcommand(
            clap::Command::new("all")
                .about("List objects of all kinds")
                .after_help("Example:\n  flux get all --all-namespaces"),
        );
        for row in ROWS.iter().filter(|row| row.family.is_none()) {
            command = command.subcommand(one(row));
        }
        for family in families() {
            let example = format!("Example:\n  flux get {} all --all-namespaces", family.words);
            let all = clap::Command::new("all").about(format!("List {} of all kinds", family.words));
            let mut parent = clap::Command::new(family.words)
                .visible_alias(family.word)
                .about(format!("List kinds of {}", family.words))
                .after_help(example.clone())
                .subcommand_required(true)
                .arg_required_else_help(true)
                .subcommand(all.after_help(example));
            for row in ROWS.iter().filter(|row| row.family == Some(family)) {
                parent = parent.subcommand(one(row));
            }
            command = command.subcommand(parent);
        }
        command
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        name == "all" || ROWS.iter().any(|row| row.family.map_or(row.words, |family| family.words) == name)
    }
}

#[cfg(test)]
mod tests;
