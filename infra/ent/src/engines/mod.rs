//! Settles how the engines run: PostgreSQL, six Redis nodes as a cluster, and HAProxy in front.

mod database;
#[cfg(test)]
mod front_door_tests;
mod haproxy;
mod postgres;
mod redis;
mod redis_cluster;
mod redis_primary;

pub(crate) use self::redis::{NODE_COUNT, Node, Redis};
pub(crate) use database::{Admin, ensure_databases, is_answering};
pub(crate) use haproxy::Haproxy;
pub(crate) use postgres::{Durability, Postgres};
pub(crate) use redis_cluster::{form, is_formed, readiness};
pub(crate) use redis_primary::primary;
