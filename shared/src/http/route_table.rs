//! Settles which rules a request falls under before it is routed, and which methods an address has: 405 with `Allow`, RFC 9110 15.5.6.

use std::sync::Arc;

use actix_web::dev::ResourceDef;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use utoipa::openapi::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};

use super::Problem;
use super::rules::{EXTENSION, Rules};

/// The public routes as they are described. Cloning shares them.
#[derive(Clone)]
pub struct RouteTable(Arc<[Route]>);

struct Route {
    pattern: ResourceDef,
    method: Method,
    rules: Option<Rules>,
}

impl RouteTable {
    /// The routes of a description that was made from the routes themselves.
    pub fn of(description: &OpenApi) -> Self {
        let paths = description.paths.paths.iter();
        let routes = paths.flat_map(|(path, item)| {
            operations(item)
                .map(|(method, operation)| Route {
                    pattern: ResourceDef::new(path.as_str()),
                    method,
                    rules: rules_in(operation),
                })
                .collect::<Vec<_>>()
        });
        Self(routes.collect())
    }

    /// How many routes there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The number and the rules of a route, where there is one.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(usize, Rules)> {
        let mut routes = self.0.iter().enumerate();
        let (number, route) =
            routes.find(|(_, route)| route.method == *method && route.pattern.is_match(path))?;
        Some((number, route.rules?))
    }

    fn methods_at(&self, path: &str) -> Vec<&str> {
        let here = self.0.iter().filter(|route| route.pattern.is_match(path));
        here.map(|route| route.method.as_str()).collect()
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let all = [
        (Method::GET, &item.get),
        (Method::HEAD, &item.head),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
        (Method::OPTIONS, &item.options),
        (Method::TRACE, &item.trace),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

/// The same, to be changed.
pub(super) fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [
        &mut item.get,
        &mut item.head,
        &mut item.post,
        &mut item.put,
        &mut item.patch,
        &mut item.delete,
        &mut item.options,
        &mut item.trace,
    ]
    .into_iter()
    .filter_map(Option::as_mut)
}

fn rules_in(operation: &Operation) -> Option<Rules> {
    let rules = operation.extensions.as_ref()?.get(EXTENSION)?;
    serde_json::from_value(rules.clone()).ok()
}

/// What is answered where no route is.
pub(super) async fn nothing_here(request: HttpRequest) -> HttpResponse {
    let table = request.app_data::<web::Data<RouteTable>>();
    let methods = table.map(|table| table.methods_at(request.path())).unwrap_or_default();
    if methods.is_empty() {
        let detail = "There is nothing at this address.";
        return Problem::new(StatusCode::NOT_FOUND, "not_found", detail).response();
    }
    wrong_method(&methods.join(", "))
}

/// What is answered where the route is and the method is not.
pub(super) fn wrong_method(allowed: &str) -> HttpResponse {
    let detail = format!("Only {allowed} can be used at this address.");
    let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
    let mut response = problem.response();
    if let Ok(allowed) = HeaderValue::from_str(allowed) {
        response.headers_mut().insert(ALLOW, allowed);
    }
    response
}
