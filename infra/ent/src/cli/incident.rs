//! Settles the words of `cargo ent incident`: what operators do in an incident from a terminal, each by a service's own command.

use clap::{Args, ValueEnum};

/// A worst morning, in order.
pub(crate) const EXAMPLES: &str = "Examples, in the order of a worst morning:
  cargo ent incident open --kind hijacked_accounts --title 'Threats' --since 2026-09-01T05:00:00Z --authority 'Rectorate'
  cargo ent incident restrict --role Student --mode closed --needs-all-clear --reason 'Threats were sent' \\
      --until 2026-09-02T06:00:00Z --incident ID --authority 'Rectorate'
  cargo ent incident respond --person PERSON --since 2026-09-01T05:00:00Z --reason 'Threats were sent' \\
      --incident ID --authority 'Rectorate'
  cargo ent incident response RESPONSE
  cargo ent incident note ID --note 'Complaint 12 at the police station' --authority 'Rectorate'
  cargo ent incident timeline ID --format html > timeline.html
  cargo ent incident export ID incident.evidence --authority 'Police'
  cargo ent incident all-clear --school SCHOOL --operator op-1 --incident ID --authority 'Police'
  cargo ent incident reopen RESTRICTION --school SCHOOL --mode open --operator op-1 --incident ID --authority 'Rectorate'
  cargo ent incident close ID --authority 'Rectorate'

Each act takes the arguments of the service's own command: `cargo ent incident restrict --help` shows them. PostgreSQL alone
has to answer; browsers, the front door and the services may be away (sign-ins and evidence ask auth). What one person alone
cannot do: docs/incidents.md.";

/// Options of `incident`.
#[derive(Debug, Args)]
pub(crate) struct Incident {
    /// What to do
    pub(crate) act: IncidentAct,
    /// Arguments of the act; `--help` shows them
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<String>,
}

/// What operators do in an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IncidentAct {
    /// Open an incident; prints its id
    Open,
    /// List incidents
    List,
    /// Show one, with its notes
    Show,
    /// Write something down
    Note,
    /// Name more accounts that it concerns
    Accounts,
    /// Print what was done, signed in and sent, in order of time: text, JSON or a page
    Timeline,
    /// Seal messages and write the signed bundle for a complaint
    Export,
    /// Close it; says what stays in force
    Close,
    /// Close sending to roles
    Restrict,
    /// List what is closed
    Restrictions,
    /// Say that a school is safe
    AllClear,
    /// Reopen sending: two operators ask for the same
    Reopen,
    /// Count what a recall would withdraw
    PreviewRecall,
    /// Hide messages until it is decided what becomes of them
    Recall,
    /// List recalls
    Recalls,
    /// Show again what a recall hides: two operators ask for the same
    Release,
    /// Keep it hidden for good: two operators ask for the same
    FinishRecall,
    /// Secure stolen accounts in one act: lock, sign out everywhere, force a reset, recall what they sent
    Respond,
    /// List responses
    Responses,
    /// Say how far a response is
    Response,
    /// Close an account, and end its sessions
    Block,
    /// Open a blocked account again
    Unblock,
    /// Print a code by which a password is reset
    ResetCode,
    /// Print a code for an authenticator
    AuthenticatorCode,
    /// Take a role away
    EndRole,
    /// Keep people of a role from signing in
    CloseSignIn,
}

impl IncidentAct {
    /// The service whose command it is, and the command.
    pub(crate) fn command(self) -> (&'static str, &'static str) {
        match self {
            Self::Open => ("messaging", "open-incident"),
            Self::List => ("messaging", "incidents"),
            Self::Show => ("messaging", "show-incident"),
            Self::Note => ("messaging", "note"),
            Self::Accounts => ("messaging", "name-accounts"),
            Self::Timeline => ("messaging", "timeline"),
            Self::Export => ("messaging", "export-evidence"),
            Self::Close => ("messaging", "close-incident"),
            Self::Restrict => ("messaging", "restrict"),
            Self::Restrictions => ("messaging", "restrictions"),
            Self::AllClear => ("messaging", "all-clear"),
            Self::Reopen => ("messaging", "reopen"),
            Self::PreviewRecall => ("messaging", "preview-recall"),
            Self::Recall => ("messaging", "recall"),
            Self::Recalls => ("messaging", "recalls"),
            Self::Release => ("messaging", "restore-recall"),
            Self::FinishRecall => ("messaging", "finish-recall"),
            Self::Respond => ("messaging", "respond"),
            Self::Responses => ("messaging", "responses"),
            Self::Response => ("messaging", "response"),
            Self::Block => ("auth", "block"),
            Self::Unblock => ("auth", "unblock"),
            Self::ResetCode => ("auth", "reset-code"),
            Self::AuthenticatorCode => ("auth", "authenticator-code"),
            Self::EndRole => ("auth", "end-role"),
            Self::CloseSignIn => ("auth", "close-sign-in"),
        }
    }
}
