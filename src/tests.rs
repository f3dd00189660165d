//! The tests of the transpiler and of the command line.
//!
//! `invariants` holds what is true of every transpiled file, checked before its snapshot is compared.

#[path = "tests/agreement.rs"]
mod agreement;
#[path = "tests/cli.rs"]
mod cli;
#[path = "tests/explain.rs"]
mod explain;
#[path = "tests/fixtures.rs"]
mod fixtures;
#[path = "tests/invariants.rs"]
mod invariants;
#[path = "tests/restore.rs"]
mod restore;
#[path = "tests/runtime.rs"]
mod runtime;
#[path = "tests/tree.rs"]
mod tree;
#[path = "tests/verify.rs"]
mod verify;
