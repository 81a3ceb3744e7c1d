//! Pipelines: declarations, commands, operands.

use super::super::ast::{Command, Fields, Function, Literal, Number, Operand, Pipe, Ref, Span, Term, VariableName};
use super::super::builtin::Builtin;
use super::super::lex::{Kind, Token};
use super::super::number;
use super::{MORE_STACK, Parser, RED_ZONE, Result, complete};
use crate::strconv;
use crate::value::Str;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let at = self.peek_word().span.start;
        let (assigns, variables) = self.declarations(context)?;
        let start = self.open.commands.len();
        loop {
            let token = self.peek_word();
            match token.kind {
                kind if kind == end => {
                    self.next();
                    break;
                }
                Kind::Bool
                | Kind::Char
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    let command = self.command()?;
                    self.open.commands.push(command);
                }
                _ => return self.unexpected(token, context),
            }
        }
        let commands = complete(&mut self.open.commands, start, &mut self.source.commands);
        if commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (i, command) in commands.of(&self.source.commands).iter().enumerate().skip(1) {
            let first = command.operands.of(&self.source.operands).first().map(|operand| &operand.term);
            if let Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text(_)) = first {
                return self.error(format!("non executable command in pipeline stage {}", i + 1));
            }
        }
        Ok(Pipe { at, assigns, variables, commands })
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`: whether they are assigned to, and which.
    fn declarations(&mut self, context: &str) -> Result<(bool, Span)> {
        let mut assigns = false;
        let start = self.source.variables.len();
        while self.peek_word().kind == Kind::Variable {
            let variable = self.next();
            let after = self.next();
            let next = if after.kind == Kind::Space { self.next_word() } else { after };
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    assigns = next.kind == Kind::Assign;
                    self.declare(variable)?;
                    break;
                }
                Kind::Punctuation if self.text(next) == b"," => {
                    self.declare(variable)?;
                    if context != "range" || self.source.variables.len() - start >= 2 {
                        return self.error(format!("too many declarations in {context}"));
                    }
                    if !matches!(self.peek_word().kind, Kind::Variable | Kind::RightDelim | Kind::RightParen) {
                        return self.error("range can only initialize variables");
                    }
                }
                _ => {
                    // An operand after all.
                    self.back(next);
                    if after.kind == Kind::Space {
                        self.back(after);
                    }
                    self.back(variable);
                    break;
                }
            }
        }
        Ok((assigns, Span::new(start, self.source.variables.len())))
    }

    fn declare(&mut self, token: Token) -> Result<()> {
        let variable = self.variable_name(token)?;
        self.scope.variables.push(variable.id);
        self.source.variables.push(variable);
        Ok(())
    }

    fn variable_name(&mut self, token: Token) -> Result<VariableName> {
        let Ok(next) = u32::try_from(self.names.len()) else {
            return self.error("too many variables");
        };
        let id = *self.names.entry(self.text(token)).or_insert(next);
        Ok(VariableName { name: token.span, id })
    }

    /// Operands up to a pipe symbol, which is consumed, or the end of the pipeline, which is not.
    fn command(&mut self) -> Result<Command> {
        let at = self.peek_word().span.start;
        let start = self.open.operands.len();
        loop {
            self.peek_word();
            if let Some(operand) = self.operand()? {
                self.open.operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => {}
                Kind::RightDelim | Kind::RightParen => {
                    self.back(token);
                    break;
                }
                Kind::Pipe => break,
                _ => return self.unexpected(token, "operand"),
            }
        }
        let operands = complete(&mut self.open.operands, start, &mut self.source.operands);
        if operands.is_empty() {
            return self.error("empty command");
        }
        Ok(Command { at, operands })
    }

    /// A term with the fields that are chained to it.
    fn operand(&mut self) -> Result<Option<Operand>> {
        let Some(operand) = self.term()? else { return Ok(None) };
        if self.peek().kind != Kind::Field {
            return Ok(Some(operand));
        }
        // Go takes the position of the first chained field for that of the whole.
        let at = self.peek().span.start;
        let chained = self.fields();
        let term = match operand.term {
            Term::Field(Fields(first)) => Term::Field(Fields(Span { end: chained.0.end, ..first })),
            Term::Variable { variable, .. } => Term::Variable { variable, fields: chained },
            Term::Bool(_) | Term::Text(_) | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = strconv::quote(self.source.shown(&operand).to_string().as_bytes());
                return self.error(format!("unexpected . after term {text}"));
            }
            _ => Term::Chain { of: Ref::push(&mut self.source.chained, operand), fields: chained },
        };
        Ok(Some(Operand { at, term }))
    }

    /// The fields that follow, one right behind the other.
    fn fields(&mut self) -> Fields {
        let mut span = self.peek().span;
        while self.peek().kind == Kind::Field {
            span.end = self.next().span.end;
        }
        Fields(span)
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_word();
        let term = match token.kind {
            Kind::Identifier => Term::Function(self.function(token)?),
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                let variable = self.variable_name(token)?;
                if !self.scope.variables.contains(&variable.id) {
                    let name = strconv::quote(self.text(token));
                    return self.error(format!("undefined variable {name}"));
                }
                Term::Variable { variable, fields: Fields::default() }
            }
            Kind::Field => Term::Field(Fields(token.span)),
            Kind::Bool => Term::Bool(self.text(token) == b"true"),
            Kind::Char | Kind::Complex | Kind::Number => {
                match number::parse(&Str::from(self.text(token)).to_str(), token.kind) {
                    Ok(number) => {
                        let number = Number { text: token.span, ..number };
                        Term::Number(Ref::push(&mut self.source.numbers, number))
                    }
                    Err(message) => return self.error(message),
                }
            }
            Kind::LeftParen => {
                if self.parens >= self.nesting.parens {
                    return self.error("max expression depth exceeded");
                }
                self.parens += 1;
                let pipe = stacker::maybe_grow(RED_ZONE, MORE_STACK, || {
                    self.pipeline("parenthesized pipeline", Kind::RightParen)
                })?;
                self.parens -= 1;
                return Ok(Some(Operand { at: pipe.at, term: Term::Pipe(pipe) }));
            }
            Kind::String | Kind::RawString => Term::Text(self.literal(token)?),
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: token.span.start, term }))
    }

    fn function(&mut self, token: Token) -> Result<Ref<Function>> {
        let text = self.text(token);
        let name = std::str::from_utf8(text).unwrap_or_default();
        if let Some(known) = self.source.functions.iter().position(|function| function.name == name) {
            return Ok(Ref::to(known));
        }
        // A registered function takes the place of a built-in one.
        let registered = self.funcs.name(name).map(|name| Function { name, builtin: None });
        let built_in = || Builtin::named(name).map(|(name, builtin)| Function { name, builtin: Some(builtin) });
        match registered.or_else(built_in) {
            Some(function) => Ok(Ref::push(&mut self.source.functions, function)),
            None => self.error(format!("function {} not defined", strconv::quote(text))),
        }
    }

    fn literal(&mut self, token: Token) -> Result<Ref<Literal>> {
        let quoted = self.text(token);
        if let Some(known) = self.literals.get(quoted) {
            return Ok(*known);
        }
        let text = self.unquote(token)?;
        let literal = Ref::push(&mut self.source.literals, Literal { quoted: token.span, text });
        self.literals.insert(quoted, literal);
        Ok(literal)
    }
}
