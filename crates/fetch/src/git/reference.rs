//! Which of a remote's references is meant.

use artifact::Revision;
use gix_hash::ObjectId;
use version::{Constraint, Version};

use super::error::{Error, ObjectError};
use super::wire::Advertisement;

const HEADS: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
/// What servers append to a tag's name to tell the commit behind it.
const PEELED: &str = "^{}";
const DEFAULT_BRANCH: &str = "master";

/// What a GitRepository asks for. Of several fields, the first of commit, name, tag, semver and branch counts.
///
/// # Source
/// fluxcd/pkg `git/gogit`, whose order differs from its documentation; spec source §2.3.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// A branch, `master` where nothing is asked for. With a commit, the branch that it is looked for in.
    pub branch: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// A range of versions; the highest tag in it.
    pub semver: Option<String>,
    /// A reference by its full name.
    pub name: Option<String>,
    /// A commit by its 40 hexadecimal digits.
    pub commit: Option<String>,
}

/// A reference that makes sense.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    target: Target,
    /// For revisions: a full name, where one was asked for, stays whole.
    name: Option<String>,
}

#[derive(Debug, Clone)]
enum Target {
    Branch(String),
    Tag(String),
    Semver { constraint: Constraint, text: String },
    Name(String),
    Commit { id: ObjectId, branch: Option<String> },
}

/// What to fetch.
#[derive(Debug)]
pub(super) struct Selection {
    pub(super) wants: Vec<ObjectId>,
    /// Whether the newest commits are enough.
    pub(super) shallow: bool,
    pub(super) candidates: Vec<Candidate>,
}

/// Something that may turn out to be the wanted commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What revisions call it.
    label: Option<String>,
    /// The tag's short name, where a tag leads there.
    pub(super) tag: Option<String>,
    /// A commit, or a tag that leads to one.
    pub(super) id: ObjectId,
    /// The commit, where the server told.
    commit: Option<ObjectId>,
}

impl Plan {
    pub(super) fn new(reference: &Reference) -> Result<Self, Error> {
        let filled = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        let name = filled(&reference.name);
        if let Some(name) = name.as_ref().filter(|name| name.starts_with('/') || name.ends_with('/')) {
            return Err(Error::InvalidName { name: name.clone() });
        }
        let branch = filled(&reference.branch);
        let target = if let Some(commit) = filled(&reference.commit) {
            let id = ObjectId::from_hex(commit.as_bytes()).map_err(|_| Error::NoSuchCommit {
                commit,
                hint: " (a commit is named by all of its 40 hexadecimal digits)".into(),
            })?;
            Target::Commit { id, branch }
        } else if let Some(name) = &name {
            Target::Name(name.clone())
        } else if let Some(tag) = filled(&reference.tag) {
            Target::Tag(tag)
        } else if let Some(text) = filled(&reference.semver) {
            let constraint = Constraint::parse(&text).map_err(|source| Error::Constraint { source })?;
            Target::Semver { constraint, text }
        } else {
            Target::Branch(branch.unwrap_or_else(|| DEFAULT_BRANCH.to_owned()))
        };
        Ok(Self { target, name })
    }

    /// Whether upstream lists before it clones, even the first time.
    pub(super) fn looks_first(&self) -> bool {
        matches!(self.target, Target::Name(_))
    }

    /// Whether a reference of that full name may matter. Only these are kept of what may be millions.
    pub(super) fn wants(&self, name: &str) -> bool {
        let plain = name.strip_suffix(PEELED).unwrap_or(name);
        match &self.target {
            Target::Branch(branch) | Target::Commit { branch: Some(branch), .. } => {
                name.strip_prefix(HEADS) == Some(branch)
            }
            Target::Tag(tag) => plain.strip_prefix(TAGS) == Some(tag),
            Target::Semver { .. } => name.starts_with(TAGS),
            Target::Name(wanted) => name == wanted || plain == wanted || wanted.strip_suffix(PEELED) == Some(name),
            Target::Commit { branch: None, .. } => name.starts_with(HEADS),
        }
    }

