//! `auth_reset_password`: for who has forgotten theirs, and a code from whoever runs the server.

use crate::auth::Secret;
use crate::error::Result;
use crate::tools::input::Text;
use crate::tools::{Access, Effect, Reply, SessionCaller, Tool};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ResetPassword {
    /// The code for it, which whoever runs this server makes with sessile admin users reset-password.
    code: Text<200>,
    /// The password as it is to be, of 8 to 1,024 characters.
    new_password: Secret,
}

#[derive(Debug, Serialize, JsonSchema)]
struct PasswordReset {
    reset: bool,
}

pub(super) fn tool() -> Tool {
    Tool::about_sessions("auth_reset_password", Access::Anyone, Effect::Changes, run).exclusive().described(
        "Set a new password",
        "Replaces a forgotten password, with a one-time code from whoever runs this server. It signs nobody in: call auth_sign_in afterwards. Whatever was signed in with the old password ends.",
    )
}

async fn run(
    caller: SessionCaller,
    ResetPassword { code, new_password }: ResetPassword,
) -> Result<Reply<PasswordReset>> {
    caller.manager.passwords().reset(&code, new_password, caller.session.peer()).await?;
    Ok(Reply::new(PasswordReset { reset: true }, "The password is set. Sign in with auth_sign_in."))
}
