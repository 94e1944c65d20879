//! Settles how the engines run: PostgreSQL, six Redis nodes as a cluster, and HAProxy in front.

mod database;
#[cfg(test)]
mod front_door_tests;
mod haproxy;
mod postgres;
mod redis;
mod redis_cluster;
mod redis_primary;

pub(crate) use self::redis::{NODE_COUNT, NODE_TIMEOUT, Peer, Place, Redis, settings as redis_settings};
pub(crate) use database::{Admin, ensure_databases, is_answering};
pub(crate) use haproxy::{Haproxy, found_by_name};
pub(crate) use postgres::{
    Durability, Postgres, connections as postgres_connections, settings as postgres_settings,
};
pub(crate) use redis_cluster::{FIRST_SLOTS, form, is_formed, readiness};
pub(crate) use redis_primary::{primary, primary_of_slot};