    pub(super) fn select(&self, url: &str, advertised: &Advertisement) -> Result<Selection, Error> {
        if advertised.is_empty {
            return Err(Error::Empty);
        }
        let missing = |name: String| {
            let hint = advertised.head.as_ref().and_then(|head| head.strip_prefix(HEADS));
            let hint = hint.map(|head| format!("; the default branch is '{head}'")).unwrap_or_default();
            Error::NoSuchReference { url: url.to_owned(), name, hint }
        };
        match &self.target {
            Target::Branch(branch) => {
                let name = format!("{HEADS}{branch}");
                let id = advertised.find(&name).ok_or_else(|| missing(name))?;
                Ok(Selection::one(Candidate { label: Some(branch.clone()), tag: None, id, commit: Some(id) }))
            }
            Target::Tag(tag) => {
                let name = format!("{TAGS}{tag}");
                let id = advertised.find(&name).ok_or_else(|| missing(name.clone()))?;
                Ok(Selection::one(Candidate::tag(tag, id, advertised.find(&format!("{name}{PEELED}")))))
            }
            Target::Semver { constraint, text } => {
                let candidates = highest(constraint, advertised);
                if candidates.is_empty() {
                    return Err(Error::NoVersion { constraint: text.clone() });
                }
                let wants = candidates.iter().map(|candidate| candidate.id).collect();
                Ok(Selection { wants, shallow: true, candidates })
            }
            Target::Name(name) => {
                let plain = name.strip_suffix(PEELED).unwrap_or(name);
                let peeled = advertised.find(&format!("{plain}{PEELED}"));
                let id = advertised.find(plain).ok_or_else(|| Error::Unresolved { name: name.clone() })?;
                let tag = plain.strip_prefix(TAGS).map(str::to_owned);
                let commit = peeled.unwrap_or(id);
                Ok(Selection::one(Candidate { label: Some(name.clone()), tag, id, commit: Some(commit) }))
            }
            Target::Commit { id, branch } => {
                if let Some(name) = branch.as_ref().map(|branch| format!("{HEADS}{branch}"))
                    && advertised.find(&name).is_none()
                {
                    return Err(missing(name));
                }
                let label = self.name.clone().or_else(|| branch.clone());
                let candidate = Candidate { label, tag: None, id: *id, commit: Some(*id) };
                // The tip of a branch needs no history. Any other commit is looked for in the branches' own, and not
                // asked for by its id: servers hand out commits of strangers' forks that way.
                if advertised.refs.iter().any(|(_, tip)| tip == id) {
                    return Ok(Selection::one(candidate));
                }
                let mut wants: Vec<_> = advertised.refs.iter().map(|(_, tip)| *tip).collect();
                wants.sort_unstable();
                wants.dedup();
                if wants.is_empty() {
                    return Err(self.no_such_commit(*id));
                }
                Ok(Selection { wants, shallow: false, candidates: vec![candidate] })
            }
        }
    }

    /// What to say about a candidate that is not in the pack.
    pub(super) fn unresolved(&self, candidate: &Candidate, source: ObjectError) -> Error {
        match (&self.target, source) {
            (Target::Commit { id, .. }, ObjectError::Missing { .. }) => self.no_such_commit(*id),
            (_, source) => Error::Tree { commit: candidate.id.to_string(), source },
        }
    }

    fn no_such_commit(&self, id: ObjectId) -> Error {
        let hint = match &self.target {
            Target::Commit { branch: Some(branch), .. } => format!(" in the history of branch '{branch}'"),
            _ => " in the history of any branch".to_owned(),
        };
        Error::NoSuchCommit { commit: id.to_string(), hint }
    }
}

impl Selection {
    fn one(candidate: Candidate) -> Self {
        Self { wants: vec![candidate.id], shallow: true, candidates: vec![candidate] }
    }

    /// The revision, where it is certain before anything is fetched.
    pub(super) fn revision(&self) -> Option<Revision> {
        match self.candidates.as_slice() {
            [one] => one.commit.map(|commit| one.revision(&commit.to_string())),
            _ => None,
        }
    }
}

