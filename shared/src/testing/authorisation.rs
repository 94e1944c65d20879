//! Settles who gets what from every public route of a service: a table of route x role x whose, made by asking, read by people and committed.

use std::fmt::Write;

use serde_json::Value;

use crate::http::server::openapi;
use crate::service::Service;
use crate::session::Role;

/// Whose that is which a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The asker's own: their session, their course, their child's course.
    Own,
    /// Somebody else's in the asker's school.
    SameSchool,
    /// Somebody's in a school that the asker is not in.
    OtherSchool,
}

impl Whose {
    const ALL: [(Self, &str); 3] =
        [(Self::Own, "own"), (Self::SameSchool, "same school"), (Self::OtherSchool, "other school")];
}

/// What a route's row says of one question.
pub enum Asked {
    /// It was asked, and this status came.
    Status(u16),
    /// The route is about nobody in particular: the question has no sense.
    NoSense,
    /// There is no row for this route: the test fails.
    NoRow,
}

/// Asks every route of the description as every role and as nobody, about everybody's; `ask` gets `METHOD /path`.
pub async fn authorisation_table<S: Service>(
    ask: impl AsyncFn(&str, Option<Role>, Whose) -> Asked,
) -> String {
    let description = serde_json::to_value(openapi::<S>()).expect("a description");
    let askers = Role::ALL.into_iter().map(Some).chain([None]).collect::<Vec<_>>();
    let mut table = String::new();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        for method in operations.as_object().map(|operations| operations.keys()).into_iter().flatten() {
            let route = format!("{} {path}", method.to_uppercase());
            writeln!(table, "{route}").expect("memory");
            for (whose, name) in Whose::ALL {
                let mut row = format!("  {name:12}");
                let mut is_asked = false;
                for asker in &askers {
                    let who = asker.map_or("nobody", Role::name);
                    match ask(&route, *asker, whose).await {
                        Asked::Status(status) => {
                            is_asked = true;
                            write!(row, "  {who} {status}").expect("memory");
                        }
                        Asked::NoSense => {}
                        Asked::NoRow => panic!("{route} has no row in the table of who may do what"),
                    }
                }
                if is_asked {
                    writeln!(table, "{row}").expect("memory");
                }
            }
        }
    }
    assert!(!matches!(description, Value::Null) && !table.is_empty());
    table
}
