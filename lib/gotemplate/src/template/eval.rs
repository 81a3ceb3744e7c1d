//! Evaluating commands: fields, methods, functions, constants.

use smallvec::SmallVec;

use super::MissingKey;
use super::ast::{Command, Fields, Function, Literal, Number, Operand, Ref, Term};
use super::builtin::{self, Builtin};
use super::exec::{At, Dot, Evaluated, Exec, Result, with_stack};
use crate::funcs::{Args, Call};
use crate::value::{Kind, Signature, Type, Value};

/// What the preceding command of a pipeline gave: the last argument of the next one. `None` for the first command.
type Piped = Option<Evaluated>;

/// The arguments of a call: few have more.
pub(super) type Arguments<T> = SmallVec<[T; 3]>;

/// What an argument must be.
#[derive(Clone, Copy)]
pub(super) enum Param {
    /// Anything, even no value. Go's `reflect.Value`, which built-in functions take.
    Raw,
    Typed(Type),
}

impl<'a> Exec<'a> {
    pub(super) fn command(&mut self, dot: &Dot, command: &'a Command, piped: Piped) -> Result<Evaluated> {
        self.step()?;
        let [first, args @ ..] = command.operands.of(&self.source.operands) else {
            return self.error("empty command");
        };
        match &first.term {
            Term::Field(fields) => {
                self.at = At::Operand(first);
                Ok(self.fields(dot, dot.clone(), first, *fields, args, piped)?.value)
            }
            Term::Variable { variable, fields } => {
                self.at = At::Operand(first);
                let value = self.variable(variable)?;
                if fields.0.is_empty() {
                    self.no_arguments(first, args, &piped)?;
                    return Ok(value.value);
                }
                Ok(self.fields(dot, value, first, *fields, args, piped)?.value)
            }
            Term::Chain { of, fields } => {
                self.at = At::Operand(first);
                let value = self.chained(dot, of.of(&self.source.chained))?;
                Ok(self.fields(dot, value, first, *fields, args, piped)?.value)
            }
            Term::Function(function) => {
                self.at = At::Operand(first);
                self.function(dot, function.of(&self.source.functions), At::Command(command), args, piped)
            }
            Term::Pipe(pipe) => {
                self.no_arguments(first, args, &piped)?;
                with_stack(|| self.pipeline(dot, pipe))
            }
            term => {
                self.at = At::Operand(first);
                self.no_arguments(first, args, &piped)?;
                match term {
                    Term::Nil => self.error("nil is not a command"),
                    Term::Dot => Ok(dot.value.clone()),
                    _ => self.constant(first),
                }
            }
        }
    }

    fn no_arguments(&self, first: &Operand, args: &[Operand], piped: &Piped) -> Result<()> {
        if args.is_empty() && piped.is_none() {
            return Ok(());
        }
        self.error(format!("can't give argument to non-function {}", self.source.shown(first)))
    }

    /// What the fields of a chain belong to: a function's result or a pipeline's.
    fn chained(&mut self, dot: &Dot, of: &'a Operand) -> Result<Dot> {
        let value = self.argument(dot, Param::Raw, of)?.value;
        Ok(Dot::new(value))
    }

    /// The value of a constant whose type its syntax tells.
    fn constant(&mut self, operand: &'a Operand) -> Result<Evaluated> {
        self.at = At::Operand(operand);
        match &operand.term {
            Term::Bool(b) => Ok(Some(Value::Bool(*b))),
            Term::Text(literal) => Ok(Some(self.literal(*literal))),
            Term::Number(number) => self.number(number.of(&self.source.numbers)),
            _ => {
                let text = self.source.shown(operand).to_string();
                self.error(format!("can't evaluate command {}", crate::strconv::quote(text.as_bytes())))
            }
        }
    }

    fn literal(&self, literal: Ref<Literal>) -> Value {
        Value::String(literal.of(&self.source.literals).text.clone())
    }

    fn number(&self, number: &Number) -> Result<Evaluated> {
        let text = self.source.piece(number.text);
        let text = text.to_str();
        let is_char = text.starts_with('\'');
        let is_hex_int = text.len() > 2 && matches!(text.get(..2), Some("0x" | "0X")) && !text.contains(['p', 'P']);
        if let Some((re, im)) = number.complex {
            return Ok(Some(Value::Complex128(re, im)));
        }
        if let Some(float) = number.float
            && !is_hex_int
            && !is_char
            && text.contains(['.', 'e', 'E', 'p', 'P'])
        {
            return Ok(Some(Value::Float64(float)));
        }
        match number.int {
            Some(int) => Ok(Some(Value::Int(int))),
            None if number.uint.is_some() => self.error(format!("{text} overflows int")),
            None => Ok(None),
        }
    }

