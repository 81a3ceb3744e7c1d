//! Gathering the objects of a build file: its resources, generators and components.

use std::sync::Arc;

use crate::config::{self, Config};
use crate::decode::Entry;
use crate::error::{Fault, Place, Problem, Reason};
use crate::file;
use crate::generate::{self, Made};
use crate::load::{Found, Loader};
use crate::node::{Map, Node};
use crate::origin::Origin;
use crate::plugin::{self, Setup};
use crate::read;
use crate::resource::{Behavior, Resource};
use crate::set::Set;
use crate::vars;

use super::{Accumulator, Builder, Target, one};

impl Builder<'_> {
    /// Builds one build file into an accumulator: an empty one, or for a component that of its parent.
    pub(super) fn accumulate(
        &mut self,
        target: &mut Target<'_>,
        mut into: Accumulator,
        origin: Option<&Origin>,
    ) -> Result<Accumulator, Vec<Problem>> {
        let mut problems = Vec::new();
        // What made the generated objects is not needed beside them.
        let generators =
            [std::mem::take(&mut target.file.config_map_generator), std::mem::take(&mut target.file.secret_generator)];
        let target = &*target;
        let file = &target.file;
        problems.extend(self.choose_schema(target).err().map(|fault| *fault));
        refuse_charts(target, &mut problems);
        self.resources(target, "resources", &file.resources, &mut into, origin, &mut problems);
        let config = own_config(target, &mut problems);
        let generated = self.generated(target, generators, origin, &mut problems);
        // Read now, so that all that is wrong is said at once, though kustomize does so after the components.
        let used = self.schema.builtin();
        let prepared = self.prepare(target, origin, &mut problems);
        let used_later = self.schema.use_builtin(used);
        if !problems.is_empty() {
            // Nothing more is built, but what is missing is said along with the rest.
            for (i, entry) in file.components.iter().enumerate() {
                let found = target.loader.find(&entry.text, None);
                let fault = found.err().filter(|fault| matches!(fault.reason, Reason::NotFound { .. }));
                problems.extend(fault.map(|f| *f.at(&target.at(entry.line)).field(|| format!("components[{i}]"))));
            }
            return Err(problems);
        }
        let place = target.at(file.line);
        into.config = Config::merge(&into.config, &config).map_err(|fault| one(fault.at(&place)))?;
        for (resource, place) in generated {
            absorb(&mut into.set, resource).map_err(|fault| one(fault.at(&place)))?;
        }
        for (i, entry) in file.components.iter().enumerate() {
            let at = |fault: Fault| fault.at(&target.at(entry.line)).field(|| format!("components[{i}]"));
            into = self.component(target, entry, into, origin).map_err(|found| located(found, at))?;
        }
        if !self.schema.is_chosen() {
            self.schema.use_builtin(used_later.max(self.schema.builtin()));
        }
        self.transform(target, prepared, &mut into, origin)?;
        vars::declare(&mut into.set, &mut into.vars, &file.vars, &place).map_err(one)?;
        Ok(into)
    }

    /// Reads files of objects and builds directories, in order.
    pub(super) fn resources(
        &mut self,
        target: &Target<'_>,
        field: &str,
        entries: &[Entry],
        into: &mut Accumulator,
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) {
        for (i, entry) in entries.iter().enumerate() {
            let at = |fault: Fault| fault.at(&target.at(entry.line)).field(|| format!("{field}[{i}]"));
            let origin = origin.map(|origin| origin.append(&entry.text));
            let result = match target.loader.find(&entry.text, self.options.remote) {
                Err(fault) => Err(one(at(fault))),
                Ok(Found::File(bytes, path)) => self.file(&bytes, &path, into, origin.as_ref()),
                Ok(Found::Directory(loader)) => self.directory(loader, into, origin.as_ref()),
                Ok(Found::Repository(loader, repository)) => {
                    let origin = origin.is_some().then(|| Origin::of_repository(repository));
                    self.directory(loader, into, origin.as_ref())
                }
            };
            if let Err(found) = result {
                problems.extend(located(found, at));
            }
        }
    }

    fn file(
        &mut self,
        bytes: &[u8],
        path: &Arc<str>,
        into: &mut Accumulator,
        origin: Option<&Origin>,
    ) -> Result<(), Vec<Problem>> {
        let origin = origin.map(|origin| Arc::new(origin.clone()));
        let mut problems = Vec::new();
        for mut resource in self.objects(bytes, path)? {
            resource.origin.clone_from(&origin);
            problems.extend(into.set.append(resource).err().map(|fault| *fault));
        }
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    fn objects(&mut self, bytes: &[u8], path: &Arc<str>) -> Result<Vec<Resource>, Vec<Problem>> {
        let text = read::text(bytes, path).map_err(one)?;
        let objects = read::objects(&text, path, &mut self.keys)?;
        self.spend(0, objects.len()).map_err(one)?;
        Ok(objects
            .into_iter()
            .map(|(node, line)| Resource::new(node, Place { file: Arc::clone(path), line }, &self.schema))
            .collect())
    }

    fn directory(
        &mut self,
        loader: Loader<'_>,
        into: &mut Accumulator,
        origin: Option<&Origin>,
    ) -> Result<(), Vec<Problem>> {
        let mut target = self.target(loader, None)?;
        if target.file.kind == file::COMPONENT {
            let message =
                format!("expected kind != '{}' for path '/{}'", file::COMPONENT, target.loader.root().as_str());
            let hint = "name it under components instead of resources";
            return Err(one(Reason::invalid(message).hint(Some(hint.to_owned()))));
        }
        let below = self.accumulate(&mut target, Accumulator::default(), origin)?;
        merge(into, below)
    }

    fn component(
        &mut self,
        target: &Target<'_>,
        entry: &Entry,
        into: Accumulator,
        origin: Option<&Origin>,
    ) -> Result<Accumulator, Vec<Problem>> {
        let mut origin = origin.map(|origin| origin.append(&entry.text));
        let loader = match target.loader.find(&entry.text, self.options.remote).map_err(one)? {
            Found::Directory(loader) => loader,
            Found::Repository(loader, repository) => {
                origin = origin.is_some().then(|| Origin::of_repository(repository));
                loader
            }
            Found::File(..) => {
                return Err(one(Reason::invalid("a component must be a directory, this is a file")));
            }
        };
        let mut component = self.target(loader, None)?;
        if component.file.kind != file::COMPONENT {
            let message = format!(
                "expected kind '{}' for path '/{}' but got '{}'",
                file::COMPONENT,
                component.loader.root().as_str(),
                component.file.kind
            );
            let hint = "name it under resources instead of components";
            return Err(one(Reason::invalid(message).hint(Some(hint.to_owned()))));
        }
        let built = self.accumulate(&mut component, into, origin.as_ref())?;
        if let Some((first, second)) = built.set.duplicate() {
            return Err(one(duplicate(first, second)));
        }
        Ok(built)
    }

    /// Makes the objects of all generators, each with the place that asked for it.
    fn generated(
        &mut self,
        target: &Target<'_>,
        [config_maps, secrets]: [Vec<file::GeneratorArgs>; 2],
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Vec<(Resource, Place)> {
        let mut generated = Vec::new();
        let file = &target.file;
        for (field, made, list) in
            [("configMapGenerator", Made::ConfigMap, config_maps), ("secretGenerator", Made::Secret, secrets)]
        {
            let kind = if made == Made::Secret { "SecretGenerator" } else { "ConfigMapGenerator" };
            let origin = origin.map(|origin| Arc::new(origin.builtin(target.name, kind)));
            for (i, args) in list.into_iter().enumerate() {
                let place = target.at(args.line);
                match self.generate(target, made, args, &place) {
                    Ok(mut resource) => {
                        resource.origin.clone_from(&origin);
                        generated.push((resource, place));
                    }
                    Err(faults) => problems.extend(faults.into_iter().map(|mut fault| {
                        let inner = fault.field.take().map_or_else(String::new, |inner| format!(".{inner}"));
                        *fault.at(&place).field(|| format!("{field}[{i}]{inner}"))
                    })),
                }
            }
        }
        for config in self.plugins(target, "generators", &file.generators, origin, problems) {
            let mut setup = Setup { loader: &target.loader, schema: &self.schema, keys: &mut self.keys };
            match plugin::generate(&config, &mut setup) {
                Ok(mut resource) => {
                    resource.origin = super::steps::plugin_origin(&config).map(Arc::new);
                    generated.push((resource, config.place.clone()));
                }
                Err(fault) => problems.push(*fault.at(&config.place).on(|| config.subject())),
            }
        }
        problems.extend(self.spend(0, generated.len()).err().map(|fault| *fault));
        generated
    }

    fn generate(
        &mut self,
        target: &Target<'_>,
        made: Made,
        mut args: file::GeneratorArgs,
        place: &Place,
    ) -> Result<Resource, Vec<Fault>> {
        args.options = generate::merge_options(args.options, target.file.generator_options.as_ref());
        let node = generate::make(made, &args, &target.loader, &mut self.keys)?;
        let mut resource = Resource::new(node, place.clone(), &self.schema);
        resource.needs_hash = !args.options.is_some_and(|options| options.disable_name_suffix_hash);
        resource.behavior = generate::behavior(&args.behavior);
        Ok(resource)
    }

    /// Reads configurations of generators, transformers or validators: inline, from files, or built from directories.
    pub(super) fn plugins(
        &mut self,
        target: &Target<'_>,
        field: &str,
        entries: &[Entry],
        origin: Option<&Origin>,
        problems: &mut Vec<Problem>,
    ) -> Vec<Resource> {
        let mut found = Accumulator::default();
        let mut paths = Vec::new();
        for entry in entries {
            let place = target.at(entry.line);
            match read::objects(&entry.text, &place.file, &mut self.keys) {
                Ok(objects) => {
                    for (node, line) in objects {
                        let place = Place { line: entry.line + line, ..place.clone() };
                        let mut resource = Resource::new(node, place, &self.schema);
                        resource.origin = origin.map(|origin| Arc::new(origin.append(target.name)));
                        problems.extend(found.set.append(resource).err().map(|fault| *fault));
                    }
                }
                // A path is no object; a text of several lines was meant as one.
                Err(wrong) if entry.text.contains('\n') => problems.extend(wrong),
                Err(_) => paths.push(entry.clone()),
            }
        }
        self.resources(target, field, &paths, &mut found, origin, problems);
        found.set.into_list()
    }
}

/// The fields that this build file's transformers touch, besides those of its bases.
fn own_config(target: &Target<'_>, problems: &mut Vec<Problem>) -> Arc<Config> {
    let mut config = Config::defaults();
    for (i, entry) in target.file.configurations.iter().enumerate() {
        let at = |fault: Fault| fault.at(&target.at(entry.line)).field(|| format!("configurations[{i}]"));
        let read = target
            .loader
            .file(&entry.text)
            .map_err(|fault| one(at(fault)))
            .and_then(|(bytes, path)| config::parse(&read::text(&bytes, &path).map_err(one)?, &path));
        let merged = read.and_then(|more| Config::merge(&config, &Arc::new(more)).map_err(|fault| one(at(fault))));
        match merged {
            Ok(merged) => config = merged,
            Err(found) => problems.extend(found),
        }
    }
    for (i, entry) in target.file.crds.iter().enumerate() {
        let at = |fault: Fault| fault.at(&target.at(entry.line)).field(|| format!("crds[{i}]"));
        let merged = crds(target, &entry.text).and_then(|more| Config::merge(&config, &Arc::new(more)));
        match merged {
            Ok(merged) => config = merged,
            Err(fault) => problems.push(*at(fault)),
        }
    }
    config
}

/// Says where a problem was asked for, unless it says itself where it is.
fn located(problems: Vec<Problem>, at: impl Fn(Fault) -> Fault) -> Vec<Problem> {
    problems.into_iter().map(|problem| *at(Box::new(problem))).collect()
}

fn duplicate(first: &Resource, second: &Resource) -> Fault {
    let reason = Reason::Duplicate { id: second.id().to_string() };
    Fault::from(reason).on(|| second.subject()).hint(Some(format!("the other one is {}", first.subject())))
}

/// Adds a generated object, or merges it into the one that it is for.
fn absorb(set: &mut Set, mut new: Resource) -> Result<(), Fault> {
    let found = set.any(&new.id());
    let id = new.id().to_string();
    match (found.as_slice(), new.behavior) {
        ([], Behavior::Merge | Behavior::Replace) => {
            let what = format!("id {id} does not exist; cannot merge or replace");
            let names: Vec<&str> = set
                .iter()
                .filter(|resource| resource.gvk() == new.gvk())
                .map(|resource| resource.original_id().name)
                .collect();
            let near = crate::error::nearest(new.name(), names);
            Err(Fault::from(Reason::NoMatch { what }).hint(near.map(|near| format!("did you mean {near:?}?"))))
        }
        ([], _) => set.append(new),
        ([i], behavior @ (Behavior::Merge | Behavior::Replace)) => {
            let Some(old) = set.get(*i) else { return Ok(()) };
            new.succeed(old);
            if behavior == Behavior::Merge {
                merge_data(&mut new.node, &old.node);
                new.origin.clone_from(&old.origin);
            }
            new.place = old.place.clone();
            if let Some(slot) = set.all_mut().get_mut(*i) {
                *slot = new;
            }
            Ok(())
        }
        ([i], _) => {
            let message = format!("id {id} exists; behavior must be merge or replace");
            let hint = set.get(*i).map(|old| format!("the other one is {}", old.subject()));
            Err(Reason::apply(message).hint(hint))
        }
        (many, _) => {
            let what = format!("found multiple objects that could accept merge of {id}");
            let candidates = many.iter().filter_map(|&i| set.get(i)).map(|r| r.subject().to_string()).collect();
            Err(Reason::Ambiguous { what, candidates }.into())
        }
    }
}

/// Puts the old data under the new; empty maps disappear.
fn merge_data(new: &mut Node, old: &Node) {
    let Some(root) = new.map_mut() else { return };
    for field in ["data", "binaryData"] {
        let mut merged = match root.remove(field) {
            Some(Node::Map(map)) => map,
            _ => Map::default(),
        };
        for (key, value) in old.get(field).and_then(Node::map).into_iter().flat_map(Map::fields) {
            merged.entry(key, || Node::str(value.value()));
        }
        for value in merged.values_mut() {
            if value.scalar().is_none_or(|scalar| scalar.tag != crate::node::Tag::Str) {
                *value = Node::str(value.value());
            }
        }
        if !merged.is_empty() {
            root.insert(field.into(), Node::Map(merged));
        }
    }
}

fn refuse_charts(target: &Target<'_>, problems: &mut Vec<Problem>) {
    let file = &target.file;
    let fields = [
        ("helmCharts", file.helm_charts.first().map(|chart| chart.line)),
        ("helmChartInflationGenerator", file.helm_chart_inflation_generator.first().map(|chart| chart.line)),
    ];
    for (field, line) in fields {
        if let Some(line) = line {
            let fault = plugin::refused("helm charts", plugin::HELM);
            problems.push(*fault.at(&target.at(line)).field(|| field.to_owned()));
        }
    }
}

fn merge(into: &mut Accumulator, below: Accumulator) -> Result<(), Vec<Problem>> {
    let mut problems = Vec::new();
    for resource in below.set.into_list() {
        problems.extend(into.set.append(resource).err().map(|fault| *fault));
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    into.config = Config::merge(&into.config, &below.config).map_err(one)?;
    vars::merge(&mut into.vars, below.vars).map_err(one)
}

fn crds(target: &Target<'_>, path: &str) -> Result<Config, Fault> {
    let (bytes, file) = target.loader.file(path)?;
    let text = read::text(&bytes, &file)?;
    let value = if text.starts_with('{') {
        serde_json::from_str(&text).map_err(|error| {
            let place = Place { file: Arc::clone(&file), line: u32::try_from(error.line()).unwrap_or(0) };
            Fault::from(Reason::Yaml { message: error.to_string() }).at(&place)
        })?
    } else {
        read::json(&text).map_err(|error| read::malformed(&error, &file, 0))?
    };
    config::parse_crds(&value)
}
