//! Completions and manual pages know every subcommand.

use super::home::Home;

const COMMANDS: [&str; 8] = ["serve", "admin", "login", "logout", "whoami", "profiles", "install", "doctor"];

#[tokio::test]
async fn every_command_is_completed_and_described() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = home.run(&["completions", shell]).await.done();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} does not know {command}");
        }
    }
    assert!(home.run(&["man"]).await.done().contains(".TH sessile 1"));
    home.run(&["man", "--dir", "pages"]).await.done();
    for command in COMMANDS {
        let page = home.read(&format!("pages/sessile-{command}.1"));
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(home.path("pages/sessile-admin-users.1").exists());
}
