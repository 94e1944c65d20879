//! Settles which rules a request falls under before it is routed, and which methods an address has: 405 with `Allow`, RFC 9110 15.5.6.

use std::collections::HashMap;
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
pub struct RouteTable(Arc<Table>);

struct Table {
    routes: Vec<Route>,
    /// Where the routes of an address without parameters are: most requests go to those, and a pattern costs a microsecond.
    fixed: HashMap<String, Vec<usize>>,
}

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
        let routes: Vec<Route> = routes.collect();
        let mut fixed = HashMap::<String, Vec<usize>>::new();
        for (number, route) in routes.iter().enumerate() {
            if let Some(path) = route.fixed_path() {
                fixed.entry(path.to_owned()).or_default().push(number);
            }
        }
        Self(Arc::new(Table { routes, fixed }))
    }

    /// How many routes there are.
    pub(super) fn len(&self) -> usize {
        self.0.routes.len()
    }

    /// The number and the rules of a route, where there is one.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(usize, Rules)> {
        let number = self.find_fixed(method, path).or_else(|| self.find_pattern(method, path))?;
        Some((number, self.0.routes.get(number)?.rules?))
    }

    /// The address of a route, with its parameters' names.
    pub(super) fn pattern(&self, number: usize) -> Option<&str> {
        self.0.routes.get(number)?.pattern.pattern()
    }

    fn find_fixed(&self, method: &Method, path: &str) -> Option<usize> {
        let has_method =
            |number: &&usize| self.0.routes.get(**number).is_some_and(|route| route.method == *method);
        self.0.fixed.get(path)?.iter().find(has_method).copied()
    }

    fn find_pattern(&self, method: &Method, path: &str) -> Option<usize> {
        let is_meant = |route: &Route| {
            route.method == *method && route.fixed_path().is_none() && route.pattern.is_match(path)
        };
        self.0.routes.iter().position(is_meant)
    }

    fn methods_at(&self, path: &str) -> Vec<&str> {
        let here = self.0.routes.iter().filter(|route| route.pattern.is_match(path));
        here.map(|route| route.method.as_str()).collect()
    }
}

impl Route {
    /// Its address, if that has no parameters.
    fn fixed_path(&self) -> Option<&str> {
        self.pattern.pattern().filter(|path| !path.contains('{'))
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
