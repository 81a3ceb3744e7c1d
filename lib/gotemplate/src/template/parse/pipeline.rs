//! Pipelines: declarations, commands, operands.

use super::super::ast::{Command, Operand, Pipe, Term, VariableName};
use super::super::builtin::Builtin;
use super::super::lex::{Kind, Token};
use super::super::number;
use super::{MORE_STACK, Parser, RED_ZONE, Result};
use crate::strconv;
use crate::value::Str;

impl Parser<'_> {
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe> {
        let mut pipe = Pipe { at: self.peek_word().at, assigns: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(context, &mut pipe)?;
        let start = self.open.commands.len();
        loop {
            let token = self.next_word();
            match token.kind {
                kind if kind == end => break,
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
                    self.back(token);
                    let command = self.command()?;
                    self.open.commands.push(command);
                }
                _ => return self.unexpected(&token, context),
            }
        }
        pipe.commands = self.open.commands.split_off(start);
        if pipe.commands.is_empty() {
            return self.error(format!("missing value for {context}"));
        }
        for (i, command) in pipe.commands.iter().enumerate().skip(1) {
            let first = command.operands.first().map(|operand| &operand.term);
            if let Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::Text { .. }) = first {
                return self.error(format!("non executable command in pipeline stage {}", i + 1));
            }
        }
        Ok(pipe)
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, context: &str, pipe: &mut Pipe) -> Result<()> {
        while self.peek_word().kind == Kind::Variable {
            let variable = self.next();
            let after = self.next();
            let next = if after.kind == Kind::Space { self.next_word() } else { after.clone() };
            match next.kind {
                Kind::Assign | Kind::Declare => {
                    pipe.assigns = next.kind == Kind::Assign;
                    self.declare(&variable, pipe)?;
                    return Ok(());
                }
                Kind::Punctuation if *next.text == *b"," => {
                    self.declare(&variable, pipe)?;
                    if context != "range" || pipe.variables.len() >= 2 {
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
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn declare(&mut self, token: &Token<'_>, pipe: &mut Pipe) -> Result<()> {
        let variable = self.variable_name(Str::from(&*token.text))?;
        self.scope.variables.push(variable.id);
        pipe.variables.push(variable);
        Ok(())
    }

    fn variable_name(&mut self, name: Str) -> Result<VariableName> {
        let Ok(next) = u32::try_from(self.names.len()) else {
            return self.error("too many variables");
        };
        let id = *self.names.entry(name.clone()).or_insert(next);
        Ok(VariableName { name, id })
    }

    /// Operands up to a pipe symbol, which is consumed, or the end of the pipeline, which is not.
    fn command(&mut self) -> Result<Command> {
        let at = self.peek_word().at;
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
                _ => return self.unexpected(&token, "operand"),
            }
        }
        let operands = self.open.operands.split_off(start);
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
        let at = self.peek().at;
        let mut fields = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            fields.push(self.field_name(&token));
        }
        let term = match operand.term {
            Term::Field(first) => Term::Field(first.into_iter().chain(fields).collect()),
            Term::Variable { variable, fields: first } => {
                Term::Variable { variable, fields: first.into_iter().chain(fields).collect() }
            }
            Term::Bool(_) | Term::Text { .. } | Term::Number(_) | Term::Nil | Term::Dot => {
                let text = strconv::quote(operand.to_string().as_bytes());
                return self.error(format!("unexpected . after term {text}"));
            }
            term => Term::Chain { of: Box::new(Operand { at: operand.at, term }), fields: fields.into() },
        };
        Ok(Some(Operand { at, term }))
    }

    fn term(&mut self) -> Result<Option<Operand>> {
        let token = self.next_word();
        let term = match token.kind {
            Kind::Identifier => {
                // A registered function takes the place of a built-in one.
                let text = token.str();
                match (self.funcs.name(&text), Builtin::named(&text)) {
                    (Some(name), _) => Term::Function { name: Str::from_static(name), builtin: None },
                    (None, Some(builtin)) => Term::Function { name: Str::from(&*token.text), builtin: Some(builtin) },
                    (None, None) => {
                        let name = strconv::quote(&token.text);
                        return self.error(format!("function {name} not defined"));
                    }
                }
            }
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => {
                let variable = self.variable_name(Str::from(&*token.text))?;
                if !self.scope.variables.contains(&variable.id) {
                    let name = strconv::quote(&token.text);
                    return self.error(format!("undefined variable {name}"));
                }
                Term::Variable { variable, fields: Box::default() }
            }
            Kind::Field => Term::Field(Box::new([self.field_name(&token)])),
            Kind::Bool => Term::Bool(*token.text == *b"true"),
            Kind::Char | Kind::Complex | Kind::Number => match number::parse(&token.str(), token.kind) {
                Ok(number) => Term::Number(Box::new(number)),
                Err(message) => return self.error(message),
            },
            Kind::LeftParen => {
                if self.parens >= self.nesting.parens {
                    return self.error("max expression depth exceeded");
                }
                self.parens += 1;
                let pipe = stacker::maybe_grow(RED_ZONE, MORE_STACK, || {
                    self.pipeline("parenthesized pipeline", Kind::RightParen)
                })?;
                self.parens -= 1;
                return Ok(Some(Operand { at: pipe.at, term: Term::Pipe(Box::new(pipe)) }));
            }
            Kind::String | Kind::RawString => {
                Term::Text { quoted: Str::from(&*token.text), text: self.unquote(&token)? }
            }
            _ => {
                self.back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { at: token.at, term }))
    }

    fn field_name(&mut self, token: &Token<'_>) -> Str {
        let name = token.text.get(1..).unwrap_or_default();
        if let Some(known) = self.fields.get(name) {
            return known.clone();
        }
        let made = Str::from(name);
        self.fields.insert(name.into(), made.clone());
        made
    }
}
