//! From parsed templates back to text, as error messages and Go's `parse.Tree.String` show them.

use std::fmt::{self, Display, Formatter, Write};

use super::ast::{Branch, Command, Invocation, Node, Operand, Pipe, Term, Tree};
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
        self.nodes(f, &self.tree.root)
    }
}

impl TreeText<'_> {
    fn nodes(&self, f: &mut Formatter<'_>, nodes: &[Node]) -> fmt::Result {
        nodes.iter().try_for_each(|node| self.node(f, node))
    }

    fn node(&self, f: &mut Formatter<'_>, node: &Node) -> fmt::Result {
        match node {
            Node::Text(span) => f.write_str(&strconv::quote(span.of(&self.tree.source))),
            Node::Comment(span) if self.comments => {
                write!(f, "{{{{{}}}}}", String::from_utf8_lossy(span.of(&self.tree.source)))
            }
            Node::Comment(_) => Ok(()),
            Node::Action(pipe) => write!(f, "{{{{{pipe}}}}}"),
            Node::If(branch) => self.branch(f, "if", branch),
            Node::With(branch) => self.branch(f, "with", branch),
            Node::Range(range) => {
                write!(f, "{{{{range {}}}}}", range.pipe)?;
                self.nodes(f, &range.body)?;
                self.otherwise(f, range.otherwise.as_deref())?;
                f.write_str("{{end}}")
            }
            Node::Template(invocation) => invocation.fmt(f),
            Node::Break => f.write_str("{{break}}"),
            Node::Continue => f.write_str("{{continue}}"),
        }
    }

    fn branch(&self, f: &mut Formatter<'_>, word: &str, branch: &Branch) -> fmt::Result {
        for (i, (pipe, body)) in branch.arms.iter().enumerate() {
            if i > 0 {
                f.write_str("{{else}}")?;
            }
            write!(f, "{{{{{word} {pipe}}}}}")?;
            self.nodes(f, body)?;
        }
        self.otherwise(f, branch.otherwise.as_deref())?;
        branch.arms.iter().try_for_each(|_| f.write_str("{{end}}"))
    }

    fn otherwise(&self, f: &mut Formatter<'_>, nodes: Option<&[Node]>) -> fmt::Result {
        let Some(nodes) = nodes else { return Ok(()) };
        f.write_str("{{else}}")?;
        self.nodes(f, nodes)
    }
}

impl Display for Invocation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{{{{template {}", strconv::quote(self.name.as_bytes()))?;
        if let Some(pipe) = &self.pipe {
            write!(f, " {pipe}")?;
        }
        f.write_str("}}")
    }
}

impl Display for Pipe {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, variable) in self.variables.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            variable.name.fmt(f)?;
        }
        if !self.variables.is_empty() {
            f.write_str(if self.assigns { " = " } else { " := " })?;
        }
        for (i, command) in self.commands.iter().enumerate() {
            if i > 0 {
                f.write_str(" | ")?;
            }
            command.fmt(f)?;
        }
        Ok(())
    }
}

impl Display for Command {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (i, operand) in self.operands.iter().enumerate() {
            if i > 0 {
                f.write_char(' ')?;
            }
            parenthesized(f, operand)?;
        }
        Ok(())
    }
}

fn parenthesized(f: &mut Formatter<'_>, operand: &Operand) -> fmt::Result {
    if let Term::Pipe(pipe) = &operand.term { write!(f, "({pipe})") } else { operand.fmt(f) }
}

/// A pipeline comes without its parentheses, as Go shows it in errors.
impl Display for Operand {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.term {
            Term::Dot => f.write_char('.'),
            Term::Nil => f.write_str("nil"),
            Term::Bool(b) => b.fmt(f),
            Term::Number(number) => number.text.fmt(f),
            Term::Text { quoted, .. } => quoted.fmt(f),
            Term::Function { name, .. } => name.fmt(f),
            Term::Field(fields) => dotted(f, fields),
            Term::Variable { variable, fields } => {
                variable.name.fmt(f)?;
                dotted(f, fields)
            }
            Term::Chain { of, fields } => {
                parenthesized(f, of)?;
                dotted(f, fields)
            }
            Term::Pipe(pipe) => pipe.fmt(f),
        }
    }
}

fn dotted(f: &mut Formatter<'_>, fields: &[Str]) -> fmt::Result {
    fields.iter().try_for_each(|field| write!(f, ".{field}"))
}
