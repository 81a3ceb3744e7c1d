//! From parsed templates back to text, as error messages and Go's `parse.Tree.String` show them.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Branch, Command, Fields, Invocation, Node, Operand, Pipe, Source, Span, Term, Tree};
use crate::strconv;
use crate::value::Str;

/// A whole template.
pub(super) struct TreeText<'a> {
    pub(super) tree: &'a Tree,
    /// Go forgets comments unless it is told not to.
    pub(super) comments: bool,
}

impl Display for TreeText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.nodes(f, self.tree.root)
    }
}

impl TreeText<'_> {
    fn nodes(&self, f: &mut Formatter<'_>, nodes: Span) -> fmt::Result {
        nodes.of(&self.tree.source.nodes).iter().try_for_each(|node| self.node(f, node))
    }

    fn node(&self, f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
        let source = &*self.tree.source;
        match node {
            Node::Text(span) => f.write_str(&strconv::quote(span.of(&source.text))),
            Node::Comment(span) if self.comments => {
                write!(f, "{{{{{}}}}}", String::from_utf8_lossy(span.of(&source.text)))
            }
            Node::Comment(_) => Ok(()),
            Node::Action(pipe) => write!(f, "{{{{{}}}}}", source.shown(pipe)),
            Node::If(branch) => self.branch(f, "if", branch),
            Node::With(branch) => self.branch(f, "with", branch),
            Node::Range(range) => {
                let range = range.of(&source.ranges);
                write!(f, "{{{{range {}}}}}", source.shown(&range.pipe))?;
                self.nodes(f, range.body)?;
                self.otherwise(f, range.otherwise)?;
                f.write_str("{{end}}")
            }
            Node::Template(invocation) => source.shown(invocation.of(&source.invocations)).fmt(f),
            Node::Break => f.write_str("{{break}}"),
            Node::Continue => f.write_str("{{continue}}"),
        }
    }

    fn branch(&self, f: &mut Formatter<'_>, word: &str, branch: &Branch) -> fmt::Result {
        let source = &*self.tree.source;
        let arms = branch.arms.of(&source.arms);
        for (i, arm) in arms.iter().enumerate() {
            if i > 0 {
                f.write_str("{{else}}")?;
            }
            write!(f, "{{{{{word} {}}}}}", source.shown(&arm.pipe))?;
            self.nodes(f, arm.body)?;
        }
        self.otherwise(f, branch.otherwise)?;
        arms.iter().try_for_each(|_| f.write_str("{{end}}"))
    }

    fn otherwise(&self, f: &mut Formatter<'_>, nodes: Option<Span>) -> fmt::Result {
        let Some(nodes) = nodes else { return Ok(()) };
        f.write_str("{{else}}")?;
        self.nodes(f, nodes)
    }
}

/// A part of a template as text.
pub(super) struct Shown<'a, T> {
    source: &'a Source,
    part: &'a T,
}

impl Source {
    /// Shows a part of what was parsed.
    pub(super) fn shown<'a, T>(&'a self, part: &'a T) -> Shown<'a, T> {
        Shown { source: self, part }
    }

    /// A piece of the text.
    pub(super) fn piece(&self, span: Span) -> Str {
        span.of(&self.text).into()
    }
}

impl Display for Shown<'_, Invocation> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", strconv::quote(self.part.name.as_bytes()))?;
        if let Some(pipe) = &self.part.pipe {
            write!(f, " {}", self.source.shown(pipe))?;
        }
        f.write_str("}}")
    }
}

impl Display for Shown<'_, Pipe> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { source, part: pipe } = self;
        for (i, variable) in pipe.variables.of(&source.variables).iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            source.piece(variable.name).fmt(f)?;
        }
        if !pipe.variables.is_empty() {
            f.write_str(if pipe.assigns { " = " } else { " := " })?;
        }
        for (i, command) in pipe.commands.of(&source.commands).iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            source.shown(command).fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Shown<'_, Command> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, operand) in self.part.operands.of(&self.source.operands).iter().enumerate() {
            if i > 0 {
                f.write_char(' ')?;
            }
            self.source.shown(operand).parenthesized(f)?;
        }
        Ok(())
    }
}

/// A pipeline comes without its parentheses, as Go shows it in errors.
impl Display for Shown<'_, Operand> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let source = self.source;
        match &self.part.term {
            Term::Dot => f.write_char('.'),
            Term::Nil => f.write_str("nil"),
            Term::Bool(b) => b.fmt(f),
            Term::Number(number) => source.piece(number.of(&source.numbers).text).fmt(f),
            Term::Text(literal) => source.piece(literal.of(&source.literals).quoted).fmt(f),
            Term::Function(function) => f.write_str(function.of(&source.functions).name),
            Term::Field(Fields(fields)) => source.piece(*fields).fmt(f),
            Term::Variable { variable, fields: Fields(fields) } => {
                source.piece(variable.name).fmt(f)?;
                source.piece(*fields).fmt(f)
            }
            Term::Chain { of, fields: Fields(fields) } => {
                source.shown(of.of(&source.chained)).parenthesized(f)?;
                source.piece(*fields).fmt(f)
            }
            Term::Pipe(pipe) => source.shown(pipe).fmt(f),
        }
    }
}

impl Shown<'_, Operand> {
    fn parenthesized(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if matches!(self.part.term, Term::Pipe(_)) { write!(f, "({self})") } else { self.fmt(f) }
    }
}
