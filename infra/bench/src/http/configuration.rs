//! Settles how a service is configured that is measured: as `cargo ent up` writes it, on one core.

use serde_json::{Value, json};
use shared::service::{Config, OwnConfig};
use shared::testing::TestKeys;

/// Nobody is refused for asking often: what is measured is what an answer costs.
pub fn configuration<O: OwnConfig>(config: &Config<O>, keys: &TestKeys, service: &str, own: &Value) -> Value {
    let often = json!({ "per_second": 1_000_000, "burst": 10_000_000 });
    json!({
        "profile": "demo",
        "instance": format!("{service}-bench"),
        "http": {
            "public_address": "127.0.0.1:0", "internal_address": "127.0.0.1:0", "workers": 1,
            "origins": config.http.origins, "trusted_proxies": ["127.0.0.1/32"],
            "rate_limits": { "account": often, "address": often },
        },
        "postgres": {
            "host": config.postgres.host, "port": config.postgres.port, "database": config.postgres.database,
            "user": config.postgres.user, "password_file": config.postgres.password_file,
        },
        "redis": {
            "nodes": config.redis.nodes, "password_file": config.redis.password_file,
            "key_prefix": config.redis.key_prefix,
        },
        "telemetry": { "level": "info" },
        "service_identity": keys.identity(service),
        "own": own,
    })
}

/// From the log line that says that a service is ready.
pub fn public_address(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(line.get("public_address")?.as_str()?.to_owned())
}