impl Candidate {
    /// The revision, once it turned out to be this commit.
    pub(super) fn revision(&self, commit: &str) -> Revision {
        match &self.label {
            Some(label) => Revision::of_name(label, "sha1", commit),
            None => Revision::of_hash("sha1", commit),
        }
    }

    fn tag(tag: &str, id: ObjectId, peeled: Option<ObjectId>) -> Self {
        Self { label: Some(tag.to_owned()), tag: Some(tag.to_owned()), id, commit: Some(peeled.unwrap_or(id)) }
    }
}

/// The tags of the highest version in a range; several when they differ in build metadata only.
fn highest(constraint: &Constraint, advertised: &Advertisement) -> Vec<Candidate> {
    let mut best: Vec<(Version, Candidate)> = Vec::new();
    for (name, id) in &advertised.refs {
        let Some(tag) = name.strip_prefix(TAGS).filter(|tag| !tag.ends_with(PEELED)) else { continue };
        let Some(version) = version(tag).filter(|version| constraint.check(version)) else { continue };
        match best.first().map(|(highest, _)| version.cmp(highest)) {
            Some(std::cmp::Ordering::Less) => continue,
            Some(std::cmp::Ordering::Greater) => best.clear(),
            _ => {}
        }
        let candidate = Candidate::tag(tag, *id, advertised.find(&format!("{name}{PEELED}")));
        best.push((version, candidate));
    }
    best.into_iter().map(|(_, candidate)| candidate).collect()
}

/// Reads a tag loosely, but only with all three numbers: `v1.0` is no version here.
fn version(tag: &str) -> Option<Version> {
    if tag.split('.').count() < 3 {
        return None;
    }
    Version::parse(tag).ok()
}

#[cfg(test)]
mod tests {
    use gix_hash::ObjectId;

    use super::{Plan, Reference};
    use crate::git::wire::Advertisement;

