//! What a template is once it is parsed.
//!
//! Everything is `Send`: parsed templates are shared between threads. Lists lie one behind the other, each kind in one
//! vector of its file, so that a template is made and dropped in few steps; a [`Span`] says where a list is.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::template::builtin::Builtin;
use crate::value::Str;

/// A file: its text and all that was parsed of it.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// For error messages.
    pub(crate) name: String,
    pub(crate) text: Arc<[u8]>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) arms: Vec<Arm>,
    pub(crate) commands: Vec<Command>,
    pub(crate) operands: Vec<Operand>,
    pub(crate) variables: Vec<VariableName>,
    pub(crate) ranges: Vec<Range>,
    pub(crate) invocations: Vec<Invocation>,
    pub(crate) numbers: Vec<Number>,
    /// What fields are chained to.
    pub(crate) chained: Vec<Operand>,
    /// Each once, however often it is called.
    pub(crate) functions: Vec<Function>,
    /// Each once, however often it is written.
    pub(crate) literals: Vec<Literal>,
}

/// One of the items of a list: of those that are few, or many times the same, and would take room where they are used.
#[derive(Debug)]
pub(crate) struct Ref<T> {
    index: u32,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Ref<T> {}

impl<T> Ref<T> {
    /// The item at a place of the list.
    pub(crate) fn to(place: usize) -> Self {
        Self { index: narrow(place), of: PhantomData }
    }

    /// Puts an item behind those of the list.
    pub(crate) fn push(list: &mut Vec<T>, item: T) -> Self {
        list.push(item);
        Self::to(list.len() - 1)
    }

    /// The item, of the list that it was put into.
    pub(crate) fn of(self, list: &[T]) -> &T {
        &list[self.index as usize]
    }
}

impl Source {
    /// Gives back the room that lists have in advance: parsed templates live long.
    pub(crate) fn shrink(&mut self) {
        self.nodes.shrink_to_fit();
        self.arms.shrink_to_fit();
        self.commands.shrink_to_fit();
        self.operands.shrink_to_fit();
        self.variables.shrink_to_fit();
        self.ranges.shrink_to_fit();
        self.invocations.shrink_to_fit();
        self.numbers.shrink_to_fit();
        self.chained.shrink_to_fit();
        self.functions.shrink_to_fit();
        self.literals.shrink_to_fit();
    }

    /// Whether there is nothing but white space and comments: such a template does not replace another.
    pub(crate) fn is_blank(&self, root: Span) -> bool {
        root.of(&self.nodes).iter().all(|node| match node {
            Node::Text(span) => span.of(&self.text).trim_ascii().is_empty(),
            Node::Comment(_) => true,
            _ => false,
        })
    }
}

/// One template: a file, or what `define` or `block` made of a part of it.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) source: Arc<Source>,
    pub(crate) root: Span,
}

impl Tree {
    pub(crate) fn is_blank(&self) -> bool {
        self.source.is_blank(self.root)
    }
}

/// Some that lie one behind the other: bytes of the text, or items of one of the lists.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// Lossless for what is in a file: the parser takes none that is longer.
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: narrow(start), end: narrow(end) }
    }

    pub(crate) fn of<T>(self, all: &[T]) -> &[T] {
        all.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(crate) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// Lossless for what is in a file, as above.
fn narrow(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[derive(Debug)]
pub(crate) enum Node {
    Text(Span),
    Comment(Span),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Ref<Range>),
    Template(Ref<Invocation>),
    Break,
    Continue,
}

/// `if` or `with`, and every `else if` or `else with` that follows.
#[derive(Debug)]
pub(crate) struct Branch {
    /// Never empty.
    pub(crate) arms: Span,
    pub(crate) otherwise: Option<Span>,
}

/// A condition and the nodes below it.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) pipe: Pipe,
    pub(crate) body: Span,
}

#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) pipe: Pipe,
    pub(crate) body: Span,
    pub(crate) otherwise: Option<Span>,
}

/// `{{template "name" pipeline}}`
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) at: u32,
    pub(crate) name: Str,
    pub(crate) pipe: Option<Pipe>,
}

#[derive(Debug)]
pub(crate) struct Pipe {
    pub(crate) at: u32,
    /// Whether the variables are assigned to (`=`), not declared (`:=`).
    pub(crate) assigns: bool,
    pub(crate) variables: Span,
    pub(crate) commands: Span,
}

/// A variable: its name with the dollar sign, and a number that stands for the name within its file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VariableName {
    pub(crate) name: Span,
    pub(crate) id: u32,
}

/// `$`
pub(crate) const ROOT_VARIABLE: u32 = 0;

/// Operands between pipe symbols: a value, or a function and its arguments. Never empty.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) at: u32,
    pub(crate) operands: Span,
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) at: u32,
    pub(crate) term: Term,
}

#[derive(Debug)]
pub(crate) enum Term {
    Dot,
    Nil,
    Bool(bool),
    Number(Ref<Number>),
    Text(Ref<Literal>),
    Function(Ref<Function>),
    Field(Fields),
    Variable {
        variable: VariableName,
        fields: Fields,
    },
    /// Fields of what a function or a pipeline in parentheses gives.
    Chain {
        of: Ref<Operand>,
        fields: Fields,
    },
    /// In parentheses.
    Pipe(Pipe),
}

/// Fields as they are written: `.Values.image`; empty where there are none.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fields(pub(crate) Span);

impl Fields {
    /// Their names.
    pub(crate) fn names(self, text: &[u8]) -> impl Iterator<Item = &[u8]> {
        self.0.of(text).split(|byte| *byte == b'.').skip(1)
    }
}

/// A function by its name, and whether it is built in.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) builtin: Option<Builtin>,
}

/// A string as it is written and what it means.
#[derive(Debug)]
pub(crate) struct Literal {
    pub(crate) quoted: Span,
    pub(crate) text: Str,
}

/// A constant under every type that can hold it, as Go's ideal constants.
#[derive(Debug, Default)]
pub(crate) struct Number {
    pub(crate) text: Span,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chart has tens of thousands of them.
    #[test]
    fn what_is_many_is_small() {
        assert_eq!([size_of::<Node>(), size_of::<Operand>(), size_of::<Command>()], [24, 28, 12]);
    }
}
