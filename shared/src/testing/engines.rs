//! Settles where the test engines are.

/// Connection parameters of the test PostgreSQL's superuser.
pub(super) fn postgres() -> tokio_postgres::Config {
    read("ENT_TEST_POSTGRES").parse().expect("ENT_TEST_POSTGRES is a PostgreSQL connection string")
}

/// (password, `host:port` of each node) of the test cluster.
pub(super) fn redis_nodes() -> (String, Vec<String>) {
    let value = read("ENT_TEST_REDIS");
    let parts = value.strip_prefix("redis://:").and_then(|rest| rest.split_once('@'));
    let (password, nodes) = parts.expect("ENT_TEST_REDIS is redis://:PASSWORD@host:port,host:port");
    (password.to_owned(), nodes.split(',').map(str::to_owned).collect())
}

#[expect(clippy::disallowed_methods, reason = "the engines of a test run are not configuration of a service")]
fn read(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run the tests with `cargo ent test`"))
}
