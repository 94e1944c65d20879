//! Settles how a test runs a service as a process of its own: the real program, ended by a signal, with its log lines kept.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shared::testing::{TestKeys, eventually};

/// A running service.
pub struct Process {
    child: Child,
    log: PathBuf,
    /// Where the front door asks it.
    pub public: SocketAddr,
    /// Where siblings ask it.
    pub internal: SocketAddr,
}

impl Process {
    /// Starts a service with this configuration and waits until it is ready.
    pub async fn start(service: &str, keys: &TestKeys, config: &Value) -> Self {
        let (file, log) = (keys.file(&format!("{service}.toml")), keys.file(&format!("{service}.log")));
        std::fs::write(&file, toml::to_string(config).unwrap()).unwrap();
        let output = File::create(&log).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", env!("CARGO_BIN_EXE_end-to-end"), "--config"]).arg(file);
        command.arg("serve").env_clear().env("SERVICE", service).stdin(Stdio::null());
        let child = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let ready = || lines_of(&log).into_iter().find(|line| line["public_address"].is_string());
        eventually(&format!("{service} is ready"), async || ready().is_some()).await;
        let line = ready().unwrap();
        let address = |name: &str| line[name].as_str().unwrap().parse().unwrap();
        Self { child, public: address("public_address"), internal: address("internal_address"), log }
    }

    /// Its log lines so far.
    pub fn lines(&self) -> Vec<Value> {
        lines_of(&self.log)
    }

    /// Has it stop as an orchestrator does; how it ended and how long that took.
    pub fn stop(&mut self) -> (ExitStatus, Duration) {
        let began = Instant::now();
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        (self.child.wait().unwrap(), began.elapsed())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(log: &PathBuf) -> Vec<Value> {
    let text = std::fs::read_to_string(log).unwrap();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
