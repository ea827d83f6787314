//! Reads the configuration again while the server runs: the upstreams in it are taken into use, and whatever else has
//! changed is named. This does not know what upstreams are used for.

use super::Config;
use crate::server::UpstreamTables;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the configuration comes from, and what is in use of it.
pub struct Reload {
    file: Option<PathBuf>,
    flags: Vec<(&'static str, String)>,
    environment: Environment,
    upstreams: UpstreamTables,
    in_use: Config,
    /// What the file held when it was judged last.
    judged: Text,
    /// What was found once since then.
    waiting: Option<Text>,
}

/// Looks a variable up.
type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a file holds; none if it can't be read.
type Text = Option<String>;

impl Reload {
    /// What has to be known to read again what [`Config::load`] read, for a server that has it in use.
    pub fn new(
        config: Config,
        file: Option<&Path>,
        flags: Vec<(&'static str, String)>,
        environment: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
        upstreams: UpstreamTables,
    ) -> Self {
        let file = file.map(Path::to_owned);
        let environment: Environment = Box::new(environment);
        let mut reload = Self { file, flags, environment, upstreams, in_use: config, judged: None, waiting: None };
        reload.judged = reload.text();
        reload
    }

    /// Reads it again whenever `asked` says so, and looks so often whether the file has changed, until it is dropped.
    pub async fn run(mut self, look_every: Duration, mut asked: impl AsyncFnMut()) {
        loop {
            let now = tokio::select! {
                () = asked() => true,
                () = tokio::time::sleep(look_every) => false,
            };
            if now { self.read() } else { self.look() }
        }
    }

    /// Looks at the file once. What is new there has to be the same at two looks: somebody may be writing just now.
    fn look(&mut self) {
        let found = self.text();
        if found == self.judged {
            self.waiting = None;
        } else if self.waiting.as_ref() != Some(&found) {
            self.waiting = Some(found);
        } else {
            self.read();
        }
    }

    fn read(&mut self) {
        (self.judged, self.waiting) = (self.text(), None);
        let loaded = Config::load(self.file.as_deref(), &self.flags, &self.environment);
        let taken = loaded.and_then(|config| {
            let before = self.upstreams.get();
            self.upstreams.replace(config.server.upstreams.clone())?;
            Ok((config, before))
        });
        let (config, before) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::error!(%error, "kept the upstreams that were in use: the configuration cannot be used");
                return;
            }
        };
        let after = self.upstreams.get();
        let all = || before.iter().chain(after.iter());
        let of = |name: &str| [&before, &after].map(|side| side.iter().find(|definition| definition.name == name));
        let mut changed: Vec<_> = all()
            .map(|one| one.name.as_str())
            .filter(|name| matches!(of(name), [one, other] if one != other))
            .collect();
        changed.sort_unstable();
        changed.dedup();
        tracing::info!(upstreams = after.len(), changed = changed.join(", "), "read the configuration again");
        let others = self.in_use.given.differences(&config.given);
        if !others.is_empty() {
            let settings: Vec<_> = others.into_iter().collect();
            tracing::warn!(
                settings = settings.join(", "),
                "these settings have changed; restart the server to use them"
            );
        }
    }

    fn text(&self) -> Text {
        std::fs::read_to_string(self.file.as_deref().unwrap_or(Path::new(super::DEFAULT_FILE))).ok()
    }
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("file", &self.file).finish_non_exhaustive()
    }
}
