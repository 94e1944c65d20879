//! Settles that a worker with too much to do serves the important, refuses the rest at once, and recovers by itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use actix_web::{App, get, post, web};
use serde_json::Value;
use tokio::sync::Semaphore;
use utoipa::openapi::OpenApiBuilder;
use utoipa_actix_web::AppExt;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{BODY_TIME, LIMITS, Listening, intake, policy, read_to_end, until};
use crate::ablation::{Ablation, Part};
use crate::attribution::{Attribution, Cause};
use crate::clock::{Clock, SystemClock, system_clock};
use crate::http::Access::Anybody;
use crate::http::{
    CallerLimits, OriginPolicy, Problem, PublicPolicy, RateLimits, RouteTable, Routes, WorkerLoads,
};
use crate::resilience::adaptive_limit::Bounds;
use crate::resilience::priority::Priority::{Critical, Deferrable, Normal};
use crate::resilience::shedding::LAG_LIMIT;

/// What one request of `/heavy` keeps its worker from anything else.
const HEAVY: Duration = Duration::from_millis(5);

#[utoipa::path(responses((status = 200)))]
#[get("/important")]
async fn important() -> &'static str {
    "served"
}

#[utoipa::path(responses((status = 200)))]
#[get("/deferrable")]
async fn deferrable() -> &'static str {
    "served"
}

#[utoipa::path(responses((status = 200)))]
#[get("/heavy")]
async fn heavy() -> &'static str {
    let until = SystemClock.now() + HEAVY;
    while SystemClock.now() < until {
        std::hint::spin_loop();
    }
    "served"
}

/// Held until the test lets it go.
#[utoipa::path(responses((status = 200)))]
#[post("/held")]
async fn held(places: web::Data<Semaphore>) -> &'static str {
    let _ = places.acquire().await.map(tokio::sync::SemaphorePermit::forget);
    "served"
}

/// The same, on a route that bounds itself; counts who is inside.
#[utoipa::path(responses((status = 200)))]
#[post("/queued")]
async fn queued(places: web::Data<Semaphore>, entered: web::Data<AtomicUsize>) -> &'static str {
    entered.fetch_add(1, Ordering::Relaxed);
    let _ = places.acquire().await.map(tokio::sync::SemaphorePermit::forget);
    "served"
}

#[utoipa::path(responses((status = 503)))]
#[get("/late")]
async fn late() -> Result<&'static str, Problem> {
    Err(Problem::unavailable("database_unavailable", "Try again.").because(Cause::DependencySlow("postgres")))
}

fn ruled(routes: &mut Routes<'_, '_>) {
    routes
        .serve(important, Critical, Anybody)
        .serve(deferrable, Deferrable, Anybody)
        .serve(heavy, Normal, Anybody)
        .serve(held, Critical, Anybody)
        .serve_queued(queued, Normal, Anybody)
        .serve(late, Normal, Anybody);
}

struct Overloadable {
    server: Listening,
    loads: WorkerLoads,
    attribution: Attribution,
    places: Arc<Semaphore>,
    entered: Arc<AtomicUsize>,
}

impl Overloadable {
    fn start(concurrency: Bounds, ablation: Ablation) -> Self {
        let described = App::new().into_utoipa_app().openapi(OpenApiBuilder::new().build());
        let (_, described) = described
            .configure(|config: &mut ServiceConfig<'_>| ruled(&mut Routes::new(config)))
            .split_for_parts();
        let loads = WorkerLoads::default();
        let unlimited = RateLimits {
            address: crate::resilience::rate_limit::Rate { per_second: 1_000_000, burst: 1_000_000 },
            ..RateLimits::default()
        };
        let public = PublicPolicy {
            origins: OriginPolicy::new(&["http://x".to_owned()]),
            docs_path: "/docs/",
            routes: RouteTable::of(&described),
            limits: CallerLimits::new(&unlimited, &system_clock()),
            concurrency,
            lag_limit: LAG_LIMIT,
            loads: loads.clone(),
        };
        let policy = crate::http::EdgePolicy { public: Some(public), ablation, ..policy(BODY_TIME) };
        let attribution = policy.attribution.clone();
        let places = Arc::new(Semaphore::new(0));
        let entered = Arc::new(AtomicUsize::new(0));
        let (data, counter) = (web::Data::from(places.clone()), web::Data::from(entered.clone()));
        let server = Listening::serve(intake(LIMITS), policy, move |app| {
            app.app_data(data.clone())
                .app_data(counter.clone())
                .configure(|app| ruled(&mut Routes::new(&mut ServiceConfig::new(app))));
        });
        Self { server, loads, attribution, places, entered }
    }

    fn get(&self, path: &str) -> String {
        self.server.exchange(&format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"))
    }

    /// One of the figures of the only worker.
    fn load(&self, pointer: &str) -> Option<f64> {
        self.loads.status().pointer(&format!("/0/{pointer}")).and_then(Value::as_f64)
    }

    /// Clients that ask for more than the worker can do, until the flag is set.
    fn crowd(&self, over: &Arc<AtomicBool>) -> Vec<JoinHandle<()>> {
        let client = || {
            let (over, address) = (over.clone(), self.server.address);
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    // Whether this one is served or refused is not the question.
                    let Ok(mut stream) = TcpStream::connect(address) else { continue };
                    let sent =
                        stream.write_all(b"GET /heavy HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
                    let _ = sent.and_then(|()| stream.read_to_end(&mut vec![]));
                }
            })
        };
        (0..24).map(|_| client()).collect()
    }
}

