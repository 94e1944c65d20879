//! Settles how a test moves a hash slot of the test cluster to another primary, step by step, as `redis-cli --cluster reshard` does.

use redis::aio::MultiplexedConnection;
use redis::{Client, Cmd, FromRedisValue, cmd};
use shared::redis::Config;

/// A primary of the test cluster.
struct Primary {
    id: String,
    address: String,
    connection: MultiplexedConnection,
}

impl Primary {
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> T {
        command.query_async(&mut self.connection.clone()).await.unwrap()
    }

    async fn set_slot(&self, slot: u16, state: &str, node: &str) {
        self.ask::<()>(cmd("CLUSTER").arg("SETSLOT").arg(slot).arg(state).arg(node)).await;
    }
}

/// One slot and the primaries.
pub struct SlotMover {
    slot: u16,
    password: String,
    /// The slot's owner comes first.
    primaries: Vec<Primary>,
}

impl SlotMover {
    /// For the slot, wherever it is now.
    pub async fn new(slot: u16, config: &Config) -> Self {
        let password = std::fs::read_to_string(config.password_file.as_ref().unwrap()).unwrap();
        let connect = async |address: &str| {
            let client = Client::open(format!("redis://:{}@{address}", password.trim())).unwrap();
            client.get_multiplexed_async_connection().await.unwrap()
        };
        let mut any = connect(&config.nodes[0]).await;
        let nodes: String = cmd("CLUSTER").arg("NODES").query_async(&mut any).await.unwrap();
        let mut primaries = Vec::new();
        for line in nodes.lines().filter(|line| line.contains("master") && line.contains("connected ")) {
            let fields: Vec<&str> = line.split(' ').collect();
            let address = fields[1].split('@').next().unwrap().to_owned();
            let connection = connect(&address).await;
            let owns = fields[8..].iter().any(|range| {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
            });
            primaries.push((!owns, Primary { id: fields[0].to_owned(), address, connection }));
        }
        primaries.sort_by_key(|(is_other, _)| *is_other);
        let primaries = primaries.into_iter().map(|(_, primary)| primary).collect();
        Self { slot, password: password.trim().to_owned(), primaries }
    }

    /// Moves the slot to the second primary; `between` runs after each step. The next time it moves back.
    pub async fn move_slot(&mut self, between: impl AsyncFn(&Self, &str)) {
        let this = &*self;
        let (from, to) = (&this.primaries[0], &this.primaries[1]);
        to.set_slot(this.slot, "IMPORTING", &from.id).await;
        from.set_slot(this.slot, "MIGRATING", &to.id).await;
        between(this, "announced").await;
        let mut keys: Vec<String> =
            from.ask(cmd("CLUSTER").arg("GETKEYSINSLOT").arg(this.slot).arg(10_000)).await;
        keys.sort_unstable();
        for key in keys {
            let (host, port) = to.address.split_once(':').unwrap();
            let mut migrate = cmd("MIGRATE");
            migrate.arg(host).arg(port).arg("").arg(0).arg(5_000).arg("AUTH").arg(&this.password);
            from.ask::<()>(migrate.arg("KEYS").arg(&key)).await;
            between(this, &key).await;
        }
        to.set_slot(this.slot, "NODE", &to.id).await;
        between(this, "owned by both").await;
        for primary in this.primaries.iter().filter(|primary| primary.id != to.id) {
            primary.set_slot(this.slot, "NODE", &to.id).await;
        }
        between(this, "moved").await;
        self.primaries.swap(0, 1);
    }

    /// How often primaries have answered with this error so far.
    pub async fn count(&self, error: &str) -> u64 {
        let mut count = 0;
        for primary in &self.primaries {
            let stats: String = primary.ask(cmd("INFO").arg("errorstats")).await;
            let name = format!("errorstat_{error}:count=");
            let line = stats.lines().find_map(|line| line.strip_prefix(&name));
            count += line.map_or(0, |number| number.trim().parse::<u64>().unwrap());
        }
        count
    }
}
