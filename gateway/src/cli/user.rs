//! `answertone user`: who may log in, by SMTP and by telephone.

use std::{
    io::{self, BufRead},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::{
    config::{DEFAULT_PATH, read},
    error::{CliError, NO},
};
use crate::{
    authorise::secret::hashed,
    mail::Mailbox,
    store::{Store, User},
};

/// Add, change, list, unlock or remove users. Works while the gateway runs; secrets are kept hashed.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  printf 'a long password\\n' | answertone user set anna --password --mailbox anna@office.example\n  printf '4711\\n' | answertone user set 12 --pin"
)]
pub(super) struct UserArgs {
    /// Configuration file.
    #[arg(long, value_name = "FILE", default_value = DEFAULT_PATH, global = true)]
    config: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Add a user or change one. Secrets are read from standard input, a line each: first the password, then the PIN.
    Set {
        /// The name; digits only where it is keyed in on a telephone.
        name: String,
        /// Read a password, for SMTP.
        #[arg(long)]
        password: bool,
        /// Read a PIN of digits, for the telephone.
        #[arg(long)]
        pin: bool,
        /// Where faxes go that are meant for this user.
        #[arg(long)]
        mailbox: Option<String>,
    },
    /// All users, without their secrets.
    List,
    /// Let a user in again that was locked out.
    Unlock {
        /// The name.
        name: String,
    },
    /// Remove a user.
    Remove {
        /// The name.
        name: String,
    },
}

/// The shortest password and the shortest PIN.
const PASSWORD_LETTERS: usize = 8;
const PIN_DIGITS: usize = 4;

/// Does what was asked.
pub(super) fn run(args: &UserArgs) -> Result<ExitCode, CliError> {
    let config = read(&args.config)?;
    let runtime = tokio::runtime::Runtime::new().map_err(CliError::failed)?;
    runtime.block_on(async {
        let store = Store::of(&config.store, None).await.map_err(CliError::failed)?;
        let done = act(&store, args).await;
        store.close().await;
        done
    })
}

async fn act(store: &Store, args: &UserArgs) -> Result<ExitCode, CliError> {
    match &args.action {
        Action::Set { name, password, pin, mailbox } => {
            let user = given(name, *password, *pin, mailbox.as_deref())?;
            store.put_user(&user).await.map_err(CliError::failed)?;
            told(args, name, true, "set")
        }
        Action::List => {
            let users = store.users().await.map_err(CliError::failed)?;
            users.iter().for_each(|user| list(args, user));
            Ok(ExitCode::SUCCESS)
        }
        Action::Unlock { name } => {
            told(args, name, store.unlock_user(name).await.map_err(CliError::failed)?, "unlocked")
        }
        Action::Remove { name } => {
            told(args, name, store.remove_user(name).await.map_err(CliError::failed)?, "removed")
        }
    }
}

fn given(name: &str, password: bool, pin: bool, mailbox: Option<&str>) -> Result<User, CliError> {
    if name.is_empty() || !name.bytes().all(|c| c.is_ascii_graphic() && !b"/\"".contains(&c)) {
        return Err(CliError::usage(format!("{name:?} is not a user name; write letters and digits without spaces")));
    }
    if let Some(mailbox) = mailbox
        && Mailbox::parse(mailbox).is_none()
    {
        return Err(CliError::usage(format!("--mailbox {mailbox:?}: write an e-mail address")));
    }
    let password = password.then(|| secret("password", |text| text.chars().count() >= PASSWORD_LETTERS)).transpose()?;
    let right = |text: &str| text.len() >= PIN_DIGITS && text.bytes().all(|c| c.is_ascii_digit());
    let pin = pin.then(|| secret("PIN", right)).transpose()?;
    Ok(User { name: name.into(), password, pin, mailbox: mailbox.unwrap_or_default().into(), ..User::default() })
}

fn secret(what: &str, right: impl Fn(&str) -> bool) -> Result<String, CliError> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(CliError::failed)?;
    let text = line.trim_end_matches(['\r', '\n']);
    if right(text) {
        return Ok(hashed(text));
    }
    Err(CliError::usage(format!(
        "the {what} on standard input is too short; a password has at least {PASSWORD_LETTERS} letters, a PIN at least {PIN_DIGITS} digits and nothing else"
    )))
}

fn list(args: &UserArgs, user: &User) {
    let (password, pin) = (user.password.is_some(), user.pin.is_some());
    let locked = user.locked_until > crate::store::now();
    if args.json {
        println!(
            "{}",
            json!({"name": user.name, "password": password, "pin": pin, "mailbox": user.mailbox, "locked": locked})
        );
        return;
    }
    let has = [(password, "password"), (pin, "PIN")].into_iter().filter(|(has, _)| *has).map(|(_, name)| name);
    let until = Timestamp::from_millisecond(user.locked_until).map(|at| at.strftime("%Y-%m-%d %H:%M UTC").to_string());
    let locked = if locked { format!(", locked until {}", until.unwrap_or_default()) } else { String::new() };
    println!("{:<16} {:<14} {}{locked}", user.name, has.collect::<Vec<_>>().join(" and "), user.mailbox);
}

fn told(args: &UserArgs, name: &str, done: bool, what: &str) -> Result<ExitCode, CliError> {
    if args.json {
        println!("{}", json!({"ok": done, "user": name}));
    } else if done {
        println!("{name}: {what}");
    } else {
        eprintln!("answertone: there is no user {name}; answertone user list shows all");
    }
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::from(NO) })
}
