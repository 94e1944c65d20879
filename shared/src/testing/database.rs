//! Settles how each test gets a database of its own: a clone of a template that was migrated once, dropped afterwards.

use std::hash::{DefaultHasher, Hash, Hasher};

use refinery::Runner;
use tempfile::TempDir;
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use super::engines;
use crate::{ids, pg};

/// A migrated, empty database; dropped with this value.
pub struct TestDatabase {
    server: tokio_postgres::Config,
    /// Whether its server outlives the test.
    is_shared: bool,
    name: String,
    config: pg::Config,
    _folder: TempDir,
}

/// One process at a time makes a template.
const TEMPLATE_LOCK: i64 = 0x7465_6d70;

impl TestDatabase {
    /// Clones the template of `service`, making it first if this is the first test that needs it.
    pub async fn create(service: &str, migrations: fn() -> Runner) -> Self {
        let mut database = Self::create_on(engines::postgres(), service, migrations).await;
        database.is_shared = true;
        database
    }

    /// The same on another server, which goes away with all it has.
    pub(super) async fn create_on(
        server: tokio_postgres::Config,
        service: &str,
        migrations: fn() -> Runner,
    ) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let admin = connect(&server, "postgres").await;
        let template = template_name(service, &migrations());
        make_template(&admin, &server, &template, migrations, &folder).await;
        let name = format!("t_{}", Uuid::from_bytes(ids::random_bytes()).simple());
        run(&admin, &format!("create database {name} template {template}")).await;
        let config = config(&server, &name, &folder);
        Self { server, is_shared: false, name, config, _folder: folder }
    }

    /// How a service under test connects.
    pub fn config(&self) -> pg::Config {
        self.config.clone()
    }

    /// A plain connection, for arranging what no route can and for looking behind the routes.
    pub async fn connect(&self) -> Client {
        connect(&self.server, &self.name).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if !self.is_shared {
            return;
        }
        let server = self.server.clone();
        let statement = format!("drop database if exists {} with (force)", self.name);
        let dropping = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { run(&connect(&server, "postgres").await, &statement).await });
        });
        dropping.join().expect("the test database is dropped");
    }
}

async fn make_template(
    admin: &Client,
    server: &tokio_postgres::Config,
    template: &str,
    migrations: fn() -> Runner,
    folder: &TempDir,
) {
    run(admin, &format!("select pg_advisory_lock({TEMPLATE_LOCK})")).await;
    let exists = admin.query("select 1 from pg_database where datname = $1", &[&template]).await;
    if exists.expect("the test server lists its databases").is_empty() {
        // Made under another name: a test run that dies half way leaves no half template.
        let draft = format!("{template}_draft");
        run(admin, &format!("drop database if exists {draft} with (force)")).await;
        run(admin, &format!("create database {draft}")).await;
        pg::migrate(&config(server, &draft, folder), migrations()).await.expect("the migrations apply");
        run(admin, &format!("alter database {draft} rename to {template}")).await;
    }
    run(admin, &format!("select pg_advisory_unlock({TEMPLATE_LOCK})")).await;
}

fn template_name(service: &str, migrations: &Runner) -> String {
    let mut hasher = DefaultHasher::new();
    for migration in migrations.get_migrations() {
        migration.to_string().hash(&mut hasher);
        migration.checksum().hash(&mut hasher);
    }
    format!("template_{service}_{:016x}", hasher.finish())
}

fn config(server: &tokio_postgres::Config, database: &str, folder: &TempDir) -> pg::Config {
    let password_file = folder.path().join("postgres");
    std::fs::write(&password_file, server.get_password().unwrap_or_default()).expect("a password file");
    let host = match server.get_hosts().first() {
        Some(tokio_postgres::config::Host::Tcp(host)) => host.clone(),
        other => panic!("ENT_TEST_POSTGRES names no TCP host: {other:?}"),
    };
    let port = server.get_ports().first().copied().unwrap_or(5432);
    let user = server.get_user().unwrap_or_default().to_owned();
    serde_json::from_value(serde_json::json!({
        "host": host, "port": port, "database": database, "user": user, "password_file": password_file,
        // Tests share two cores with the engines, so a free connection may take longer than in service.
        "wait_ms": 1_000,
    }))
    .expect("a configuration of the database")
}

async fn connect(server: &tokio_postgres::Config, database: &str) -> Client {
    let mut parameters = server.clone();
    let (client, connection) =
        parameters.dbname(database).connect(NoTls).await.expect("the test PostgreSQL takes connections");
    tokio::task::spawn(async move {
        // Ends with the client.
        let _ = connection.await;
    });
    client
}

async fn run(client: &Client, statement: &str) {
    client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}
