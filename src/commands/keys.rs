//! `lakehouse keys`: what programs say instead of a password.

use std::process::ExitCode;

use lakehouse_accounts::{Accounts, NewApiKey, Scopes, SigningKey};

use super::{Context, users::BY};
use crate::{
    cli::{KeysArgs, KeysVerb},
    output::{self, line, note},
};

/// Does what is asked.
pub async fn run(context: &Context<'_>, arguments: KeysArgs) -> anyhow::Result<ExitCode> {
    let metadata = context.metadata().await?;
    let accounts = Accounts::new(metadata.clone(), &SigningKey::open(&context.settings.accounts.signing_key_file)?);
    let outcome = act(&accounts, arguments.verb).await;
    metadata.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn act(accounts: &Accounts, verb: KeysVerb) -> anyhow::Result<()> {
    match verb {
        KeysVerb::Add { owner, scopes, label, days } => {
            let new = NewApiKey { owner, label, scopes: Scopes::of(&scopes), days };
            let key = accounts.add_key(&new, BY).await?;
            note(format_args!(
                "key {} of {} for {}, good for {days} days; it is not shown again:",
                key.id(),
                new.owner,
                new.scopes
            ));
            line(key.reveal());
        }
        KeysVerb::List { json } => list(accounts, json).await?,
        KeysVerb::Revoke { id } => {
            accounts.revoke_key(&id, BY).await?;
            line(format_args!("{id} is revoked; services stop taking it within {} seconds", Accounts::REMEMBERED.as_secs()));
        }
    }
    Ok(())
}

async fn list(accounts: &Accounts, is_json: bool) -> anyhow::Result<()> {
    let keys = accounts.keys().await?;
    if is_json {
        line(serde_json::to_string_pretty(&keys)?);
        return Ok(());
    }
    let mut rows = vec![["key", "owner", "for", "scopes", "expires", "revoked", "last used"].map(str::to_owned).to_vec()];
    rows.extend(keys.into_iter().map(|key| {
        let at = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let (revoked, used) = (at(key.revoked_at), at(key.last_used_at));
        vec![key.id, key.owner.to_string(), key.label, key.scopes, key.expires_at.to_string(), revoked, used]
    }));
    output::table(&rows, &[]);
    Ok(())
}
