//! Codes that replace a forgotten password.

use super::{Account, Directory, audit};
use crate::error::Result;
use crate::store::{Event, Write, params};
use crate::tenancy::UserId;

impl Directory {
    /// The account whose password may be replaced with the code that has this hash.
    pub(crate) async fn by_reset_code(&self, code_hash: &str, now: i64) -> Result<Option<Account>> {
        let sql = "SELECT user_id FROM password_reset WHERE code_hash = $1 AND expires_at > $2";
        match self.store.get(sql, params![code_hash, now]).await? {
            Some(mut row) => self.by_id(UserId::stored(row.uuid()?)).await,
            None => Ok(None),
        }
    }

    /// Uses the code up, sets the password, and ends whatever followed from the one before.
    ///
    /// # Errors
    /// [`Error::Unmet`](crate::error::Error::Unmet) when the code was used or replaced meanwhile.
    pub(crate) async fn reset_password(
        &self,
        account: &Account,
        code_hash: &str,
        password_hash: String,
        now: i64,
    ) -> Result<()> {
        let write = Write::new()
            .expect(
                "code",
                "DELETE FROM password_reset WHERE code_hash = $1 AND expires_at > $2",
                params![code_hash, now],
            )
            .run(
                "UPDATE app_user SET password_hash = $2, epoch = epoch + 1 WHERE id = $1",
                params![account.user, password_hash],
            )
            .run("DELETE FROM token_family WHERE user_id = $1", params![account.user])
            .and(audit(account.user, &account.email, now, "auth.reset_password", ""))
            .tell(Event::User { user: account.user.uuid() });
        self.store.write(write).await.map(drop)
    }
}
