//! Settles what tests are made of: real engines, a clock that they move, a proxy that they break, a service on free ports.
//!
//! The engines come from `cargo ent test`, which starts them and says where they are in `ENT_TEST_POSTGRES`
//! (`host=… port=… user=… password=…`) and `ENT_TEST_REDIS` (`redis://:PASSWORD@host:port,host:port,…`).

mod authorisation;
mod client;
mod clock;
mod database;
mod engines;
mod hardening;
mod keys;
mod private;
mod private_postgres;
mod private_redis;
mod proxy;
mod registry;
mod running;
mod waiting;

pub use authorisation::{Asked, Whose, authorisation_table};
pub use client::{Answer, Client};
pub use clock::ManualClock;
pub use database::TestDatabase;
pub use hardening::every_route_refuses_what_none_may_take;
pub use keys::TestKeys;
pub use private_postgres::PrivatePostgres;
pub use private_redis::PrivateRedis;
pub use proxy::{FaultProxy, redis_behind_proxies};
pub use registry::breakers;
pub use running::Running;
pub use waiting::eventually;

pub use crate::tls::install_provider;
