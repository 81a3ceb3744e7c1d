//! What an apply will do, as a value that can be printed before it is done.

use std::fmt;

use object::inventory::Entry;
use object::{Object, order};
use serde_json::Value;
use ssa::managers::Managers;

use crate::failure::{Attempt, Cause, Failure};
use crate::observe::{Observation, Observed};
use crate::{Policy, Settings, Stage, StageName, cleanup, drift};

/// How many changed fields a step names.
const NAMED_FIELDS: usize = 12;

/// What one stage will do, in order.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which stage.
    pub stage: StageName,
    /// One step for each object.
    pub steps: Vec<Step>,
}

/// What will be done with one object.
#[derive(Clone, Debug)]
pub enum Step {
    /// It does not exist.
    Create {
        /// What is wanted.
        desired: Box<Object>,
    },
    /// It differs.
    Configure {
        /// What is wanted.
        desired: Box<Object>,
        /// What is sent: what is wanted, less what is left to others.
        payload: Box<Object>,
        /// A JSON patch that is sent before, to remove what others left.
        cleanup: Option<Value>,
        /// Paths of fields that differ, some of them.
        fields: Vec<String>,
    },
    /// A field cannot be changed: it is deleted and created anew.
    Replace {
        /// What is wanted.
        desired: Box<Object>,
        /// What is there.
        live: Box<Object>,
        /// The server's sentence.
        because: String,
    },
    /// It is as it should be.
    Keep {
        /// What is wanted.
        desired: Box<Object>,
        /// What is there, when it was looked at.
        live: Option<Box<Object>>,
    },
    /// It is left alone.
    Skip {
        /// The object.
        entry: Entry,
        /// Why it is left alone.
        why: Why,
    },
}

/// Why an object is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It, or the object on the cluster, asks for that.
    Excluded,
    /// It exists, and is only to be created.
    Present,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Excluded => "asks to be left alone",
            Self::Present => "exists, and is only to be created",
        })
    }
}

impl Step {
    /// The object.
    pub fn entry(&self) -> Entry {
        match self {
            Self::Create { desired }
            | Self::Configure { desired, .. }
            | Self::Replace { desired, .. }
            | Self::Keep { desired, .. } => Entry::of(desired),
            Self::Skip { entry, .. } => entry.clone(),
        }
    }

    /// Whether the cluster will be different for it.
    pub fn is_change(&self) -> bool {
        !matches!(self, Self::Keep { .. } | Self::Skip { .. })
    }
}

/// Prints one line, e.g. `configure Deployment/default/web (spec.replicas)`. Values are left out: they may be secret.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.entry().id;
        match self {
            Self::Create { .. } => write!(f, "create {id}"),
            Self::Configure { fields, cleanup, .. } => {
                write!(f, "configure {id}")?;
                if !fields.is_empty() {
                    write!(f, " ({})", fields.join(", "))?;
                }
                if cleanup.is_some() { f.write_str(" after cleaning up its metadata") } else { Ok(()) }
            }
            Self::Replace { because, .. } => write!(f, "replace {id} ({because})"),
            Self::Keep { .. } => write!(f, "keep {id}"),
            Self::Skip { why, .. } => write!(f, "skip {id}, which {why}"),
        }
    }
}

/// Prints the stage and its steps, one a line.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.stage)?;
        self.steps.iter().try_for_each(|step| writeln!(f, "  {step}"))
    }
}

/// Decides what to do about each object of a stage.
///
/// # Errors
/// Every object that was refused, not the first one: nothing of the stage is to be done then.
pub fn plan(stage: Stage, observed: Observed, policy: &Policy, settings: &Settings) -> Result<Plan, Vec<Failure>> {
    let taken_over = settings.taken_over();
    let deciding = Deciding { policy, settings, taken_over: &taken_over };
    let mut steps = Vec::with_capacity(stage.objects.len());
    let mut failures = Vec::new();
    for (desired, observation) in stage.objects.into_iter().zip(observed.0) {
        match deciding.step(desired, observation) {
            Ok(step) => steps.push(step),
            Err(failure) => failures.push(*failure),
        }
    }
    // Objects may have lost a namespace since they were sorted.
    steps.sort_by(|a, b| order::compare(&a.entry().id, &b.entry().id));
    if failures.is_empty() { Ok(Plan { stage: stage.name, steps }) } else { Err(failures) }
}

struct Deciding<'a> {
    policy: &'a Policy,
    settings: &'a Settings,
    taken_over: &'a [Managers],
}

impl Deciding<'_> {
    fn step(&self, desired: Object, observation: Observation) -> Result<Step, Box<Failure>> {
        let skip = |why| Step::Skip { entry: Entry::of(&desired), why };
        match observation {
            Observation::Excluded => Ok(skip(Why::Excluded)),
            Observation::Present => Ok(skip(Why::Present)),
            Observation::Settled | Observation::Foreseen { drifts: false } => {
                Ok(Step::Keep { desired: Box::new(desired), live: None })
            }
            Observation::Foreseen { drifts: true } => Ok(Step::Configure {
                payload: Box::new(desired.clone()),
                desired: Box::new(desired),
                cleanup: None,
                fields: Vec::new(),
            }),
            Observation::Failed(failure) => Err(Box::new(failure)),
            Observation::Read { live, would_be: Err(refusal), .. } => match live {
                Some(live) if refusal.is_immutable() && self.may_replace(&desired, &live) => {
                    Ok(Step::Replace { desired: Box::new(desired), live, because: refusal.message })
                }
                _ => Err(Box::new(Failure::of(&desired, Attempt::DryRun, Cause::Refused(refusal)))),
            },
            Observation::Read { live: None, .. } => Ok(Step::Create { desired: Box::new(desired) }),
            Observation::Read { live: Some(live), would_be: Ok(would_be), migrated } => {
                self.existing(desired, live, &would_be, migrated)
            }
        }
    }

    fn existing(
        &self,
        desired: Object,
        live: Box<Object>,
        would_be: &Object,
        migrated: bool,
    ) -> Result<Step, Box<Failure>> {
        let cleanup = cleanup::patch(&desired, &live, self.taken_over, self.settings)
            .map_err(|error| Box::new(Failure::of(&desired, Attempt::CleanUp, Cause::Fields(error))))?;
        let ignore = &self.policy.ignore;
        let (before, after) = (ignore.strip(&live, would_be), ignore.strip(would_be, would_be));
        if cleanup.is_none() && !migrated && !drift::has_drifted(&before, &after) {
            return Ok(Step::Keep { desired: Box::new(desired), live: Some(live) });
        }
        let fields = drift::changed_fields(&before, &after, NAMED_FIELDS);
        let payload = Box::new(ignore.payload(&desired, &live, would_be, &self.settings.manager));
        Ok(Step::Configure { desired: Box::new(desired), payload, cleanup, fields })
    }

    fn may_replace(&self, desired: &Object, live: &Object) -> bool {
        self.policy.force || self.settings.is_forced(desired) || self.settings.is_forced(live)
    }
}

#[cfg(test)]
mod tests;