    /// Follows `.X.Y.Z`; the last may be a method, which gets the arguments.
    fn fields(
        &mut self,
        dot: &Dot,
        mut receiver: Dot,
        node: &'a Operand,
        fields: Fields,
        args: &'a [Operand],
        piped: Piped,
    ) -> Result<Dot> {
        let mut names = fields.names(&self.source.text).peekable();
        while let Some(name) = names.next() {
            if names.peek().is_none() {
                return self.field(dot, receiver, node, name, args, piped);
            }
            receiver = self.field(dot, receiver, node, name, &[], None)?;
        }
        Ok(receiver)
    }

    fn field(
        &mut self,
        dot: &Dot,
        receiver: Dot,
        node: &'a Operand,
        name: &'a [u8],
        args: &'a [Operand],
        piped: Piped,
    ) -> Result<Dot> {
        let Some(value) = receiver.value else {
            if self.templates.missing_key == MissingKey::Error {
                return self.error(format!("nil data; no entry for key {}", crate::strconv::quote(name)));
            }
            return Ok(Dot::default());
        };
        let type_name = |value: &Value| if receiver.boxed { "interface {}".into() } else { value.type_name() };
        let has_args = !args.is_empty() || piped.is_some();
        let object = match &value {
            Value::Map(map) => return self.entry(map, name, has_args),
            Value::Nil => return self.error(format!("nil pointer evaluating interface {{}}.{}", text(name))),
            Value::Object(object) => object,
            other => return self.error(format!("can't evaluate field {} in type {}", text(name), type_name(other))),
        };
        let text = text(name);
        if let Some(signature) = object.method(text) {
            let args = self.arguments(dot, text, Params::Typed(signature), args, piped, Dot::into_value)?;
            let result = object.invoke(text, &mut Call::within(self.session, self.templates), Args::new(&args));
            return Ok(Dot { value: self.settle(text, At::Operand(node), result)?, boxed: false });
        }
        if object.is_nil() {
            return self.error(format!("nil pointer evaluating {}.{text}", type_name(&value)));
        }
        if let Some(Value::Map(map)) = object.underlying() {
            return self.entry(&map, name, has_args);
        }
        let Some(field) = object.field(text) else {
            return self.error(format!("can't evaluate field {text} in type {}", type_name(&value)));
        };
        if has_args {
            return self.error(format!("{text} has arguments but cannot be invoked as function"));
        }
        Ok(Dot { value: Some(field), boxed: false })
    }

    fn entry(&self, map: &crate::value::Map, name: &[u8], has_args: bool) -> Result<Dot> {
        if has_args {
            return self.error(format!("{} is not a method but has arguments", text(name)));
        }
        let found = |value| Ok(Dot { value: Some(value), boxed: map.elem() == Type::Any });
        match (map.get(name), self.templates.missing_key) {
            (Some(value), _) => found(value),
            (None, MissingKey::Invalid) => Ok(Dot::default()),
            (None, MissingKey::Zero) => found(map.elem().zero()),
            (None, MissingKey::Error) => {
                self.error(format!("map has no entry for key {}", crate::strconv::quote(name)))
            }
        }
    }

    /// Calls a function. `node` is what errors of the function itself point to.
    fn function(
        &mut self,
        dot: &Dot,
        function: &Function,
        node: At<'a>,
        args: &'a [Operand],
        piped: Piped,
    ) -> Result<Evaluated> {
        let name = function.name;
        match function.builtin {
            Some(builtin @ (Builtin::And | Builtin::Or)) => {
                self.arity(name, builtin.params(), args, piped.is_some())?;
                self.short_circuit(dot, builtin == Builtin::Or, args, piped)
            }
            Some(builtin @ (Builtin::Len | Builtin::Slice)) => {
                let args = self.arguments(dot, name, builtin.params(), args, piped, |arg| arg)?;
                let result = if builtin == Builtin::Len {
                    builtin::length(args.first().and_then(|arg| arg.value.as_ref()))
                } else {
                    builtin::slice(&mut Call::within(self.session, self.templates), args)
                };
                self.settle(name, node, result)
            }
            Some(builtin) => {
                let callee = (builtin == Builtin::Call).then(|| self.callee_name(args, &piped));
                let args = self.arguments(dot, name, builtin.params(), args, piped, Dot::into_value)?;
                let mut call = Call::within(self.session, self.templates);
                let result = builtin::invoke(builtin, &mut call, &args, callee.as_deref().unwrap_or_default());
                self.settle(name, node, result)
            }
            None => {
                let templates = self.templates;
                let Some(func) = templates.funcs.get(name) else {
                    let name = crate::strconv::quote(name.as_bytes());
                    return self.error(format!("{name} is not a defined function"));
                };
                let params = Params::Typed(func.signature());
                let values = self.arguments(dot, name, params, args, piped, Dot::into_value)?;
                let result = func.invoke(&mut Call::within(self.session, templates), Args::new(&values));
                // What the template spells out is no secret.
                let is_spelled = |i: usize| matches!(args.get(i), Some(Operand { term: Term::Text(_), .. }));
                let given = values.iter().enumerate().filter(|(i, _)| !is_spelled(*i)).map(|(_, value)| value);
                self.settle(name, node, result.map_err(|fault| fault.without(given)))
            }
        }
    }

