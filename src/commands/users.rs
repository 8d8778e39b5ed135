//! `lakehouse users`: who may ask.

use std::{
    io::{BufRead as _, IsTerminal as _},
    process::ExitCode,
};

use anyhow::{Context as _, ensure};
use console::Term;
use lakehouse_accounts::{Accounts, SigningKey};
use lakehouse_spec::UserName;

use super::Context;
use crate::{
    cli::{UsersArgs, UsersVerb},
    output::{self, line},
};

/// Who changes accounts here, in the audit trail: whoever may use the command on this machine.
pub const BY: &str = "command";

/// Does what is asked.
pub async fn run(context: &Context<'_>, arguments: UsersArgs) -> anyhow::Result<ExitCode> {
    let metadata = context.metadata().await?;
    let accounts = Accounts::new(metadata.clone(), &SigningKey::open(&context.settings.accounts.signing_key_file)?);
    let outcome = act(&accounts, arguments.verb).await;
    metadata.close().await;
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn act(accounts: &Accounts, verb: UsersVerb) -> anyhow::Result<()> {
    match verb {
        UsersVerb::Add { name, role, no_password } => {
            let password = if no_password { None } else { Some(ask_password(&name)?) };
            accounts.add_user(&name, role, password, BY).await?;
            line(format_args!("{name} is a {role}"));
        }
        UsersVerb::List { json } => list(accounts, json).await?,
        UsersVerb::Disable { name } => {
            let is_new = accounts.disable(&name, BY).await?;
            line(format_args!("{name} {} disabled", if is_new { "is" } else { "was already" }));
        }
        UsersVerb::Enable { name } => {
            accounts.enable(&name, BY).await?;
            line(format_args!("{name} may log in again; keys have to be made anew"));
        }
        UsersVerb::Password { name } => {
            let password = ask_password(&name)?;
            accounts.set_password(&name, password, BY).await?;
            line(format_args!("{name} has another password, and has to log in again"));
        }
        UsersVerb::Role { name, role } => {
            accounts.set_role(&name, role, BY).await?;
            line(format_args!("{name} is a {role}"));
        }
    }
    Ok(())
}

async fn list(accounts: &Accounts, is_json: bool) -> anyhow::Result<()> {
    let users = accounts.users().await?;
    if is_json {
        line(serde_json::to_string_pretty(&users)?);
        return Ok(());
    }
    let mut rows = vec![["user", "role", "added", "disabled"].map(str::to_owned).to_vec()];
    rows.extend(users.iter().map(|user| {
        let disabled = user.disabled_at.map(|at| at.to_string()).unwrap_or_default();
        vec![user.name.to_string(), user.role.to_string(), user.created_at.to_string(), disabled]
    }));
    output::table(&rows, &[]);
    Ok(())
}

/// A password is never an argument: those are seen by everybody on the machine, and kept by shells.
fn ask_password(name: &UserName) -> anyhow::Result<String> {
    if !std::io::stdin().is_terminal() {
        let mut password = String::new();
        std::io::stdin().lock().read_line(&mut password).context("no password could be read from standard input")?;
        return Ok(password.trim_end_matches(['\r', '\n']).to_owned());
    }
    let terminal = Term::stderr();
    let ask = |what: &str| {
        terminal.write_str(what)?;
        terminal.read_secure_line().context("no password could be read from the terminal")
    };
    let password = ask(&format!("password of {name}: "))?;
    ensure!(ask("once more: ")? == password, "the two are not the same; nothing was done");
    Ok(password)
}
