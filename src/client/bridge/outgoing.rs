//! What goes to the gateway: what waits to be sent, and what was sent and may have to be sent once more.

use std::collections::VecDeque;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Messages that may wait to be sent.
const MAX_UNSENT: usize = 256;
/// Bytes of those; a single message may be larger.
const MAX_UNSENT_BYTES: usize = 8 << 20;
/// Messages that are sent while none of them is acknowledged; a gateway acknowledges 32 at a time.
const MAX_SENT: usize = 1024;

/// Counted messages, in the order in which they go.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// How many messages of the session the gateway has for certain.
    acknowledged: u64,
    /// Those after them, while the session can be resumed.
    sent: VecDeque<Entry>,
    unsent: VecDeque<Entry>,
    unsent_bytes: usize,
    /// The host's lines below this were sent, as far as they have not been taken back.
    sent_up_to: u64,
    /// Whether what is sent is kept.
    keeps: bool,
}

/// A message, and where it is from.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) text: Utf8Bytes,
    /// The number of the host's line, where it is one.
    pub(super) line: Option<u64>,
    /// Whether it answers what the session asked, and means nothing to another one.
    pub(super) is_response: bool,
}

impl Entry {
    /// One of the bridge's own.
    pub(super) fn own(text: String) -> Self {
        Self { text: text.into(), line: None, is_response: false }
    }
}

impl Outgoing {
    /// Puts a message behind all others; gives it back when too much waits already.
    pub(super) fn push(&mut self, entry: Entry) -> Result<(), Entry> {
        let full = self.unsent.len() >= MAX_UNSENT || self.unsent_bytes + entry.text.len() > MAX_UNSENT_BYTES;
        if full && !self.unsent.is_empty() {
            return Err(entry);
        }
        self.unsent_bytes += entry.text.len();
        self.unsent.push_back(entry);
        Ok(())
    }

    /// Whether [`Outgoing::next`] has something.
    pub(super) fn has_next(&self) -> bool {
        !self.unsent.is_empty() && self.sent.len() < MAX_SENT
    }

    /// The message to send now.
    pub(super) fn next(&mut self) -> Option<Utf8Bytes> {
        if !self.has_next() {
            return None;
        }
        let entry = self.unsent.pop_front()?;
        self.unsent_bytes -= entry.text.len();
        if let Some(line) = entry.line {
            self.sent_up_to = line + 1;
        }
        let text = entry.text.clone();
        if self.keeps {
            self.sent.push_back(entry);
        }
        Some(text)
    }

    /// Whether a line of the host's was sent.
    pub(super) fn is_sent(&self, line: u64) -> bool {
        line < self.sent_up_to
    }

    /// Takes out a line that was not sent; whether there was one.
    pub(super) fn remove(&mut self, line: u64) -> bool {
        let Some(at) = self.unsent.iter().position(|entry| entry.line == Some(line)) else { return false };
        if let Some(entry) = self.unsent.remove(at) {
            self.unsent_bytes -= entry.text.len();
        }
        true
    }

    /// The gateway has got so many messages of the session; whether that can be.
    pub(super) fn acknowledge(&mut self, count: u64) -> bool {
        let more = count.checked_sub(self.acknowledged).and_then(|more| usize::try_from(more).ok());
        let Some(more) = more.filter(|more| *more <= self.sent.len()) else { return false };
        self.sent.drain(..more);
        self.acknowledged = count;
        true
    }

    /// What was sent and not acknowledged did not arrive, and is to be sent again.
    pub(super) fn take_back(&mut self) {
        while let Some(entry) = self.sent.pop_back() {
            self.unsent_bytes += entry.text.len();
            if let Some(line) = entry.line {
                self.sent_up_to = line;
            }
            self.unsent.push_front(entry);
        }
    }

    /// The longest message that was sent and not acknowledged is left out from now on; gives its line.
    pub(super) fn drop_longest_sent(&mut self) -> Option<u64> {
        let longest = self.sent.iter().enumerate().max_by_key(|(_, entry)| entry.text.len())?;
        self.sent.remove(longest.0)?.line
    }

    /// A new session begins. These come first, then what was not sent to the one before.
    pub(super) fn restart(&mut self, first: Vec<Entry>, keeps: bool) {
        self.keeps = keeps;
        self.acknowledged = 0;
        self.sent.clear();
        self.unsent.retain(|entry| !entry.is_response);
        for entry in first.into_iter().rev() {
            self.unsent.push_front(entry);
        }
        self.unsent_bytes = self.unsent.iter().map(|entry| entry.text.len()).sum();
        if let Some(line) = self.unsent.iter().find_map(|entry| entry.line) {
            self.sent_up_to = line;
        }
    }

    /// Forgets all of it.
    pub(super) fn clear(&mut self) {
        *self = Self { sent_up_to: self.sent_up_to, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::{Entry, MAX_UNSENT, Outgoing};

    fn line(line: u64) -> Entry {
        Entry { text: format!("message {line}").into(), line: Some(line), is_response: false }
    }

    fn sent(outgoing: &mut Outgoing) -> Vec<String> {
        std::iter::from_fn(|| outgoing.next()).map(|text| text.to_string()).collect()
    }

    fn session() -> Outgoing {
        let mut outgoing = Outgoing::default();
        outgoing.restart(Vec::new(), true);
        outgoing
    }

    #[test]
    fn what_did_not_arrive_goes_again_and_in_order() {
        let mut outgoing = session();
        (0..4).for_each(|n| outgoing.push(line(n)).expect("there is room"));
        assert_eq!(sent(&mut outgoing).len(), 4);
        assert!(outgoing.is_sent(3));
        outgoing.push(line(4)).expect("there is room");
        assert!(outgoing.acknowledge(1) && outgoing.acknowledge(2));
        assert!(!outgoing.acknowledge(1), "it can't have got fewer than it had");
        assert!(!outgoing.acknowledge(5), "nor more than there are");
        outgoing.take_back();
        assert!(outgoing.is_sent(1) && !outgoing.is_sent(2));
        assert_eq!(sent(&mut outgoing), ["message 2", "message 3", "message 4"]);
        assert!(outgoing.acknowledge(5));
    }

    #[test]
    fn a_new_session_gets_nothing_that_was_meant_for_the_one_before() {
        let mut outgoing = session();
        (0..2).for_each(|n| outgoing.push(line(n)).expect("there is room"));
        sent(&mut outgoing);
        outgoing.push(Entry { is_response: true, ..line(2) }).expect("there is room");
        outgoing.push(line(3)).expect("there is room");
        outgoing.restart(vec![Entry::own("hello".into()), line(1)], true);
        assert!(outgoing.is_sent(0) && !outgoing.is_sent(1));
        assert_eq!(sent(&mut outgoing), ["hello", "message 1", "message 3"]);
        assert!(outgoing.acknowledge(3));
    }

    #[test]
    fn it_is_bounded_and_a_line_can_be_taken_out() {
        let mut outgoing = session();
        (0..MAX_UNSENT as u64).for_each(|n| outgoing.push(line(n)).expect("there is room"));
        assert!(outgoing.push(line(1000)).is_err());
        assert!(outgoing.remove(7));
        assert!(!outgoing.remove(7));
        outgoing.push(line(1000)).expect("there is room again");
    }
}
