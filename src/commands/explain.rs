//! `heresy explain`: the long text of a code.

use heresy::{Code, Diagnostic, explain};

use crate::cli::ExplainArgs;
use crate::commands::transpile::print;
use crate::exit::Exit;
use crate::refusal::Refusal;

pub fn execute(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let text = match &args.code {
        None => explain::ALL,
        Some(code) => explain::section(code).ok_or_else(|| unknown(code))?,
    };
    print(format!("{}\n", text.trim_end()).as_bytes())?;
    Ok(Exit::Success)
}

fn unknown(code: &str) -> Refusal {
    let known: Vec<&str> = explain::sections().map(|section| section.number).collect();
    let diagnostic = Diagnostic::new(Code::NO_SUCH_CODE, format!("there is no code `{code}`"));
    Refusal::new(Exit::Usage, diagnostic.note(format!("there are {}", known.join(", "))))
}
