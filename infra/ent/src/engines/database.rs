//! Settles who may do what in PostgreSQL: one role and one database per service, each closed to all others.

use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio_postgres::{Client, NoTls};

use super::postgres::SUPERUSER;
use crate::context::Context;
use crate::installation::secrets;

/// How long one administrative step may take.
const LIMIT: Duration = Duration::from_secs(20);

/// The superuser's way in.
pub(crate) struct Admin {
    /// Where the server is.
    pub(crate) host: &'static str,
    /// Its port there.
    pub(crate) port: u16,
    /// The superuser's password.
    pub(crate) password: String,
}

/// Whether the server answers a query.
pub(crate) fn is_answering(context: &Context, admin: &Admin) -> Result<()> {
    context.block_on("PostgreSQL", Duration::from_secs(1), async {
        connect(admin, "postgres").await?.simple_query("SELECT 1").await?;
        Ok(())
    })
}

/// Makes roles and databases that are missing and sets their rights; doing it again changes nothing.
pub(crate) fn ensure_databases(context: &Context, admin: &Admin, services: &[&str]) -> Result<()> {
    context.block_on("making databases", LIMIT, async {
        let client = connect(admin, "postgres").await?;
        for database in ["postgres", "template1"] {
            run(&client, &format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
        }
        for service in services {
            let password = secrets::ensure(&context.layout.path(format!("secrets/postgres-{service}")))?;
            ensure_database(&client, service, &password).await?;
        }
        Ok(())
    })
}

async fn ensure_database(client: &Client, service: &str, password: &str) -> Result<()> {
    let verb = if exists(client, "pg_roles", "rolname", service).await? { "ALTER" } else { "CREATE" };
    // The password is ours, of hexadecimal digits only: there is nothing to escape.
    run(
        client,
        &format!("{verb} ROLE {service} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{password}'"),
    )
    .await?;
    if !exists(client, "pg_database", "datname", service).await? {
        let create = format!("CREATE DATABASE {service} OWNER {service} TEMPLATE template0 ENCODING 'UTF8'");
        run(client, &create).await?;
    }
    run(client, &format!("REVOKE ALL ON DATABASE {service} FROM PUBLIC")).await
}

async fn exists(client: &Client, table: &str, column: &str, name: &str) -> Result<bool> {
    let query = format!("SELECT 1 FROM {table} WHERE {column} = $1");
    Ok(client.query_opt(&query, &[&name]).await?.is_some())
}

async fn run(client: &Client, statement: &str) -> Result<()> {
    // The statement itself stays out of the message: it may carry a password.
    let verb = statement.split(' ').take(3).collect::<Vec<_>>().join(" ");
    client.batch_execute(statement).await.with_context(|| format!("PostgreSQL refused `{verb} …`"))
}

async fn connect(admin: &Admin, database: &str) -> Result<Client> {
    let mut config = tokio_postgres::Config::new();
    config.host(admin.host).port(admin.port).user(SUPERUSER).password(&admin.password).dbname(database);
    config.connect_timeout(Duration::from_secs(1)).application_name("cargo-ent");
    let (client, connection) = config.connect(NoTls).await?;
    drive(connection);
    Ok(client)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the connection ends with its client, which this command drops itself"
)]
fn drive(connection: impl Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static) {
    tokio::spawn(connection);
}