fn end(over: &AtomicBool, crowd: Vec<JoinHandle<()>>) {
    over.store(true, Ordering::Relaxed);
    for client in crowd {
        client.join().unwrap();
    }
}

fn is_overloaded(answer: &str) -> bool {
    answer.starts_with("HTTP/1.1 503")
        && answer.contains("\"code\":\"overloaded\"")
        && answer.contains("retry-after: ")
}

#[test]
fn a_worker_that_is_behind_refuses_the_least_important_until_it_keeps_up_again() {
    let server = Overloadable::start(Bounds::default(), Ablation::default());
    assert!(server.get("/deferrable").ends_with("served"));
    let over = Arc::new(AtomicBool::new(false));
    let crowd = server.crowd(&over);
    until("the least important are refused", || is_overloaded(&server.get("/deferrable")));
    for _ in 0..10 {
        assert!(server.get("/important").ends_with("served"));
    }
    end(&over, crowd);
    until("everybody is served", || server.get("/deferrable").ends_with("served"));
    let counts = server.attribution.status().to_string();
    assert!(counts.contains("\"cause\":\"shed\""), "{counts}");
}

#[test]
fn without_shedding_nobody_is_refused_however_far_behind_the_worker_is() {
    let server = Overloadable::start(Bounds::default(), Ablation::default().without(Part::Shedding));
    let over = Arc::new(AtomicBool::new(false));
    let crowd = server.crowd(&over);
    until("the least important would be refused", || {
        assert!(server.get("/deferrable").ends_with("served"));
        server.load("admitted/deferrable").is_some_and(|share| share < 0.5)
    });
    end(&over, crowd);
}

const POST_HELD: &str = "POST /held HTTP/1.1\r\nhost: x\r\norigin: http://x\r\nconnection: close\r\n";

#[test]
fn no_more_are_worked_on_than_the_limit_and_a_stalled_body_takes_no_place() {
    let server = Overloadable::start(Bounds { least: 4, most: 4 }, Ablation::default());
    let stalled: Vec<_> =
        (0..20).map(|_| server.server.send(&format!("{POST_HELD}content-length: 5\r\n\r\nabc"))).collect();
    let mut working: Vec<_> = (0..4).map(|_| server.server.send(&format!("{POST_HELD}\r\n"))).collect();
    until("four are worked on", || server.load("in_flight") == Some(4.0));
    assert!(is_overloaded(&server.get("/important")));
    server.places.add_permits(working.len());
    for client in &mut working {
        assert!(read_to_end(client).ends_with("served"));
    }
    assert!(server.get("/important").ends_with("served"));
    drop(stalled);
    let counts = server.attribution.status().to_string();
    assert!(counts.contains("\"cause\":\"admission\""), "{counts}");
}

#[test]
fn a_route_that_queues_itself_takes_no_place_from_others() {
    let server = Overloadable::start(Bounds { least: 4, most: 4 }, Ablation::default());
    let post = POST_HELD.replace("/held", "/queued");
    let mut working: Vec<_> = (0..8).map(|_| server.server.send(&format!("{post}\r\n"))).collect();
    until("all eight are inside", || {
        server.places.available_permits() == 0 && server.entered.load(Ordering::Relaxed) == 8
    });
    assert!(server.get("/important").ends_with("served"));
    server.places.add_permits(working.len());
    for client in &mut working {
        assert!(read_to_end(client).ends_with("served"));
    }
}

#[test]
fn without_the_limit_as_many_are_worked_on_as_ask() {
    let ablation = Ablation::default().without(Part::AdaptiveLimits);
    let server = Overloadable::start(Bounds { least: 4, most: 4 }, ablation);
    let mut working: Vec<_> = (0..8).map(|_| server.server.send(&format!("{POST_HELD}\r\n"))).collect();
    until("four are worked on", || server.load("in_flight") == Some(4.0));
    assert!(server.get("/important").ends_with("served"));
    server.places.add_permits(working.len());
    for client in &mut working {
        assert!(read_to_end(client).ends_with("served"));
    }
}

#[test]
fn a_dependency_that_is_too_slow_lowers_the_limit_to_its_least() {
    let server = Overloadable::start(Bounds { least: 2, most: 20 }, Ablation::default());
    until("two at once are left", || {
        for _ in 0..20 {
            server.get("/late");
        }
        server.load("limit") == Some(2.0)
    });
}
