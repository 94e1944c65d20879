//! Settles that engines do not use the core that is measured: in use they are on other machines.

use anyhow::{Context as _, Result};
use redis::Client;
use rustix::io::Errno;
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};
use shared::testing::TestDatabase;

use super::Setup;

/// Keeps the engines' processes on one core until it is dropped.
pub struct EnginesApart {
    pids: Vec<i32>,
    before: CpuSet,
}

impl EnginesApart {
    /// PostgreSQL with all its processes and those it starts later, and every node of the cluster.
    pub fn on(core: usize, setup: &Setup) -> Result<Self> {
        let mut only = CpuSet::new();
        only.set(core);
        let before = rustix::thread::sched_getaffinity(None)?;
        let this = Self { pids: pids(setup)?, before };
        this.move_to(&only).context("the engines cannot be kept off the core that is measured")?;
        Ok(this)
    }

    fn move_to(&self, cores: &CpuSet) -> Result<()> {
        for pid in &self.pids {
            // A process of PostgreSQL may have ended meanwhile: it uses no core then.
            let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else { continue };
            for task in tasks {
                let task: i32 = task?.file_name().to_string_lossy().parse()?;
                match sched_setaffinity(Pid::from_raw(task), cores) {
                    Ok(()) | Err(Errno::SRCH) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }
}

impl Drop for EnginesApart {
    fn drop(&mut self) {
        // An engine that has ended needs no core.
        let _ = self.move_to(&self.before);
    }
}

fn pids(setup: &Setup) -> Result<Vec<i32>> {
    let mut pids = nodes(setup)?.iter_mut().map(pid_of_node).collect::<Result<Vec<i32>>>()?;
    let server = setup.engine.run(postmaster(&setup.database))?;
    pids.push(server);
    for process in std::fs::read_dir("/proc")? {
        let name = process?.file_name();
        let Ok(pid) = name.to_string_lossy().parse::<i32>() else { continue };
        pids.extend((parent(pid) == Some(server)).then_some(pid));
    }
    Ok(pids)
}

/// A connection to every node of the cluster.
pub fn nodes(setup: &Setup) -> Result<Vec<redis::Connection>> {
    let config = &setup.config.redis;
    let file = config.password_file.as_ref().context("a password")?;
    let password = std::fs::read_to_string(file)?;
    let connect =
        |node: &String| Client::open(format!("redis://:{}@{node}", password.trim()))?.get_connection();
    Ok(config.nodes.iter().map(connect).collect::<redis::RedisResult<_>>()?)
}

/// A line of what a node says of itself.
pub fn told(node: &mut redis::Connection, section: &str, field: &str) -> Result<String> {
    let text: String = redis::cmd("INFO").arg(section).query(node)?;
    let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    Ok(value.with_context(|| format!("a node says {field}"))?.trim().to_owned())
}

fn pid_of_node(node: &mut redis::Connection) -> Result<i32> {
    Ok(told(node, "server", "process_id")?.parse()?)
}

/// The parent of the process that serves one connection.
async fn postmaster(database: &TestDatabase) -> Result<i32> {
    let row = database.connect().await.query_one("select pg_backend_pid()", &[]).await?;
    parent(row.get(0)).context("a backend has a parent")
}

/// proc(5): the fourth field, the second after the name in brackets.
fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}
