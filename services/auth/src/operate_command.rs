//! Settles `auth operate`: what the operators of an installation do on its host, each an audited command with the authority that demanded it.
//!
//! Two things are done nowhere else: switches of all schools, and whatever concerns administrators. Only PostgreSQL is needed.
//! Instances hear of a switch within two seconds, of a revocation within one.

use std::path::PathBuf;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::{Args, CommandFactory, Parser, Subcommand};
use shared::audit::Order;
use shared::context::Context;
use shared::http::Authority;
use shared::keys;
use shared::pg::{Database, Work};
use shared::service::{Config, Said, operate};
use shared::session::Role;
use uuid::Uuid;

use crate::app::Auth;
use crate::domain::code_issue;
use crate::domain::codes::Purpose;
use crate::domain::role_change;
use crate::domain::school_account::{self, Of};
use crate::domain::sealed::SealingKey;
use crate::domain::switch::{self, Effect, NewSwitch};
use crate::domain::waiting_room::Weights;
use crate::store;

/// Commands of operators. Exit codes: 0 done, 1 failed and nothing changed, 2 wrong usage, 78 wrong configuration.
#[derive(Parser)]
#[command(name = "auth operate")]
struct Cli {
    /// Configuration file (TOML) of the service.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Keep people out whose only roles are closed; those who are signed in stay so.
    CloseSignIn {
        #[arg(long, value_parser = role)]
        role: Role,
        #[command(flatten)]
        span: Span,
    },
    /// End sessions that rest for longer than this.
    LimitIdle {
        /// Seconds; at least twice the life of an access token.
        #[arg(long)]
        idle_s: u64,
        /// Of this role only.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        #[command(flatten)]
        span: Span,
    },
    /// Share what can be served otherwise between the lanes of the waiting room (0.1 to 100 each).
    WeighLanes {
        #[arg(long, value_parser = weight)]
        staff: f64,
        #[arg(long, value_parser = weight)]
        student: f64,
        #[arg(long, value_parser = weight)]
        guardian: f64,
        #[arg(long, value_parser = weight)]
        unknown: f64,
        #[command(flatten)]
        span: Span,
    },
    /// List the switches that are not over.
    Switches,
    /// End a switch before its time.
    EndSwitch {
        id: Uuid,
        /// The school whose switch it is; without it, one of all schools.
        #[arg(long)]
        school: Option<Uuid>,
        #[arg(long)]
        authority: Authority,
    },
    /// Print a code by which an account is activated.
    ActivationCode(Account),
    /// Print a code by which a password is reset.
    ResetCode(Account),
    /// Print a code for an authenticator.
    AuthenticatorCode(Account),
    /// Close an account.
    Block(Account),
    /// Open a blocked account again.
    Unblock(Account),
    /// Give a role to somebody who has one in the school.
    GrantRole {
        #[command(flatten)]
        account: Account,
        #[arg(long, value_parser = role)]
        role: Role,
    },
    /// Take a role.
    EndRole {
        #[command(flatten)]
        account: Account,
        #[arg(long, value_parser = role)]
        role: Role,
    },
}

/// From when until when a switch of all schools holds.
#[derive(Args)]
struct Span {
    /// When it begins (RFC 3339); at once when absent.
    #[arg(long)]
    from: Option<DateTime<Utc>>,
    /// When it ends by itself, a week later at most.
    #[arg(long)]
    until: DateTime<Utc>,
    /// Who demanded it.
    #[arg(long)]
    authority: Authority,
}

/// Whose account, and who demanded what is done to it.
#[derive(Args)]
struct Account {
    #[arg(long)]
    school: Uuid,
    #[arg(long)]
    person: Uuid,
    /// The incident that it belongs to.
    #[arg(long)]
    incident: Option<Uuid>,
    /// Who demanded it.
    #[arg(long)]
    authority: Authority,
}

impl Account {
    fn of(&self) -> Of {
        Of { school: self.school, person: self.person }
    }

    fn order(&self) -> Order {
        Order::of_operator(self.authority.clone().into_text()).in_incident(self.incident)
    }
}

/// The commands and their options, for whoever writes them down.
pub fn operate_words() -> clap::Command {
    Cli::command()
}

