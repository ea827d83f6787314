//! A terminal with somebody at it: a pseudo-terminal, and a screen that answers as terminals do.

use crate::support::PATIENCE;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Instant;

/// What a program asks a terminal that wants to know where the cursor is.
const WHERE: &[u8] = b"\x1b[6n";

/// A program in a terminal of its own; killed when dropped.
pub(super) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Keyboard,
    screen: Arc<(Mutex<Screen>, Condvar)>,
    _master: Box<dyn MasterPty + Send>,
}

type Keyboard = Arc<Mutex<Box<dyn Write + Send>>>;

struct Screen {
    parser: vt100::Parser,
    raw: Vec<u8>,
    ended: bool,
}

impl Terminal {
    /// Starts the command line in a terminal with so many columns. `home` is where it keeps what it keeps.
    pub(super) fn start(columns: u16, home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 50, cols: columns, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("there are pseudo-terminals");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_sessile"));
        command.args(arguments);
        for gone in ["SESSILE_TOKEN", "NO_COLOR"] {
            command.env_remove(gone);
        }
        command.env("TERM", "xterm-256color");
        command.env("HOME", home);
        command.env("XDG_STATE_HOME", home.join("state"));
        command.env("XDG_CONFIG_HOME", home.join("config"));
        for (name, value) in environment {
            command.env(name, value);
        }
        command.cwd(home);
        let child = pair.slave.spawn_command(command).expect("the binary starts");
        // Or its end would never be seen.
        drop(pair.slave);
        let keyboard: Keyboard = Arc::new(Mutex::new(pair.master.take_writer().expect("it can be typed at")));
        let output = pair.master.try_clone_reader().expect("it can be seen");
        let parser = vt100::Parser::new(50, columns, 0);
        let screen = Arc::new((Mutex::new(Screen { parser, raw: Vec::new(), ended: false }), Condvar::new()));
        let (shown, answers) = (Arc::clone(&screen), Arc::clone(&keyboard));
        std::thread::spawn(move || show(output, &shown, &answers));
        Self { child, keyboard, screen, _master: pair.master }
    }

    /// Types this.
    pub(super) fn type_in(&self, keys: &str) {
        let mut keyboard = self.keyboard.lock().expect("nobody panics with it");
        keyboard.write_all(keys.as_bytes()).and_then(|()| keyboard.flush()).expect("somebody reads it");
    }

    /// Waits until the screen shows this; gives the screen.
    pub(super) fn until(&self, what: &str) -> String {
        self.until_it(&format!("{what:?}"), |shown| shown.contains(what))
    }

    /// Waits until a line can be typed: what is typed before may be lost, as on any terminal that changes its mode.
    pub(super) fn ready(&self) {
        self.until_it("a prompt", |shown| shown.trim_end().ends_with('>'));
    }

    /// Waits until the screen shows this, and a prompt at its end; gives the screen.
    pub(super) fn done(&self, what: &str) -> String {
        self.until_it(&format!("{what:?} and a prompt"), |shown| {
            shown.contains(what) && shown.trim_end().ends_with('>')
        })
    }

    /// Waits until the screen is as it should be; gives the screen.
    pub(super) fn until_it(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        // The server needs this thread's place.
        tokio::task::block_in_place(|| {
            let deadline = Instant::now() + PATIENCE;
            let (screen, changed) = &*self.screen;
            let mut seen = screen.lock().expect("nobody panics with it");
            loop {
                let shown = seen.parser.screen().contents();
                if is_so(&shown) {
                    return shown;
                }
                let left = deadline.saturating_duration_since(Instant::now());
                assert!(!left.is_zero() && !seen.ended, "waited in vain for {what}; the screen shows\n{shown}");
                seen = changed.wait_timeout(seen, left).expect("nobody panics with it").0;
            }
        })
    }

    /// Waits for the end; gives the exit status.
    pub(super) fn ended(&mut self) -> u32 {
        self.until_it_ends();
        tokio::task::block_in_place(|| self.child.wait()).expect("it ends").exit_code()
    }

    fn until_it_ends(&self) {
        tokio::task::block_in_place(|| {
            let (screen, changed) = &*self.screen;
            let seen = screen.lock().expect("nobody panics with it");
            let (_seen, waited) = changed.wait_timeout_while(seen, PATIENCE, |seen| !seen.ended).expect("no panic");
            assert!(!waited.timed_out(), "waited in vain for its end");
        });
    }

    /// All that ever came, with what only terminals see.
    pub(super) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.screen.0.lock().expect("nobody panics with it").raw).into_owned()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn show(mut output: Box<dyn Read + Send>, screen: &(Mutex<Screen>, Condvar), keyboard: &Keyboard) {
    let mut buffer = [0; 4096];
    let mut looked_at = 0usize;
    loop {
        let count = output.read(&mut buffer).unwrap_or(0);
        let mut seen = screen.0.lock().expect("nobody panics with it");
        seen.ended = count == 0;
        seen.parser.process(&buffer[..count]);
        seen.raw.extend_from_slice(&buffer[..count]);
        let mut asked = 0;
        while let Some(at) = seen.raw[looked_at..].windows(WHERE.len()).position(|bytes| bytes == WHERE) {
            looked_at += at + WHERE.len();
            asked += 1;
        }
        let (row, column) = seen.parser.screen().cursor_position();
        drop(seen);
        screen.1.notify_all();
        if count == 0 {
            return;
        }
        for _ in 0..asked {
            let answer = format!("\x1b[{};{}R", row + 1, column + 1);
            let _ = keyboard.lock().expect("nobody panics with it").write_all(answer.as_bytes());
        }
    }
}