    fn id(digit: char) -> ObjectId {
        ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).unwrap()
    }

    /// `name=digit` for each reference of a remote whose HEAD is `main`.
    fn remote(refs: &str, plan: &Plan) -> Advertisement {
        let parse = |entry: &str| {
            let (name, digit) = entry.split_once('=').unwrap();
            (name.to_owned(), id(digit.chars().next().unwrap()))
        };
        let all: Vec<_> = refs.split_whitespace().map(parse).collect();
        Advertisement {
            is_empty: all.is_empty(),
            refs: all.into_iter().filter(|(name, _)| plan.wants(name)).collect(),
            head: Some("refs/heads/main".into()),
            ..Advertisement::default()
        }
    }

    /// `wants revision`, or the refusal. Fields are `field:value`.
    #[track_caller]
    fn check(reference: &str, refs: &str, expected: &str) {
        let mut fields = Reference::default();
        for field in reference.split('|').filter(|field| !field.is_empty()) {
            let (key, value) = field.split_once(':').unwrap();
            let slot = match key {
                "branch" => &mut fields.branch,
                "tag" => &mut fields.tag,
                "semver" => &mut fields.semver,
                "name" => &mut fields.name,
                "commit" => &mut fields.commit,
                _ => panic!("{key}"),
            };
            *slot = Some(value.to_owned());
        }
        let seen = Plan::new(&fields).and_then(|plan| {
            let selection = plan.select("u", &remote(refs, &plan))?;
            let wants: String = selection.wants.iter().map(|id| id.to_string().remove(0)).collect();
            let depth = if selection.shallow { "" } else { "all " };
            let revision = selection.revision().map(|revision| revision.to_string());
            Ok(format!("{depth}{wants} {}", revision.as_deref().unwrap_or("?")))
        });
        let forty = |digit: &str| digit.repeat(40);
        let expected = ["1", "2", "3", "9"]
            .iter()
            .fold(expected.to_owned(), |text, digit| text.replace(&format!("#{digit}"), &forty(digit)));
        assert_eq!(seen.unwrap_or_else(|error| error.to_string()), expected, "{reference}");
    }

    const REFS: &str = "HEAD=1 refs/heads/main=1 refs/heads/a/b=2 refs/pull/7/head=3 \
        refs/tags/v1.0.0=2 refs/tags/v1.0.0^{}=1 refs/tags/v1.2.0=2 refs/tags/v1.10.0-rc.1=3 refs/tags/v9=3";

    #[test]
    fn a_branch_is_its_tip_and_master_without_one() {
        check("branch:main", REFS, "1 main@sha1:#1");
        check("branch:a/b", REFS, "2 a/b@sha1:#2");
        check(
            "",
            REFS,
            "unable to clone 'u': couldn't find remote ref \"refs/heads/master\"; the default branch is 'main'",
        );
        check("", "refs/heads/master=3", "3 master@sha1:#3");
        check("branch:main", "", "git repository is empty");
    }

    #[test]
    fn a_tag_is_the_commit_behind_it_and_beats_semver() {
        check("tag:v1.0.0|semver:>=1.2.0|branch:main", REFS, "2 v1.0.0@sha1:#1");
        check("tag:v1.2.0", REFS, "2 v1.2.0@sha1:#2");
        check(
            "tag:v1.2",
            REFS,
            "unable to clone 'u': couldn't find remote ref \"refs/tags/v1.2\"; the default branch is 'main'",
        );
    }

    #[test]
    fn semver_takes_the_highest_tag_with_three_numbers() {
        check("semver:>=1.0.0 <2.0.0", REFS, "2 v1.2.0@sha1:#2");
        check("semver:>=1.0.0-0", REFS, "3 v1.10.0-rc.1@sha1:#3");
        check("semver:1.0.x", REFS, "2 v1.0.0@sha1:#1");
        check("semver:>=3.0.0", REFS, "no match found for semver: >=3.0.0");
        check("semver:>=1", "refs/tags/1.0.0+a=1 refs/tags/1.0.0+b=2 refs/tags/0.9.0=3", "12 ?");
        assert!(Plan::new(&Reference { semver: Some("nonsense".into()), ..Reference::default() }).is_err());
    }

    #[test]
    fn a_full_name_stays_whole_in_the_revision() {
        check("name:refs/heads/main|tag:x", REFS, "1 refs/heads/main@sha1:#1");
        check("name:refs/tags/v1.0.0", REFS, "2 refs/tags/v1.0.0@sha1:#1");
        check("name:refs/tags/v1.0.0^{}", REFS, "2 refs/tags/v1.0.0^{}@sha1:#1");
        check("name:refs/pull/7/head", REFS, "3 refs/pull/7/head@sha1:#3");
        check("name:refs/pull/8/head", REFS, "unable to resolve ref 'refs/pull/8/head' to a specific commit");
        check(
            "name:/refs/heads/main",
            REFS,
            "ref /refs/heads/main is invalid; Git refs cannot begin or end with a slash '/'",
        );
    }

    #[test]
    fn a_commit_is_looked_for_in_its_branch_or_in_all() {
        let commit = format!("commit:{}", "9".repeat(40));
        check(&format!("{commit}|branch:main"), REFS, "all 1 main@sha1:#9");
        check(&commit, "refs/heads/a=1 refs/heads/b=2 refs/heads/c=1 refs/tags/t=3", "all 12 sha1:#9");
        check(&format!("commit:{}|branch:main", "1".repeat(40)), REFS, "1 main@sha1:#1");
        check(&format!("{commit}|name:refs/x"), REFS, "all 12 refs/x@sha1:#9");
        check(
            &format!("{commit}|branch:no"),
            REFS,
            "unable to clone 'u': couldn't find remote ref \"refs/heads/no\"; the default branch is 'main'",
        );
        check(
            "commit:abc",
            REFS,
            "unable to resolve commit object for 'abc': object not found (a commit is named by all of its 40 hexadecimal digits)",
        );
        check(
            &commit,
            "refs/tags/t=3",
            "unable to resolve commit object for '#9': object not found in the history of any branch",
        );
    }
}
