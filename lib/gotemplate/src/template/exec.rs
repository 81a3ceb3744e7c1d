//! Walking a template's nodes.

use super::ast::{
    Arm, Branch, Command, Invocation, Node, Operand, Pipe, ROOT_VARIABLE, Range, Source, Span, VariableName,
};
use super::error::{Failure, Reason};
use super::{ExecError, Templates};
use crate::fmt;
use crate::funcs::Fault;
use crate::session::Session;
use crate::value::{Type, Value};

/// A value, or none: Go's invalid `reflect.Value`, which is not the nil interface.
///
/// A missing key gives none, and so does a pipeline whose value is nil. A field of none is none; a field of nil is an
/// error.
pub(super) type Evaluated = Option<Value>;

/// What fields are looked up in: `.`, or a variable's value.
#[derive(Clone, Default)]
pub(super) struct Dot {
    pub(super) value: Evaluated,
    /// Whether it is an element of a container of `interface{}`. Go then calls its type so in errors.
    pub(super) boxed: bool,
}

impl Dot {
    pub(super) fn new(value: Evaluated) -> Self {
        Self { value, boxed: false }
    }

    /// The value as a function sees it: none is nil.
    pub(super) fn into_value(self) -> Value {
        self.value.unwrap_or_default()
    }
}

pub(super) type Result<T> = std::result::Result<T, ExecError>;

/// The native stack that must be free before a template executes, and how much more is made when it is not.
const RED_ZONE: usize = 128 << 10;
const MORE_STACK: usize = 2 << 20;

/// Most templates that others include print at least so many bytes.
const USUAL_TEXT: usize = 128;

/// Runs a step that may nest on a stack that is large enough for it.
pub(super) fn with_stack<T>(run: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(RED_ZONE, MORE_STACK, run)
}

/// Executes the template of that name.
pub(super) fn execute(templates: &Templates, name: &str, data: Value, session: &mut Session) -> Result<Vec<u8>> {
    let tree = templates.tree(name.as_bytes()).ok_or_else(|| ExecError::no_template(name))?;
    let depth = session.depth();
    // A whole file prints about as much as it is long.
    let room = if depth == 0 { tree.source.text.len() } else { USUAL_TEXT };
    let mut out = Vec::with_capacity(room);
    if depth == 0 {
        session.begin(&data);
    }
    let dot = Dot::new(if matches!(data, Value::Nil) { None } else { Some(data) });
    let mut exec = Exec {
        templates,
        session: &mut *session,
        out: &mut out,
        variables: &mut Vec::new(),
        base: 0,
        source: &tree.source,
        root: tree.root,
        name: name.as_bytes(),
        at: At::Start,
        pipe: None,
    };
    let result = exec.template(&dot);
    // An error leaves templates within it unfinished.
    session.set_depth(depth);
    result.map(|()| out)
}

/// One template while it executes.
pub(super) struct Exec<'a> {
    pub(super) templates: &'a Templates,
    pub(super) session: &'a mut Session,
    out: &'a mut Vec<u8>,
    /// Of this template and, below `base`, of those that invoked it.
    variables: &'a mut Vec<Variable>,
    base: usize,
    pub(super) source: &'a Source,
    root: Span,
    name: &'a [u8],
    pub(super) at: At<'a>,
    /// The innermost pipeline that is being evaluated.
    pipe: Option<&'a Pipe>,
}

struct Variable {
    id: u32,
    dot: Dot,
}

