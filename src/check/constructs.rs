//! The constructs that cannot be continued exactly, or not without a difference: one table.
//!
//! `heresy check` reports what is here, `heresy explain` has a section for each code, and a test runs the example in it: a
//! program in the function `step` is never stopped there. When heresy learns to continue a construct, that test fails, and
//! the row goes.

use std::iter;

use rustpython_ruff_python_ast as ast;

use ast::{Expr, Stmt};
use rustpython_ruff_text_size::{Ranged, TextRange};

use super::File;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Source;
use crate::tree::handler_parts;

/// A statement or an expression of the file.
#[derive(Clone, Copy)]
pub enum Node<'a> {
    Statement(&'a Stmt),
    Expression(&'a Expr),
}

/// Something that a script can contain, and what heresy says about it.
pub struct Construct {
    pub code: Code,
    title: &'static str,
    label: &'static str,
    why: &'static str,
    help: &'static str,
    /// Whether it is looked for in what a class body runs; else the class alone is reported.
    pub in_class_bodies: bool,
    /// Whether a node is one, and which part of it to point at.
    pub find: fn(&File<'_>, Node<'_>) -> Option<TextRange>,
}

impl Construct {
    pub fn diagnostic(&self, source: &Source, range: TextRange) -> Diagnostic {
        Diagnostic::warning(self.code, self.title)
            .at(source.name(), source.shared_text(), range.into(), self.label)
            .note(self.why)
            .note(self.help)
    }
}

const GENERATOR_EXPRESSION: Code = Code { number: "H103", name: "generator-expression-call" };
const CLASS_BODY: Code = Code { number: "H104", name: "class-body-call" };
const EVENT_LOOP: Code = Code { number: "H105", name: "event-loop" };
const EXCEPT_STAR: Code = Code { number: "H106", name: "except-star" };
const CALLBACK: Code = Code { number: "H107", name: "called-back" };
const UNPACKED: Code = Code { number: "H108", name: "unpacked-operand" };
const UNPACKING: Code = Code { number: "H109", name: "unpacking-comprehension" };
const HEADER: Code = Code { number: "H110", name: "call-in-header" };
const EXECUTED: Code = Code { number: "H111", name: "executed-text" };
const THREADS: Code = Code { number: "H120", name: "other-threads" };
const UNSAVEABLE: Code = Code { number: "H121", name: "unsaveable-object" };
const STACK: Code = Code { number: "H201", name: "frame-below" };

pub const CONSTRUCTS: &[Construct] = &[
    Construct {
        code: GENERATOR_EXPRESSION,
        title: "a stop waits until this generator expression is used up",
        label: "it calls for each element, and C code asks for them",
        why: "what the C code has done so far cannot be saved",
        help: "make it a list comprehension, or a `for` loop",
        in_class_bodies: false,
        find: |file, node| match node {
            Node::Expression(Expr::Call(node)) if is_consumer(file, &node.func) => {
                node.arguments.args.iter().find_map(|argument| match argument {
                    Expr::Generator(node) => calls_for_each(file, &node.generators, &node.elt).then_some(node.range),
                    _ => None,
                })
            }
            _ => None,
        },
    },
    Construct {
        code: CLASS_BODY,
        title: "a stop waits until this class body has run",
        label: "this calls, and no stop falls into it",
        why: "C code makes the class, and what it has done so far cannot be saved",
        help: "compute it before the class, in the module or a function",
        in_class_bodies: true,
        find: |file, node| match node {
            Node::Statement(Stmt::ClassDef(node)) => file.calls.first_in_suite(&node.body),
            _ => None,
        },
    },
    Construct {
        code: EVENT_LOOP,
        title: "a stop waits until this event loop has ended",
        label: "it runs coroutines from C, or from a library",
        why: "what the loop has done so far is not saved",
        help: "stop the program before or after its asynchronous part",
        in_class_bodies: false,
        find: |file, node| called_path(file, node, EVENT_LOOPS),
    },
    Construct {
        code: EXCEPT_STAR,
        title: "a stop waits until this handler has ended",
        label: "it handles a part of an exception group",
        why: "the parts that other handlers will get have no name",
        help: "put what takes long after the `try` statement",
        in_class_bodies: false,
        find: |_, node| match node {
            Node::Statement(Stmt::Try(node)) if node.is_star => {
                node.handlers.first().map(|handler| handler_parts(handler).range)
            }
            _ => None,
        },
    },
    Construct {
        code: CALLBACK,
        title: "a stop waits until this call has returned",
        label: "it is written in C, and calls a function of Python's",
        why: "what the C code has done so far cannot be saved",
        help: "do the work of the function before, or in a loop",
        in_class_bodies: false,
        find: |file, node| match node {
            Node::Expression(Expr::Call(node)) => {
                callback(file, node).filter(|callback| file.calls.is_own_function(callback)).map(|_| node.range)
            }
            _ => None,
        },
    },
    Construct {
        code: UNPACKED,
        title: "a stop waits until the calls after this have returned",
        label: "the set is there already, and must keep its order",
        why: "a set that was begun cannot be filled on in the order in which this one would be",
        help: "call first, and unpack then",
        in_class_bodies: false,
        find: |file, node| match node {
            Node::Expression(Expr::Set(set)) => unpacked_before_call(file, set),
            _ => None,
        },
    },
    Construct {
        code: UNPACKING,
        title: "a stop waits until this comprehension has ended",
        label: "it calls for each element, and unpacks what that gives",
        why: "how far C code has gone through what is unpacked cannot be saved",
        help: "make it a generator expression, or a `for` loop",
        in_class_bodies: false,
        find: |file, node| match node {
            Node::Expression(Expr::ListComp(ast::ExprListComp { elt, generators, range, .. }))
                if elt.is_starred_expr() =>
            {
                calls_for_each(file, generators, elt).then_some(*range)
            }
            Node::Expression(Expr::SetComp(ast::ExprSetComp { elt, generators, range, .. }))
                if elt.is_starred_expr() =>
            {
                calls_for_each(file, generators, elt).then_some(*range)
            }
            _ => None,
        },
    },
    Construct {
        code: HEADER,
        title: "a stop waits until this call has returned",
        label: "it stands where a statement cannot be taken up again",
        why: "annotations, guards, exception classes, and targets of `for` and `with` belong to a statement that has begun",
        help: "call in a statement before, and use the result here",
        in_class_bodies: false,
        find: |file, node| match node {
            Node::Statement(statement) => {
                header_parts(file, statement).into_iter().find_map(|part| file.calls.first_in(part))
            }
            Node::Expression(_) => None,
        },
    },
    Construct {
        code: EXECUTED,
        title: "a stop waits until this text has been executed",
        label: "the text is run as it is",
        why: "heresy marks files, not what a program makes into code while it runs",
        help: "put the code into a module",
        in_class_bodies: false,
        find: |file, node| match node {
            Node::Expression(Expr::Call(node)) => match &*node.func {
                Expr::Name(name) if ["exec", "eval"].contains(&name.id.as_str()) && file.calls.is_builtin(&name.id) => {
                    Some(node.range)
                }
                _ => None,
            },
            _ => None,
        },
    },
    Construct {
        code: THREADS,
        title: "a stop is refused while this runs",
        label: "it runs code beside the program's",
        why: "another thread is at a place of its own, which is not saved",
        help: "stop the program before it is started, or after it has ended",
        in_class_bodies: true,
        find: |file, node| called_path(file, node, THREAD_MAKERS),
    },
    Construct {
        code: UNSAVEABLE,
        title: "a stop cannot save this",
        label: "it gives something that a continued program does without",
        why: "it lives in the operating system, or in a library, and not in the program alone",
        help: "say how to save it with heresy.register, or make another with heresy.on_restore",
        in_class_bodies: true,
        find: |file, node| called_path(file, node, UNSAVEABLE_MAKERS),
    },
    Construct {
        code: STACK,
        title: "this shows one frame more",
        label: "below the program's own there is one of heresy's",
        why: "the script is executed by a frame of the runtime",
        help: "look for a frame by its file or function, not by its number",
        in_class_bodies: true,
        find: |file, node| called_path(file, node, STACK_VIEWS),
    },
];

const EVENT_LOOPS: &[&str] = &["anyio.run", "asyncio.run", "curio.run", "trio.run"];

const THREAD_MAKERS: &[&str] = &[
    "_thread.start_new_thread",
    "asyncio.to_thread",
    "concurrent.futures.ThreadPoolExecutor",
    "concurrent.futures.ProcessPoolExecutor",
    "multiprocessing.Pool",
    "multiprocessing.pool.ThreadPool",
    "threading.Thread",
    "threading.Timer",
];

const UNSAVEABLE_MAKERS: &[&str] = &[
    "asyncio.create_subprocess_exec",
    "asyncio.create_subprocess_shell",
    "http.client.HTTPConnection",
    "http.client.HTTPSConnection",
    "mmap.mmap",
    "multiprocessing.Pipe",
    "multiprocessing.Process",
    "multiprocessing.Queue",
    "os.open",
    "os.pipe",
    "os.popen",
    "select.epoll",
    "select.poll",
    "selectors.DefaultSelector",
    "shelve.open",
    "socket.create_connection",
    "socket.create_server",
    "socket.socket",
    "socket.socketpair",
    "subprocess.Popen",
    "tempfile.TemporaryFile",
    "urllib.request.urlopen",
];

const STACK_VIEWS: &[&str] = &[
    "inspect.getouterframes",
    "inspect.stack",
    "sys._current_frames",
    "traceback.extract_stack",
    "traceback.format_stack",
    "traceback.print_stack",
    "traceback.walk_stack",
];

/// Whether a call is one of those functions.
fn called_path(file: &File<'_>, node: Node<'_>, paths: &[&str]) -> Option<TextRange> {
    let Node::Expression(Expr::Call(node)) = node else { return None };
    let path = file.imports.path(&node.func)?;
    paths.contains(&path.as_str()).then_some(node.range)
}

/// Whether a generator expression calls, other than for its first iterable, which the scope around it evaluates.
fn calls_for_each(file: &File<'_>, generators: &[ast::Comprehension], element: &Expr) -> bool {
    let iterables = generators.iter().skip(1).map(|generator| &generator.iter);
    let conditions = generators.iter().flat_map(|generator| &generator.ifs);
    iter::once(element).chain(iterables).chain(conditions).any(|part| file.calls.first_in(part).is_some())
}

/// Whether a callee is a builtin that goes through what it is given, and keeps nothing that can be seen meanwhile.
fn is_consumer(file: &File<'_>, callee: &Expr) -> bool {
    callee.as_name_expr().is_some_and(|name| CONSUMERS.contains(&name.id.as_str()) && file.calls.is_builtin(&name.id))
}

const CONSUMERS: &[&str] = &["bytearray", "bytes", "frozenset", "max", "min", "sum"];

/// The function that a builtin, or a method of a list, is given to call: `f` in `sorted(xs, key=f)` and `sum(map(f, xs))`.
///
/// What `filter` has asked about is known where a loop or a builtin goes through all that it gives.
fn callback<'a>(file: &File<'_>, call: &'a ast::ExprCall) -> Option<&'a Expr> {
    let key = || call.arguments.find_keyword("key").map(|keyword| &keyword.value);
    let is_call_of =
        |callee: &Expr, name| callee.as_name_expr().is_some_and(|it| it.id == name) && file.calls.is_builtin(name);
    let given = call.arguments.args.iter().filter_map(Expr::as_call_expr).find(|argument| {
        is_call_of(&argument.func, "map") && is_consumer(file, &call.func)
            || is_call_of(&argument.func, "filter") && (is_consumer(file, &call.func) || is_call_of(&call.func, "next"))
    });
    if let Some(given) = given {
        return given.arguments.args.first();
    }
    match &*call.func {
        Expr::Name(name) if !file.calls.is_builtin(&name.id) => None,
        Expr::Name(name) => match name.id.as_str() {
            "sorted" | "min" | "max" => key(),
            _ => None,
        },
        Expr::Attribute(method) if method.attr.as_str() == "sort" => key(),
        _ => None,
    }
}

/// What is unpacked into a set before a call.
fn unpacked_before_call(file: &File<'_>, set: &ast::ExprSet) -> Option<TextRange> {
    let last = set.elts.iter().rposition(|value| file.calls.first_in(value).is_some())?;
    set.elts[..last].iter().find(|value| value.is_starred_expr()).map(Ranged::range)
}

/// What a statement evaluates in places that it cannot be taken up again at.
fn header_parts<'a>(file: &File<'_>, statement: &'a Stmt) -> Vec<&'a Expr> {
    match statement {
        Stmt::FunctionDef(node) => {
            let parameters = node.parameters.iter().map(|parameter| parameter.as_parameter());
            let annotations = parameters.filter_map(ast::Parameter::annotation).chain(node.returns.as_deref());
            annotations.filter(|_| file.evaluates_annotations).collect()
        }
        Stmt::For(node) => vec![&node.target],
        Stmt::With(node) => node.items.iter().filter_map(|item| item.optional_vars.as_deref()).collect(),
        Stmt::Match(node) => node.cases.iter().filter_map(|case| case.guard.as_deref()).collect(),
        Stmt::Try(node) => node.handlers.iter().filter_map(|handler| handler_parts(handler).type_.as_deref()).collect(),
        _ => Vec::new(),
    }
}