    fn settle(
        &mut self,
        name: &str,
        node: At<'a>,
        result: std::result::Result<Value, crate::funcs::Fault>,
    ) -> Result<Evaluated> {
        match result {
            Ok(value) => {
                self.session.spend_bytes(value.new_bytes() as u64).map_err(|fault| self.limit(fault))?;
                Ok(Some(value))
            }
            Err(fault) => {
                self.at = node;
                Err(self.call_error(name, fault))
            }
        }
    }

    fn short_circuit(&mut self, dot: &Dot, stops_at: bool, args: &'a [Operand], piped: Piped) -> Result<Evaluated> {
        let mut value = None;
        for arg in args {
            value = self.argument(dot, Param::Raw, arg)?.value;
            if value.as_ref().is_some_and(Value::truth) == stops_at {
                return Ok(value);
            }
        }
        Ok(piped.unwrap_or(value))
    }

    fn arity(&self, name: &str, params: Params, args: &[Operand], piped: bool) -> Result<()> {
        let given = args.len() + usize::from(piped);
        let want = params.fixed();
        if params.variadic() && given < want {
            let got = args.len();
            return self.error(format!("wrong number of args for {name}: want at least {want} got {got}"));
        }
        if !params.variadic() && given != want {
            return self.error(format!("wrong number of args for {name}: want {want} got {given}"));
        }
        Ok(())
    }

    /// Evaluates the arguments of a call; `take` says what of each is wanted.
    fn arguments<T>(
        &mut self,
        dot: &Dot,
        name: &str,
        params: Params,
        args: &'a [Operand],
        piped: Piped,
        take: fn(Dot) -> T,
    ) -> Result<Arguments<T>> {
        self.arity(name, params, args, piped.is_some())?;
        let mut values = Arguments::new();
        for (i, arg) in args.iter().enumerate() {
            values.push(take(self.argument(dot, params.at(i), arg)?));
        }
        if let Some(value) = piped {
            values.push(take(Dot::new(self.assignable(value, params.at(args.len()))?)));
        }
        Ok(values)
    }

    /// Evaluates an argument for a parameter.
    fn argument(&mut self, dot: &Dot, param: Param, arg: &'a Operand) -> Result<Dot> {
        self.at = At::Operand(arg);
        let value = match &arg.term {
            Term::Dot => dot.clone(),
            Term::Nil => {
                return match param {
                    Param::Raw => Ok(Dot::default()),
                    Param::Typed(ty) if ty.is_nilable() => Ok(Dot::new(Some(ty.zero()))),
                    Param::Typed(ty) => self.error(format!("cannot assign nil to {ty}")),
                };
            }
            Term::Field(fields) => self.fields(dot, dot.clone(), arg, *fields, &[], None)?,
            Term::Variable { variable, fields } => {
                let value = self.variable(variable)?;
                self.fields(dot, value, arg, *fields, &[], None)?
            }
            Term::Chain { of, fields } => {
                let value = self.chained(dot, of.of(&self.source.chained))?;
                self.fields(dot, value, arg, *fields, &[], None)?
            }
            Term::Pipe(pipe) => Dot::new(with_stack(|| self.pipeline(dot, pipe))?),
            Term::Function(function) => {
                let function = function.of(&self.source.functions);
                Dot::new(self.function(dot, function, At::Operand(arg), &[], None)?)
            }
            Term::Bool(_) | Term::Text(_) | Term::Number(_) => return self.constant_for(param, arg).map(Dot::new),
        };
        Ok(Dot { value: self.assignable(value.value, param)?, boxed: value.boxed })
    }

