//! Settles that a response goes on wherever the instance that works on it is killed: at each commit, before and after it, and in auth's answer.

use std::fs::File;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use messaging::Messaging;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock};
use shared::service::Service;
use shared::session::Role;
use shared::testing::{Client, Running, TestDatabase, TestKeys, eventually};
use wiremock::MockServer;

use crate::account_response::{completed, respond, stolen};
use crate::app::{App, CLASS, NOWHERE, SCHOOL, Who, config, own, to_class};
use crate::commit_fault::{CommitFault, Lost};
use crate::stand_in::StandIn;

/// Where the instance is killed.
#[derive(Debug, Clone, Copy)]
enum At {
    /// At the commit of the act itself.
    Act(Lost),
    /// When it has taken the accounts up.
    Take(Lost),
    /// When auth has obeyed, and not answered.
    Auth,
    /// When it notes auth's answer.
    Settle(Lost),
    /// When it notes that auth does not answer.
    PutBack(Lost),
}

const EVERYWHERE: [At; 9] = [
    At::Act(Lost::OnTheWay),
    At::Act(Lost::OnTheWayBack),
    At::Take(Lost::OnTheWay),
    At::Take(Lost::OnTheWayBack),
    At::Auth,
    At::Settle(Lost::OnTheWay),
    At::Settle(Lost::OnTheWayBack),
    At::PutBack(Lost::OnTheWay),
    At::PutBack(Lost::OnTheWayBack),
];

/// The machine's clock, half a minute ahead: what the dead instance had taken may be taken again.
#[derive(Debug)]
struct Ahead;

const AHEAD: Duration = Duration::from_secs(30);

impl Clock for Ahead {
    fn now(&self) -> Instant {
        SystemClock.now()
    }

    fn coarse_ms(&self) -> u64 {
        SystemClock.coarse_ms()
    }

    fn utc(&self) -> DateTime<Utc> {
        SystemClock.utc() + AHEAD
    }
}

/// An instance of the real program.
struct Program {
    child: Child,
    address: SocketAddr,
}

impl Program {
    /// Its database is behind a proxy.
    async fn start(database: &TestDatabase, keys: &TestKeys, port: u16, auth: &str) -> Self {
        let mut own = own(keys);
        own["siblings"]["auth"] = json!([auth]);
        let mut content = Running::<Messaging>::config_content(database, keys, &own);
        content["postgres"]["port"] = json!(port);
        let (file, log) = (keys.file("killed.toml"), keys.file("killed.log"));
        std::fs::write(&file, toml::to_string(&content).unwrap()).unwrap();
        let output = File::create(&log).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_messaging"), "--config"]).arg(file);
        command.arg("serve").env_clear().stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let ready = || {
            let text = std::fs::read_to_string(&log).unwrap();
            let mut lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            lines.find_map(|line| line["public_address"].as_str()?.parse().ok())
        };
        eventually("the program serves", async || ready().is_some()).await;
        Self { child, address: ready().unwrap() }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is sent in the transaction whose commit is meant.
fn text_of(at: At) -> (&'static str, Lost) {
    match at {
        At::Act(lost) => ("insert into contained_account", lost),
        At::Take(lost) => ("skip locked", lost),
        At::Settle(lost) => ("set state = 'contained'", lost),
        At::PutBack(lost) => ("waiting_for = $5", lost),
        At::Auth => ("never", Lost::OnTheWay),
    }
}

async fn is_killed_and_completed(at: At) {
    let database = TestDatabase::create("messaging", Messaging::migrations).await;
    database.connect().await.batch_execute(include_str!("school.sql")).await.unwrap();
    let (keys, auth) = (TestKeys::generate(), StandIn::start().await);
    let target = database.config();
    let proxy = CommitFault::in_front_of(&format!("{}:{}", target.host, target.port)).await;
    let mut killed = Program::start(&database, &keys, proxy.port(), &auth.server.uri()).await;
    let member = |role| [(SCHOOL, role)];
    let pupil = keys.token(Who::PUPIL.id(), &member(Role::Student));
    let sender = Client::new(killed.address).with_token(pupil);
    sender.post("/messaging/v1/messages", &to_class(CLASS, &["student"])).await.expect(201);

    match at {
        At::Auth => auth.answer_late_once(),
        At::PutBack(_) => auth.refuse(Some(503)),
        At::Act(_) | At::Take(_) | At::Settle(_) => {}
    }
    let (text, lost) = text_of(at);
    proxy.stall(text, lost);
    let token = keys.proved_token(Who::ADMIN.id(), &member(Role::LocalAdmin));
    let admin = Client::new(killed.address).with_token(token);
    let body = stolen(&[Who::PUPIL, Who::GUARDIAN]);
    let reached = async || match at {
        At::Auth => auth.calls() > 0,
        At::Act(_) | At::Take(_) | At::Settle(_) | At::PutBack(_) => proxy.has_cut(),
    };
    // It may be killed before it answers.
    let answering = async {
        respond(&admin, "k", &body).await.expect(201);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = answering => {}
        () = eventually("it is where it is killed", reached) => {}
    }
    killed.kill();

    auth.refuse(None);
    let clock = Arc::new(Ahead);
    let config = config(&database, &keys, &auth.server.uri(), NOWHERE);
    let messaging = Running::<Messaging>::start(config.clone(), clock.clone());
    let app = App { messaging, keys, database, config, clock, auth: MockServer::start().await };
    let admin = app.proved(Who::ADMIN);
    let done = respond(&admin, "k", &body).await.expect(201).body;
    let progress = completed(&admin, done["id"].as_str().unwrap()).await;
    assert!(progress["members"].as_array().unwrap().iter().all(|one| one["state"] == "contained"), "{at:?}");
    assert_eq!(auth.contained(), [Who::PUPIL.id(), Who::GUARDIAN.id()], "each once: {at:?}");
    assert_eq!(app.unread(Who::CLASSMATE).await, 0, "{at:?}");
    app.send(Who::PUPIL, to_class(CLASS, &["student"])).await.expect_problem(403, "account_contained");
    for act in ["accounts_contained", "account_response_completed"] {
        assert_eq!(app.kept(act).await, 1, "{act} {at:?}");
    }
    let sql = "select count(*) from account_response";
    let count: i64 = app.database.connect().await.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(count, 1, "{at:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_whose_instance_is_killed_at_any_step_is_completed_once_by_another() {
    for at in EVERYWHERE {
        is_killed_and_completed(at).await;
    }
}
