//! The programs that can be set up: where each keeps its servers, and in what words.

use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// A program that people use MCP servers from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Host {
    Gemini,
    ClaudeCode,
    Codex,
    Cursor,
    Vscode,
    ClaudeDesktop,
    Windsurf,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// JSON, with what its reader allows beyond that.
    Json {
        comments: bool,
        trailing_commas: bool,
    },
    Toml,
}

/// A file that a host reads.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    /// The key that servers are under.
    pub(super) key: &'static str,
    /// Whether an entry says that it is one of a command.
    pub(super) says_stdio: bool,
}

impl Host {
    /// What it is called.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Gemini => "Gemini CLI",
            Self::ClaudeCode => "Claude Code",
            Self::Codex => "Codex",
            Self::Cursor => "Cursor",
            Self::Vscode => "VS Code",
            Self::ClaudeDesktop => "Claude Desktop",
            Self::Windsurf => "Windsurf",
        }
    }

    /// Whether it can speak WebSocket by itself.
    pub(super) fn speaks_websocket(self) -> bool {
        self == Self::ClaudeCode
    }

    /// The file of a person, or of the project in a directory.
    ///
    /// # Errors
    /// The host has no such file.
    pub(super) fn target(self, project: Option<&Path>) -> Result<Target, String> {
        let path = match project {
            Some(directory) => directory.join(self.in_project().ok_or_else(|| {
                format!("{} has no configuration of single projects; leave --project out", self.title())
            })?),
            None => self.of_person()?,
        };
        let strict = Format::Json { comments: false, trailing_commas: false };
        let format = match self {
            Self::Codex => Format::Toml,
            Self::Gemini => Format::Json { comments: true, trailing_commas: false },
            Self::Cursor | Self::Vscode => Format::Json { comments: true, trailing_commas: true },
            Self::ClaudeCode | Self::ClaudeDesktop | Self::Windsurf => strict,
        };
        let key = match self {
            Self::Vscode => "servers",
            Self::Codex => "mcp_servers",
            _ => "mcpServers",
        };
        Ok(Target { path, format, key, says_stdio: matches!(self, Self::ClaudeCode | Self::Vscode) })
    }

    fn in_project(self) -> Option<&'static str> {
        match self {
            Self::Gemini => Some(".gemini/settings.json"),
            Self::ClaudeCode => Some(".mcp.json"),
            Self::Codex => Some(".codex/config.toml"),
            Self::Cursor => Some(".cursor/mcp.json"),
            Self::Vscode => Some(".vscode/mcp.json"),
            Self::ClaudeDesktop | Self::Windsurf => None,
        }
    }

    fn of_person(self) -> Result<PathBuf, String> {
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = std::env::home_dir().filter(|path| path.is_absolute());
        let home = home.ok_or("there is no home directory; set HOME")?;
        // Where programs with a window keep their settings.
        let settings = || match cfg!(target_os = "macos") {
            true => home.join("Library/Application Support"),
            false => absolute("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config")),
        };
        Ok(match self {
            Self::Gemini => home.join(".gemini/settings.json"),
            Self::ClaudeCode => absolute("CLAUDE_CONFIG_DIR").unwrap_or_else(|| home.clone()).join(".claude.json"),
            Self::Codex => absolute("CODEX_HOME").unwrap_or_else(|| home.join(".codex")).join("config.toml"),
            Self::Cursor => home.join(".cursor/mcp.json"),
            Self::Vscode => settings().join("Code/User/mcp.json"),
            Self::ClaudeDesktop => settings().join("Claude/claude_desktop_config.json"),
            Self::Windsurf => home.join(".codeium/windsurf/mcp_config.json"),
        })
    }
}