    /// A constant takes the parameter's type if it can. What does not fit is cut off, as in Go.
    #[expect(clippy::cast_possible_truncation, reason = "this is Go's conversion")]
    fn constant_for(&mut self, param: Param, arg: &'a Operand) -> Result<Evaluated> {
        let ty = match param {
            Param::Raw | Param::Typed(Type::Any) => return self.constant(arg),
            Param::Typed(ty) => ty,
        };
        let number = match &arg.term {
            Term::Number(number) => Some(number.of(&self.source.numbers)),
            _ => None,
        };
        let (int, uint) = (number.and_then(|number| number.int), number.and_then(|number| number.uint));
        let (value, wanted) = match ty {
            Type::Bool => (if let Term::Bool(b) = arg.term { Some(Value::Bool(b)) } else { None }, "bool"),
            Type::String => match &arg.term {
                Term::Text(literal) => (Some(self.literal(*literal)), "string"),
                _ => (None, "string"),
            },
            Type::Int => (int.map(Value::Int), "integer"),
            Type::Int64 => (int.map(Value::Int64), "integer"),
            Type::Int32 => (int.map(|n| Value::Int32(n as i32)), "integer"),
            Type::Uint8 => (uint.map(|n| Value::Uint8(n as u8)), "unsigned integer"),
            Type::Uint32 => (uint.map(|n| Value::Uint32(n as u32)), "unsigned integer"),
            Type::Uint64 => (uint.map(Value::Uint64), "unsigned integer"),
            Type::Float64 => (number.and_then(|number| number.float).map(Value::Float64), "float"),
            Type::Complex128 => {
                (number.and_then(|number| number.complex).map(|(re, im)| Value::Complex128(re, im)), "complex")
            }
            Type::Any | Type::List(_) | Type::Map(_) | Type::Func | Type::Named(_) => {
                return self.error(format!("can't handle {} for arg of type {ty}", self.source.shown(arg)));
            }
        };
        match value {
            Some(value) => Ok(Some(value)),
            None => self.error(format!("expected {wanted}; found {}", self.source.shown(arg))),
        }
    }

    /// What `call` names its callee in errors. Go repeats a text that is piped into it, which may be secret.
    fn callee_name(&self, args: &[Operand], piped: &Piped) -> String {
        match (args.first(), piped) {
            (Some(arg), _) => self.source.shown(arg).to_string(),
            (None, Some(Some(value))) => format!("<{} Value>", value.type_name()),
            (None, _) => "<invalid Value>".to_owned(),
        }
    }

    /// Checks that a value is assignable to the parameter, and makes it so where Go does.
    fn assignable(&self, value: Evaluated, param: Param) -> Result<Evaluated> {
        let ty = match param {
            Param::Raw => return Ok(value),
            Param::Typed(ty) => ty,
        };
        match value {
            None if ty.is_nilable() => Ok(Some(ty.zero())),
            None => self.error(format!("invalid value; expected {ty}")),
            Some(value) if value.is(ty) => Ok(Some(value)),
            Some(Value::Nil) => self.error(format!("wrong type for value; expected {ty}; got interface {{}}")),
            Some(value) => {
                // A named map or list is assignable to the type that it names.
                if let Value::Object(object) = &value
                    && matches!(object.kind(), Kind::Map | Kind::Slice)
                    && let Some(underlying) = object.underlying()
                    && underlying.is(ty)
                {
                    return Ok(Some(underlying));
                }
                self.error(format!("wrong type for value; expected {ty}; got {}", value.type_name()))
            }
        }
    }
}

/// The name of a field, whose every character is a letter or a digit.
fn text(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or_default()
}

/// The parameters of whatever is called.
#[derive(Clone, Copy)]
pub(super) enum Params {
    Typed(Signature),
    /// So many arguments of any kind, or more.
    Raw {
        fixed: usize,
        variadic: bool,
    },
}

impl Params {
    fn variadic(self) -> bool {
        match self {
            Self::Typed(signature) => signature.variadic,
            Self::Raw { variadic, .. } => variadic,
        }
    }

    /// How many there must be.
    fn fixed(self) -> usize {
        match self {
            Self::Typed(signature) => signature.params.len() - usize::from(signature.variadic),
            Self::Raw { fixed, .. } => fixed,
        }
    }

    fn at(self, i: usize) -> Param {
        match self {
            Self::Typed(signature) => Param::Typed(signature.param(i)),
            Self::Raw { .. } => Param::Raw,
        }
    }
}