/// What is being evaluated, for error messages.
#[derive(Clone, Copy)]
pub(super) enum At<'a> {
    Start,
    Action(&'a Pipe),
    Pipe(&'a Pipe),
    Command(&'a Command),
    Operand(&'a Operand),
    Invocation(&'a Invocation),
}

impl At<'_> {
    fn position(self) -> u32 {
        match self {
            Self::Start => 0,
            Self::Action(pipe) | Self::Pipe(pipe) => pipe.at,
            Self::Command(command) => command.at,
            Self::Operand(operand) => operand.at,
            Self::Invocation(invocation) => invocation.at,
        }
    }

    fn context(self, source: &Source) -> String {
        match self {
            Self::Start => String::new(),
            Self::Action(pipe) => format!("{{{{{}}}}}", source.shown(pipe)),
            Self::Pipe(pipe) => source.shown(pipe).to_string(),
            Self::Command(command) => source.shown(command).to_string(),
            Self::Operand(operand) => source.shown(operand).to_string(),
            Self::Invocation(invocation) => source.shown(invocation).to_string(),
        }
    }
}

/// What comes after a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

impl<'a> Exec<'a> {
    pub(super) fn error<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(self.failed(Reason::Message(message.into())))
    }

    /// A function failed. What came to a limit goes up as it is.
    pub(super) fn call_error(&self, function: &str, fault: Fault) -> ExecError {
        match fault {
            Fault::Template(error) if error.is_limit() => error,
            fault if fault.is_limit() => self.failed(Reason::Limit(fault)),
            fault => self.failed(Reason::Call { function: function.to_owned(), fault }),
        }
    }

    pub(super) fn limit(&self, fault: Fault) -> ExecError {
        self.failed(Reason::Limit(fault))
    }

    fn failed(&self, reason: Reason) -> ExecError {
        let before = Span { start: 0, end: self.at.position() }.of(&self.source.text);
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        ExecError::failed(Failure {
            file: self.source.name.clone(),
            line: 1 + memchr::memchr_iter(b'\n', before).count(),
            column: before.len() - line_start,
            template: String::from_utf8_lossy(self.name).into_owned(),
            context: self.at.context(self.source),
            pipeline: self.pipe.map(|pipe| self.source.shown(pipe).to_string()).unwrap_or_default(),
            reason,
        })
    }

    pub(super) fn step(&mut self) -> Result<()> {
        self.session.spend_steps(1).map_err(|fault| self.limit(fault))
    }

    fn template(&mut self, dot: &Dot) -> Result<()> {
        self.variables.push(Variable { id: ROOT_VARIABLE, dot: dot.clone() });
        let root = self.root;
        let result = with_stack(|| self.nodes(dot, root));
        self.variables.truncate(self.base);
        result.map(|_| ())
    }

    fn nodes(&mut self, dot: &Dot, nodes: Span) -> Result<Flow> {
        for node in nodes.of(&self.source.nodes) {
            self.step()?;
            let flow = match node {
                Node::Text(span) => {
                    self.write(span.of(&self.source.text))?;
                    Flow::Next
                }
                Node::Comment(_) => Flow::Next,
                Node::Action(pipe) => {
                    self.at = At::Action(pipe);
                    let value = self.pipeline(dot, pipe)?;
                    if pipe.variables.is_empty() {
                        self.at = At::Action(pipe);
                        self.print(pipe, &value)?;
                    }
                    Flow::Next
                }
                Node::If(branch) => self.branch(dot, branch, false)?,
                Node::With(branch) => self.branch(dot, branch, true)?,
                Node::Range(range) => self.range(dot, range.of(&self.source.ranges))?,
                Node::Template(invocation) => {
                    self.invoke(dot, invocation.of(&self.source.invocations))?;
                    Flow::Next
                }
                Node::Break => Flow::Break,
                Node::Continue => Flow::Continue,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    fn write(&mut self, text: &[u8]) -> Result<()> {
        self.session.spend_bytes(text.len() as u64).map_err(|fault| self.limit(fault))?;
        self.out.extend_from_slice(text);
        Ok(())
    }

    fn print(&mut self, pipe: &Pipe, value: &Evaluated) -> Result<()> {
        match value {
            None => self.write(b"<no value>"),
            Some(Value::String(text)) => self.write(text.as_bytes()),
            Some(value @ Value::Func(_)) => {
                self.error(format!("can't print {{{{{}}}}} of type {}", self.source.shown(pipe), value.type_name()))
            }
            Some(value) => {
                let before = self.out.len();
                let max = before.saturating_add(self.session.bytes_left());
                if let Err(error) = fmt::append_pointee(self.out, value, max) {
                    return match error {
                        fmt::Error::TooLong(_) => Err(self.limit(Fault::Bytes(self.session.limits().bytes))),
                        error => self.error(error.to_string()),
                    };
                }
                let written = self.out.len() - before;
                self.session.spend_bytes(written as u64).map_err(|fault| self.limit(fault))
            }
        }
    }

    /// `if` or `with`.
    fn branch(&mut self, dot: &Dot, branch: &'a Branch, sets_dot: bool) -> Result<Flow> {
        let outer = self.variables.len();
        let mut flow = None;
        for Arm { pipe, body } in branch.arms.of(&self.source.arms) {
            let value = self.pipeline(dot, pipe)?;
            if value.as_ref().is_some_and(Value::truth) {
                flow = Some(if sets_dot { self.nodes(&Dot::new(value), *body)? } else { self.nodes(dot, *body)? });
                break;
            }
        }
        let flow = match (flow, branch.otherwise) {
            (Some(flow), _) => flow,
            (None, Some(nodes)) => self.nodes(dot, nodes)?,
            (None, None) => Flow::Next,
        };
        self.variables.truncate(outer);
        Ok(flow)
    }

    fn range(&mut self, dot: &Dot, range: &'a Range) -> Result<Flow> {
        let outer = self.variables.len();
        let value = self.pipeline(dot, &range.pipe)?;
        let ran = self.iterate(range, value)?;
        let flow = match range.otherwise {
            Some(nodes) if !ran => self.nodes(dot, nodes)?,
            _ => Flow::Next,
        };
        self.variables.truncate(outer);
        Ok(flow)
    }

    /// Runs the body for every element. False if there was none.
    fn iterate(&mut self, range: &'a Range, value: Evaluated) -> Result<bool> {
        match value {
            None => Ok(false),
            Some(Value::List(list)) => {
                let boxed = list.elem() == Type::Any;
                for (i, item) in list.iter().enumerate() {
                    if !self.iteration(range, Some(int(i)), &Dot { value: Some(item.clone()), boxed })? {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Some(Value::Map(map)) => {
                let entries = map.entries();
                let (any, boxed) = (!entries.is_empty(), map.elem() == Type::Any);
                for (key, item) in entries {
                    if !self.iteration(range, Some(Value::String(key)), &Dot { value: Some(item), boxed })? {
                        break;
                    }
                }
                Ok(any)
            }
            Some(Value::Bytes(bytes)) => {
                for (i, byte) in bytes.as_slice().iter().enumerate() {
                    if !self.iteration(range, Some(int(i)), &Dot::new(Some(Value::Uint8(*byte))))? {
                        break;
                    }
                }
                Ok(!bytes.is_empty())
            }
            Some(Value::Object(object)) if object.is_nil() => match object.underlying() {
                Some(_) => Ok(false),
                None => self.error("range can't iterate over <nil>"),
            },
            Some(Value::Object(object)) if object.underlying().is_some() => self.iterate(range, object.underlying()),
            Some(value) => self.count(range, &value),
        }
    }

    /// Runs the body for every number below one.
    fn count(&mut self, range: &'a Range, value: &Value) -> Result<bool> {
        let of_type: fn(u64) -> Value = match value {
            Value::Int(_) => |n| Value::Int(n.cast_signed()),
            Value::Int64(_) => |n| Value::Int64(n.cast_signed()),
            Value::Int32(_) => |n| Value::Int32(i32::try_from(n).unwrap_or(i32::MAX)),
            Value::Uint8(_) => |n| Value::Uint8(u8::try_from(n).unwrap_or(u8::MAX)),
            Value::Uint32(_) => |n| Value::Uint32(u32::try_from(n).unwrap_or(u32::MAX)),
            Value::Uint64(_) => Value::Uint64,
            // Go repeats the text, which may be secret.
            Value::String(_) => return self.error("range can't iterate over a string"),
            _ => return self.error(format!("range can't iterate over {}", shown(value))),
        };
        if range.pipe.variables.of(&self.source.variables).len() > 1 {
            return self.error(format!("can't use {} to iterate over more than one variable", shown(value)));
        }
        let end = match value {
            Value::Uint64(end) => *end,
            value => value.as_int().and_then(|end| u64::try_from(end).ok()).unwrap_or(0),
        };
        for n in 0..end {
            if !self.iteration(range, None, &Dot::new(Some(of_type(n))))? {
                break;
            }
        }
        Ok(end > 0)
    }

    /// Runs the body of a range once. False when it breaks.
    fn iteration(&mut self, range: &'a Range, index: Evaluated, item: &Dot) -> Result<bool> {
        self.step()?;
        let mark = self.variables.len();
        match range.pipe.variables.of(&self.source.variables) {
            [] => {}
            [variable] if range.pipe.assigns => self.assign(variable, item.clone())?,
            [key, variable, ..] if range.pipe.assigns => {
                self.assign(key, Dot::new(index))?;
                self.assign(variable, item.clone())?;
            }
            // The pipeline has declared them on top, the element's last.
            variables => {
                if let Some(top) = self.variables.last_mut() {
                    top.dot.clone_from(item);
                }
                if variables.len() > 1
                    && let Some(below) = self.variables.iter_mut().rev().nth(1)
                {
                    below.dot = Dot::new(index);
                }
            }
        }
        let flow = self.nodes(item, range.body)?;
        self.variables.truncate(mark);
        Ok(flow != Flow::Break)
    }

    fn invoke(&mut self, dot: &Dot, invocation: &'a Invocation) -> Result<()> {
        self.at = At::Invocation(invocation);
        let Some(tree) = self.templates.tree(invocation.name.as_bytes()) else {
            return self.error(format!("template {} not defined", crate::strconv::quote(invocation.name.as_bytes())));
        };
        self.session.enter().map_err(|fault| self.limit(fault))?;
        // Variables that the pipeline declares stay declared.
        let dot = match &invocation.pipe {
            Some(pipe) => Dot::new(self.pipeline(dot, pipe)?),
            None => Dot::default(),
        };
        self.at = At::Invocation(invocation);
        let base = self.variables.len();
        let mut inner = Exec {
            templates: self.templates,
            session: self.session,
            out: self.out,
            variables: self.variables,
            base,
            source: &tree.source,
            root: tree.root,
            name: invocation.name.as_bytes(),
            at: At::Invocation(invocation),
            pipe: None,
        };
        inner.template(&dot)?;
        self.session.leave();
        Ok(())
    }

    /// The value of a pipeline, whose variables are left on the stack.
    pub(super) fn pipeline(&mut self, dot: &Dot, pipe: &'a Pipe) -> Result<Evaluated> {
        self.at = At::Pipe(pipe);
        let outer = self.pipe.replace(pipe);
        let mut value: Option<Evaluated> = None;
        for command in pipe.commands.of(&self.source.commands) {
            let result = self.command(dot, command, value)?;
            // What is in an interface counts, not the interface: nil is no value here.
            value = Some(result.filter(|value| !matches!(value, Value::Nil)));
        }
        let value = value.flatten();
        for variable in pipe.variables.of(&self.source.variables) {
            if pipe.assigns {
                self.assign(variable, Dot::new(value.clone()))?;
            } else {
                self.variables.push(Variable { id: variable.id, dot: Dot::new(value.clone()) });
            }
        }
        self.pipe = outer;
        Ok(value)
    }

    fn assign(&mut self, variable: &VariableName, value: Dot) -> Result<()> {
        let mine = self.variables.get_mut(self.base..).unwrap_or_default();
        match mine.iter_mut().rev().find(|known| known.id == variable.id) {
            Some(known) => known.dot = value,
            None => return self.undefined(variable),
        }
        Ok(())
    }

    pub(super) fn variable(&self, variable: &VariableName) -> Result<Dot> {
        let mine = self.variables.get(self.base..).unwrap_or_default();
        match mine.iter().rev().find(|known| known.id == variable.id) {
            Some(known) => Ok(known.dot.clone()),
            None => self.undefined(variable),
        }
    }

    fn undefined<T>(&self, variable: &VariableName) -> Result<T> {
        self.error(format!("undefined variable: {}", self.source.piece(variable.name)))
    }
}

/// A value as `%v` prints it, for error messages.
fn shown(value: &Value) -> String {
    let mut text = Vec::new();
    match fmt::append(&mut text, value, 1 << 10) {
        Ok(()) => String::from_utf8_lossy(&text).into_owned(),
        Err(_) => value.type_name().into_owned(),
    }
}

fn int(i: usize) -> Value {
    Value::Int(i64::try_from(i).unwrap_or(i64::MAX))
}
