//! The kinds that commands work on, as a table, and the subcommands made from it.

use api::{GitRepositorySpec, KustomizationSpec, Spec};
use clap::{ArgMatches, Command, FromArgMatches, Subcommand};
use kube::core::{ApiResource, DynamicObject};
use serde_json::Value;

/// What commands have to know about a kind.
#[derive(Debug)]
pub(crate) struct Row {
    /// The kind's names in the API.
    pub(crate) api: api::Kind,
    /// How people call it, e.g. `source git`.
    pub(crate) human: &'static str,
    /// What it is listed under; nothing for kinds of their own.
    pub(crate) family: Option<&'static Family>,
    /// The word for one of it.
    pub(crate) word: &'static str,
    /// The word for many of it.
    pub(crate) words: &'static str,
    /// What people may type instead of either word.
    pub(crate) aliases: &'static [&'static str],
    /// Where in an object its revision is.
    pub(crate) revision: &'static str,
    /// What a reconciliation does to a revision, in the past.
    pub(crate) done: &'static str,
    /// Where in an object its source is, for kinds that have one.
    pub(crate) source: Option<&'static str>,
    /// An object's spec as our types print it.
    normalize: fn(Value) -> Option<Value>,
}

/// Kinds that are listed under one word.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// The word for one of them.
    pub(crate) word: &'static str,
    /// The word for many.
    pub(crate) words: &'static str,
}

static SOURCES: Family = Family { word: "source", words: "sources" };

/// All kinds, in the order in which `get all` lists them.
pub(crate) static ROWS: [Row; 2] = [
    Row {
        api: GitRepositorySpec::KIND,
        human: "source git",
        family: Some(&SOURCES),
        word: "git",
        words: "git",
        aliases: &[],
        revision: "/status/artifact/revision",
        done: "fetched",
        source: None,
        normalize: normalize::<GitRepositorySpec>,
    },
    Row {
        api: KustomizationSpec::KIND,
        human: "kustomization",
        family: None,
        word: "kustomization",
        words: "kustomizations",
        aliases: &["ks"],
        revision: "/status/lastAppliedRevision",
        done: "applied",
        source: Some("/spec/sourceRef"),
        normalize: normalize::<KustomizationSpec>,
    },
];

/// The row of a kind's name in the API, in any case.
pub(crate) fn by_kind(kind: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.api.kind.eq_ignore_ascii_case(kind))
}

impl Row {
    /// The kind as the client names it.
    pub(crate) fn resource(&self) -> ApiResource {
        let Self { api, .. } = self;
        ApiResource {
            group: api.group.to_owned(),
            version: api.version.to_owned(),
            api_version: api.api_version(),
            kind: api.kind.to_owned(),
            plural: api.plural.to_owned(),
        }
    }

    /// What to type after a verb, e.g. `source git`.
    pub(crate) fn typed(&self) -> String {
        match self.family {
            Some(family) => format!("{} {}", family.word, self.word),
            None => self.word.to_owned(),
        }
    }

    /// The object's spec without what only says the default, with durations as Go prints them.
    pub(crate) fn spec_of(&self, object: &DynamicObject) -> Value {
        (self.normalize)(object.data.clone()).unwrap_or_else(|| object.data["spec"].clone())
    }
}

fn normalize<S: Spec>(data: Value) -> Option<Value> {
    let object: api::FluxObject<S> = serde_json::from_value(data).ok()?;
    let mut printed = serde_json::to_value(&object).ok()?;
    Some(printed["spec"].take())
}

/// What a verb says about itself in the help of a kind's subcommand.
pub(crate) trait Verb: clap::Args {
    /// One line.
    fn about(row: &Row) -> String;
    /// A command that can be copied.
    fn example(row: &Row) -> String;
}

/// A verb's arguments, and the kind that it was typed with.
#[derive(Debug)]
pub(crate) struct OfKind<A> {
    pub(crate) row: &'static Row,
    pub(crate) args: A,
}

impl<A: Verb> FromArgMatches for OfKind<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut path = Vec::new();
        let mut inner = matches;
        while let Some((word, matches)) = inner.subcommand() {
            path.push(word);
            inner = matches;
        }
        let row = match path[..] {
            [family, word] => {
                ROWS.iter().find(|row| row.word == word && row.family.is_some_and(|of| of.word == family))
            }
            [word] => ROWS.iter().find(|row| row.family.is_none() && row.word == word),
            _ => None,
        };
        let row = row.ok_or_else(|| clap::Error::new(clap::error::ErrorKind::MissingSubcommand))?;
        Ok(Self { row, args: A::from_arg_matches(inner)? })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl<A: Verb> Subcommand for OfKind<A> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(with_kinds::<A>)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        ROWS.iter().any(|row| row.family.map_or(row.word, |family| family.word) == name)
    }
}

/// A verb with its subcommands.
fn with_kinds<A: Verb>(mut verb: Command) -> Command {
    let leaf = |row: &'static Row| {
        A::augment_args(Command::new(row.word))
            .visible_aliases(row.aliases)
            .about(A::about(row))
            .after_help(format!("Example:\n  {}", A::example(row)))
    };
    for row in ROWS.iter().filter(|row| row.family.is_none()) {
        verb = verb.subcommand(leaf(row));
    }
    for family in families() {
        let mut parent = Command::new(family.word)
            .about(format!("The same for kinds of {}", family.words))
            .subcommand_required(true)
            .arg_required_else_help(true);
        for row in ROWS.iter().filter(|row| row.family == Some(family)) {
            parent = parent.subcommand(leaf(row));
        }
        if let Some(row) = ROWS.iter().find(|row| row.family == Some(family)) {
            parent = parent.after_help(format!("Example:\n  {}", A::example(row)));
        }
        verb = verb.subcommand(parent);
    }
    verb
}

/// The families of kinds, each once.
pub(crate) fn families() -> Vec<&'static Family> {
    let mut families: Vec<&Family> = ROWS.iter().filter_map(|row| row.family).collect();
    families.dedup();
    families
}
