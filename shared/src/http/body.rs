//! Settles how a request's body, path and query are understood: typed, by their own rules, every fault a 4xx problem that quotes nothing back.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::JsonPayloadError;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, web};
use garde::Validate;
use serde::de::DeserializeOwned;

use super::Problem;

/// A JSON body that has been parsed and has passed its own rules.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T> FromRequest for Body<T>
where
    T: DeserializeOwned + Validate<Context = ()> + 'static,
{
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let parsing = web::Json::<T>::from_request(request, payload);
        Box::pin(async move {
            let body = parsing.await.map_err(|error| refusal(&error))?.into_inner();
            valid(body).map(Self)
        })
    }
}

fn refusal(error: &actix_web::Error) -> Problem {
    match error.as_error::<JsonPayloadError>() {
        Some(JsonPayloadError::ContentType) => Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON with the header Content-Type: application/json.",
        ),
        Some(JsonPayloadError::Deserialize(error)) => Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_body",
            format!(
                "The body is not what this route takes (line {}, column {}).",
                error.line(),
                error.column()
            ),
        ),
        Some(_) | None => {
            Problem::new(StatusCode::BAD_REQUEST, "malformed_body", "The body could not be read.")
        }
    }
}

fn invalid(report: &garde::Report) -> Problem {
    let faults: Vec<String> = report.iter().map(|(path, error)| format!("{path}: {error}")).collect();
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_body", faults.join("; "))
}

/// What passes its own rules; for query parameters, whose extractor does not ask.
pub fn valid<T: Validate<Context = ()>>(value: T) -> Result<T, Problem> {
    value.validate().map_err(|report| invalid(&report))?;
    Ok(value)
}

/// A path parameter that is not an id names nothing that exists.
pub fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_, _| {
        Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.").into()
    })
}

/// Query parameters are typed, and unknown ones are refused by the types that read them.
pub fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|_, _| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed_query",
            "A query parameter is unknown or has a wrong value.",
        )
        .into()
    })
}
