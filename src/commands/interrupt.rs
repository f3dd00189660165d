//! Signals that end a long command: it finishes what is in hand, and leaves nothing half-written or temporary behind.

use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use nix::libc::c_int;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};

const SIGNALS: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// The signal that came, or 0.
static CAME: AtomicI32 = AtomicI32::new(0);

extern "C" fn note(signal: c_int) {
    CAME.store(signal, Relaxed);
}

/// From now on, signals are only noted. Those that whoever started heresy wanted ignored stay so.
pub fn note_signals() {
    for signal in SIGNALS {
        set(signal, SigHandler::Handler(note));
    }
}

pub fn has_come() -> bool {
    CAME.load(Relaxed) != 0
}

/// Ends the process by the signal that came, if one did, so that a shell sees an interrupted command.
pub fn give_way() {
    if let Ok(signal) = Signal::try_from(CAME.load(Relaxed)) {
        set(signal, SigHandler::SigDfl);
        let _ = raise(signal);
    }
}

fn set(signal: Signal, handler: SigHandler) {
    // A second signal of the kind ends the process at once.
    let action = |handler| SigAction::new(handler, SaFlags::SA_RESTART | SaFlags::SA_RESETHAND, SigSet::empty());
    // SAFETY: `note` only stores to an atomic, which a handler may; and these signals can be handled, so nothing fails.
    unsafe {
        if sigaction(signal, &action(handler)).is_ok_and(|before| matches!(before.handler(), SigHandler::SigIgn)) {
            let _ = sigaction(signal, &action(SigHandler::SigIgn));
        }
    }
}
