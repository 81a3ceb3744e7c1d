//! `${variable}` expressions in text, with the operators that post-build substitution knows.
//!
//! | expression | value |
//! |---|---|
//! | `${v}` `${#v}` | the value, its length in bytes |
//! | `${v^}` `${v^^}` `${v,}` `${v,,}` | first or all characters in upper or lower case |
//! | `${v:from}` `${v:from:length}` | a part, counted in bytes; a negative `from` counts from the end |
//! | `${v/a/b}` `${v//a/b}` `${v/#a/b}` `${v/%a/b}` | `a` replaced by `b`: first, all, as prefix, as suffix |
//! | `${v#p}` `${v##p}` `${v%p}` `${v%%p}` | without the shortest or longest prefix or suffix that the pattern matches |
//! | `${v=d}` `${v:=d}` `${v:-d}` | `d` when `v` is empty or not set |
//!
//! `$v` stays as it is, and `$$` becomes `$`.
//!
//! # Source
//! The grammar is that of `github.com/fluxcd/pkg/envsubst`, oddities included, because people's manifests are written
//! against it: `:?` and `:+` also act as a default, `-`, `+` and `?` without a colon are errors, and an empty
//! replacement does nothing in `/#` and `/%`.

mod glob;
mod operator;
mod parse;

use parse::{Expression, Piece};

/// How deep expressions may nest in arguments.
const DEEPEST: usize = 32;
/// The longest text that expansion may give, in bytes.
const LONGEST: usize = 64 << 20;

/// Why a text could not be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The expression's form is none that we know.
    #[error("line {line}: bad substitution")]
    BadSubstitution {
        /// Where, from 1.
        line: usize,
    },
    /// An expression is not closed, or has an operator that does not exist.
    #[error("line {line}: missing closing brace")]
    MissingClosingBrace {
        /// Where, from 1.
        line: usize,
    },
    /// An expression begins without a name.
    #[error("line {line}: unable to parse variable name")]
    VariableName {
        /// Where, from 1.
        line: usize,
    },
    /// An operator's argument cannot be read.
    #[error("line {line}: unable to parse substitution within function")]
    Argument {
        /// Where, from 1.
        line: usize,
    },
    /// Expressions nest deeper than anybody writes them.
    #[error("line {line}: expressions nest deeper than {DEEPEST} levels")]
    TooDeep {
        /// Where, from 1.
        line: usize,
    },
    /// Variables without a value and without a default.
    #[error("variable not set (strict mode): {}", named(.0))]
    NotSet(Vec<Unset>),
    /// The text grows beyond all reason.
    #[error("the text is longer than {} MiB after substitution", LONGEST >> 20)]
    TooLong,
    /// A part of a value, counted in bytes, is not text.
    #[error("the text is not UTF-8 after substitution: a part of a value was cut within a character")]
    NotText,
}

/// A variable that has no value, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unset {
    /// Its name.
    pub name: String,
    /// The line of the text, from 1.
    pub line: usize,
}

fn named(unset: &[Unset]) -> String {
    let names: Vec<String> = unset.iter().map(|unset| format!("{:?} in line {}", unset.name, unset.line)).collect();
    names.join(", ")
}

/// Replaces the expressions in `text`. `value` gives the value of a variable; `None` is an error where no default is
/// given, so a caller that is not strict gives an empty value instead.
///
/// # Errors
/// The first expression that does not parse, or all variables that are not set.
pub fn expand(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, Error> {
    let pieces = parse::parse(text)?;
    let mut evaluation = Evaluation { value, unset: Vec::new() };
    let mut output = Vec::with_capacity(text.len());
    evaluation.pieces(&pieces, &mut output)?;
    if !evaluation.unset.is_empty() {
        return Err(Error::NotSet(evaluation.unset));
    }
    String::from_utf8(output).map_err(|_| Error::NotText)
}

struct Evaluation<'a> {
    value: &'a dyn Fn(&str) -> Option<String>,
    unset: Vec<Unset>,
}

impl Evaluation<'_> {
    fn pieces(&mut self, pieces: &[Piece], output: &mut Vec<u8>) -> Result<(), Error> {
        for piece in pieces {
            match piece {
                Piece::Text(text) => output.extend_from_slice(text.as_bytes()),
                Piece::Expression(expression) => self.expression(expression, output)?,
            }
            if output.len() > LONGEST {
                return Err(Error::TooLong);
            }
        }
        Ok(())
    }

    fn expression(&mut self, expression: &Expression, output: &mut Vec<u8>) -> Result<(), Error> {
        let mut arguments = Vec::with_capacity(expression.arguments.len());
        for argument in &expression.arguments {
            let mut text = Vec::new();
            self.pieces(std::slice::from_ref(argument), &mut text)?;
            arguments.push(text);
        }
        match (self.value)(&expression.name) {
            None if !expression.operator.gives_a_default() => {
                self.unset.push(Unset { name: expression.name.clone(), line: expression.line });
            }
            value => output.extend(expression.operator.apply(value.unwrap_or_default().into_bytes(), &arguments)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
