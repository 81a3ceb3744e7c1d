//! What a template is once it is parsed.
//!
//! Everything is `Send`: parsed templates are shared between threads. Positions are byte offsets into the source.

use std::sync::Arc;

use crate::template::builtin::Builtin;
use crate::value::Str;

/// One template: a file, or what `define` or `block` made of a part of it.
#[derive(Debug)]
pub(crate) struct Tree {
    /// The file's name, for error messages.
    pub(crate) file: Arc<str>,
    /// The file's text, which the positions point into.
    pub(crate) source: Arc<[u8]>,
    pub(crate) root: Vec<Node>,
}

impl Tree {
    /// Whether there is nothing but white space and comments: such a template does not replace another.
    pub(crate) fn is_blank(&self) -> bool {
        self.root.iter().all(|node| match node {
            Node::Text(span) => span.of(&self.source).trim_ascii().is_empty(),
            Node::Comment(_) => true,
            _ => false,
        })
    }
}

/// A piece of the source.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn of(self, source: &[u8]) -> &[u8] {
        source.get(self.start..self.end).unwrap_or_default()
    }
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(Span),
    Comment(Span),
    Action(Pipe),
    If(Branch),
    With(Branch),
    // Boxed, for there are few of them and they are large.
    Range(Box<Range>),
    Template(Box<Invocation>),
    Break,
    Continue,
}

/// `if` or `with`, and every `else if` or `else with` that follows.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Never empty.
    pub(crate) arms: Vec<(Pipe, Vec<Node>)>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) pipe: Pipe,
    pub(crate) body: Vec<Node>,
    pub(crate) otherwise: Option<Vec<Node>>,
}

/// `{{template "name" pipeline}}`
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) at: usize,
    pub(crate) name: Str,
    pub(crate) pipe: Option<Pipe>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) at: usize,
    /// Whether the variables are assigned to (`=`), not declared (`:=`).
    pub(crate) assigns: bool,
    pub(crate) variables: Vec<VariableName>,
    pub(crate) commands: Vec<Command>,
}

/// A variable: its name with the dollar sign, and a number that stands for the name within its file.
#[derive(Clone, Debug)]
pub(crate) struct VariableName {
    pub(crate) name: Str,
    pub(crate) id: u32,
}

/// `$`
pub(crate) const ROOT_VARIABLE: u32 = 0;

/// Operands between pipe symbols: a value, or a function and its arguments. Never empty.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) at: usize,
    pub(crate) operands: Vec<Operand>,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) at: usize,
    pub(crate) term: Term,
}

#[derive(Debug)]
pub(crate) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Box<Number>),
    /// A string as it was written and what it means.
    Text {
        quoted: Str,
        text: Str,
    },
    Function {
        name: Str,
        builtin: Option<Builtin>,
    },
    Field(Box<[Str]>),
    Variable {
        variable: VariableName,
        fields: Box<[Str]>,
    },
    /// Fields of what a function or a pipeline in parentheses gives.
    Chain {
        of: Box<Operand>,
        fields: Box<[Str]>,
    },
    /// In parentheses.
    Pipe(Box<Pipe>),
}

/// A constant under every type that can hold it, as Go's ideal constants.
#[derive(Debug)]
pub(crate) struct Number {
    pub(crate) text: Str,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}
