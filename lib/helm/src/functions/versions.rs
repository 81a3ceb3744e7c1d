//! `semver` and `semverCompare`.

use std::any::Any;

use gotemplate::{Args, Call, Fault, Funcs, Object, Signature, Str, Type, Value};
use version::{Constraint, Version};

const VERSION: Type = Type::Named("*semver.Version");

pub(super) fn register(funcs: &mut Funcs) {
    funcs.add("semver", &[Type::String], |_, args| {
        let version = Version::parse(&args.text(0)?).map_err(|error| Fault::message(error.to_string()))?;
        Ok(Value::object(GoVersion(version)))
    });
    funcs.add("semverCompare", &[Type::String, Type::String], |_, args| {
        let constraint = Constraint::parse(&args.text(0)?).map_err(|error| Fault::message(error.to_string()))?;
        let version = Version::parse(&args.text(1)?).map_err(|error| Fault::message(error.to_string()))?;
        Ok(constraint.check(&version).into())
    });
}

/// A version as templates use it: `(semver "1.2.3").Major`.
#[derive(Debug)]
struct GoVersion(Version);

impl Object for GoVersion {
    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn method(&self, name: &str) -> Option<Signature> {
        match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => Some(Signature::exact(&[])),
            "Compare" | "Equal" | "GreaterThan" | "GreaterThanEqual" | "LessThan" | "LessThanEqual" => {
                Some(Signature::exact(&[VERSION]))
            }
            "SetPrerelease" | "SetMetadata" => Some(Signature::exact(&[Type::String])),
            _ => None,
        }
    }

    fn invoke(&self, name: &str, _: &mut Call<'_>, args: Args<'_>) -> Result<Value, Fault> {
        let version = &self.0;
        let other = || {
            let other = args.get(0).downcast::<Self>();
            other.map(|other| &other.0).ok_or_else(|| Fault::message("wrong type for value; expected *semver.Version"))
        };
        let next = |next: Option<Version>, part: &str| {
            let overflow = || Fault::message(format!("{part} version increment would overflow uint64"));
            next.map(|version| Value::object(Self(version))).ok_or_else(overflow)
        };
        let changed = |changed: Result<Version, version::ParseError>| match changed {
            Ok(version) => Ok(Value::object(Self(version))),
            Err(error) => Err(Fault::message(error.to_string())),
        };
        Ok(match name {
            "Major" => Value::Uint64(version.major()),
            "Minor" => Value::Uint64(version.minor()),
            "Patch" => Value::Uint64(version.patch()),
            "Prerelease" => version.prerelease().into(),
            "Metadata" => version.metadata().into(),
            "Original" => version.original().into(),
            "String" => version.to_string().into(),
            "Compare" => Value::Int(version.cmp(other()?) as i64),
            "Equal" => (version == other()?).into(),
            "GreaterThan" => (version > other()?).into(),
            "GreaterThanEqual" => (version >= other()?).into(),
            "LessThan" => (version < other()?).into(),
            "LessThanEqual" => (version <= other()?).into(),
            "IncMajor" => next(version.next_major(), "major")?,
            "IncMinor" => next(version.next_minor(), "minor")?,
            "IncPatch" => next(version.next_patch(), "patch")?,
            "SetPrerelease" => changed(version.with_prerelease(&args.text(0)?))?,
            "SetMetadata" => changed(version.with_metadata(&args.text(0)?))?,
            _ => return Err(Fault::message(format!("*semver.Version has no method {name}"))),
        })
    }

    fn text(&self) -> Option<Str> {
        Some(self.0.to_string().into())
    }
}