/// Does one command, and says what was done.
pub fn operate_command(arguments: &[String]) -> ExitCode {
    let name = std::iter::once("auth operate");
    let cli = match Cli::try_parse_from(name.chain(arguments.iter().map(String::as_str))) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    operate::<Auth>(&cli.config, async |config, database, context| {
        command(&cli.command, config, database, context).await
    })
}

async fn command(
    command: &Command,
    config: &Config<crate::Config>,
    database: &Database,
    context: &Context,
) -> Said {
    let done = || Ok("done".to_owned());
    match command {
        Command::CloseSignIn { role, span } => {
            open(database, context, span, Effect::SignInClosed(*role), config).await
        }
        Command::LimitIdle { idle_s, role, span } => {
            open(database, context, span, Effect::IdleLimit(*idle_s, *role), config).await
        }
        &Command::WeighLanes { staff, student, guardian, unknown, ref span } => {
            let weights = Weights { staff, student, guardian, unknown };
            open(database, context, span, Effect::LaneWeights(weights), config).await
        }
        Command::Switches => list(database, context).await,
        Command::EndSwitch { id, school, authority } => {
            let order = Order::of_operator(authority.clone().into_text());
            switch::end(database, context, &order, *school, *id).await?;
            done()
        }
        Command::ActivationCode(account) => {
            code(database, context, account, Purpose::Activation, config).await
        }
        Command::ResetCode(account) => code(database, context, account, Purpose::Reset, config).await,
        Command::AuthenticatorCode(account) => {
            code(database, context, account, Purpose::Authenticator, config).await
        }
        Command::Block(account) => {
            let mut transaction = database.begin(context, Work::Write).await?;
            school_account::block_in(&mut transaction, &account.order(), account.of()).await?;
            transaction.commit().await?;
            done()
        }
        Command::Unblock(account) => {
            school_account::unblock(database, context, &account.order(), account.of()).await?;
            done()
        }
        Command::GrantRole { account, role } => {
            role_change::grant(database, context, &account.order(), account.of(), *role).await?;
            done()
        }
        Command::EndRole { account, role } => {
            let mut transaction = database.begin(context, Work::Write).await?;
            role_change::end_in(&mut transaction, &account.order(), account.of(), *role).await?;
            transaction.commit().await?;
            done()
        }
    }
}

async fn open(
    database: &Database,
    context: &Context,
    span: &Span,
    effect: Effect,
    config: &Config<crate::Config>,
) -> Said {
    let new = NewSwitch { effect, school: None, starts_at: span.from, ends_at: span.until };
    let order = Order::of_operator(span.authority.clone().into_text());
    let shortest_idle_s = config.own.access_tokens.shortest_idle_s();
    let opened = switch::open(database, context, &order, new, shortest_idle_s).await?;
    Ok(format!("switch {} from {} until {}", opened.id, opened.starts_at, opened.ends_at))
}

async fn list(database: &Database, context: &Context) -> Said {
    let mut reader = database.reader(context, Work::Write).await?;
    let open = store::switch::find_open(&mut reader, context.clock().utc()).await?;
    let lines = open.iter().map(|switch| {
        let place =
            switch.school.map_or_else(|| "all schools".to_owned(), |school| format!("school {school}"));
        let (effect, authority) = (switch.effect, &switch.authority);
        format!(
            "{} {effect:?} {place} from {} until {} ({authority})",
            switch.id, switch.starts_at, switch.ends_at
        )
    });
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

async fn code(
    database: &Database,
    context: &Context,
    account: &Account,
    purpose: Purpose,
    config: &Config<crate::Config>,
) -> Said {
    let secret = keys::read_secret(&config.own.access_tokens.refresh_key_file, config.profile)?;
    let key = SealingKey::derive(&secret, "code");
    let whose: (&[Uuid], Uuid) = (&[account.school], account.person);
    let issued = code_issue::issue(database, &key, context, &account.order(), whose, purpose).await?;
    Ok(format!("{} until {}", issued.code, issued.expires_at))
}

fn role(name: &str) -> Result<Role, String> {
    Role::parse(name).ok_or_else(|| format!("one of {}", Role::ALL.map(Role::name).join(", ")))
}

fn weight(text: &str) -> Result<f64, String> {
    let weight = text.parse().ok().filter(|weight| (0.1..=100.0).contains(weight));
    weight.ok_or_else(|| "a number from 0.1 to 100".to_owned())
}
