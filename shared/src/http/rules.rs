//! Settles what stands on the line of a route: how important it is, and who may call it, which decides what their calls are counted by.
//!
//! The rules travel in the API description (`x-ent-rules`), from which the edge makes its table: what is written on the line,
//! what is described to clients and what is enforced are the same thing. There is no way to add a route without them.

use actix_web::dev::{AppService, HttpServiceFactory};
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::Paths;
use utoipa::openapi::{RefOr, Schema};
use utoipa_actix_web::OpenApiFactory;
use utoipa_actix_web::service_config::ServiceConfig;

use super::route_table::operations_mut;
use crate::resilience::priority::Priority;

/// The extension of an operation that holds its rules.
pub(super) const EXTENSION: &str = "x-ent-rules";

/// Who may call a route. What changes anything also needs the ENT's own `Origin`, whoever calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Anybody; calls are counted by client address.
    Anybody,
    /// Whoever holds a refresh handle, which the handler checks; calls are counted by client address.
    RefreshHandle,
    /// Whoever holds an access token, which is checked before the body is read; calls are counted by account.
    SignedIn,
    /// The same, for what must not happen with a session that may have been ended: 503 while that cannot be told.
    Sensitive,
}

/// What the edge does before a route's handler runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// What is given up first under overload.
    pub priority: Priority,
    /// Who may call, and what counts the calls.
    pub access: Access,
    /// Whether the handler itself decides how many it works on at once, so that the adaptive limit neither counts nor judges it:
    /// a queue that is meant to be waited in would look like a service that is too slow.
    #[serde(default, skip_serializing_if = "is_false")]
    pub queues_itself: bool,
    /// Of how many requests that were not refused one is told, as a line in the log and in a trace; all are counted.
    #[serde(default = "every_one", skip_serializing_if = "is_every_one")]
    pub told_one_in: u32,
}

fn every_one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_every_one(value: &u32) -> bool {
    *value == 1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
fn is_false(value: &bool) -> bool {
    !value
}

/// The route table of a service, a line per route.
pub struct Routes<'a, 's>(&'a mut ServiceConfig<'s>);

impl<'a, 's> Routes<'a, 's> {
    pub(super) fn new(config: &'a mut ServiceConfig<'s>) -> Self {
        Self(config)
    }

    /// Adds a route.
    pub fn serve<F>(&mut self, handler: F, priority: Priority, access: Access) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        self.add(handler, Rules { priority, access, queues_itself: false, told_one_in: 1 })
    }

    /// Adds a route that is asked again and again by everybody who waits: one in `told_one_in` of its requests is told.
    pub fn serve_polled<F>(
        &mut self,
        handler: F,
        priority: Priority,
        access: Access,
        told_one_in: u32,
    ) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        self.add(handler, Rules { priority, access, queues_itself: false, told_one_in })
    }

    /// Adds a route whose handler lets in as many as it can do, and tells the others when to come back.
    pub fn serve_queued<F>(&mut self, handler: F, priority: Priority, access: Access) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        self.add(handler, Rules { priority, access, queues_itself: true, told_one_in: 1 })
    }

    fn add<F>(&mut self, handler: F, rules: Rules) -> &mut Self
    where
        F: HttpServiceFactory + OpenApiFactory + 'static,
    {
        self.0.service(Ruled { handler, rules });
        self
    }
}

struct Ruled<F> {
    handler: F,
    rules: Rules,
}

impl<F: HttpServiceFactory> HttpServiceFactory for Ruled<F> {
    fn register(self, config: &mut AppService) {
        self.handler.register(config);
    }
}

impl<F: OpenApiFactory> OpenApiFactory for Ruled<F> {
    fn paths(&self) -> Paths {
        let mut paths = self.handler.paths();
        for operation in paths.paths.values_mut().flat_map(operations_mut) {
            let rules = serde_json::to_value(self.rules).unwrap_or_default();
            operation.extensions.get_or_insert_default().insert(EXTENSION.to_owned(), rules);
        }
        paths
    }

    fn schemas(&self, schemas: &mut Vec<(String, RefOr<Schema>)>) {
        self.handler.schemas(schemas);
    }
}
