//! Settles how connections are taken: HTTP/1.1 only, so many at once, with small buffers in the kernel, each client's time limited.
//!
//! This is what `actix_web::HttpServer` does, with one thing more that it has no place for: a [`GuardedStream`] under every
//! connection. HTTP/2 in plain text is refused: its idle connections have no time limit in actix-web (measured on 4.18).

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_http::{Extensions, HttpService, KeepAlive, Protocol};
use actix_server::Server;
use actix_service::{IntoServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::middleware::from_fn;
use actix_web::rt::net::TcpStream;
use actix_web::{App, web};
use socket2::{Domain, Socket, Type};

use super::connection::{ClientLimits, GuardedStream};
use super::overload::Gate;
use super::route_table::nothing_here;
use super::{EdgePolicy, edge, path_config, query_config};
use crate::ablation::Part;

/// An idle connection of the front door is kept longer than the front door keeps it, so that it never meets a closed one.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// A request's head must arrive within this.
const HEAD_LIMIT: Duration = Duration::from_secs(5);
/// A client that was answered before its body was read gets this long to notice; closing at once could cost it the answer.
const UNREAD_BODY_LIMIT: Duration = Duration::from_secs(1);
/// What one connection may hold of an answer in the kernel, which doubles it; by itself it would grow to 4 MiB.
const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// A client that confirms nothing of what was sent for this long is gone, or does not read: the kernel ends the connection.
const UNCONFIRMED_LIMIT: Duration = Duration::from_secs(15);
/// Connections that may wait to be taken.
const BACKLOG: i32 = 1_024;

/// The limits of every listener; only the time for taking an answer is configured.
pub(super) fn client_limits(answer: Duration) -> ClientLimits {
    ClientLimits { head: HEAD_LIMIT, idle: KEEP_ALIVE, unread_body: UNREAD_BODY_LIMIT, answer }
}

/// What one listener takes.
pub(super) struct Intake {
    pub name: &'static str,
    pub workers: usize,
    /// Per worker; further ones wait in the backlog.
    pub max_connections: usize,
    pub limits: ClientLimits,
    pub drain_limit: Duration,
}

/// A bound socket whose options every connection inherits; `name` is its key in the configuration.
pub(super) fn bind(name: &str, address: SocketAddr) -> io::Result<TcpListener> {
    let open = || {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_send_buffer_size(SEND_BUFFER_BYTES)?;
        socket.set_tcp_user_timeout(Some(UNCONFIRMED_LIMIT))?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        Ok::<_, io::Error>(socket.into())
    };
    open().map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {name} = {address}: {error}"))
    })
}

/// One listener with the edge around everything it serves.
pub(super) fn serve(
    intake: &Intake,
    policy: EdgePolicy,
    listener: TcpListener,
    configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
) -> io::Result<Server> {
    let is_ablated = policy.ablation.removes(Part::ClientLimits);
    let limits = if is_ablated { ClientLimits::ABLATED } else { intake.limits };
    let server = Server::build()
        .workers(intake.workers)
        .max_concurrent_connections(intake.max_connections)
        .shutdown_timeout(intake.drain_limit.as_secs().max(1))
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let server = server.listen(intake.name, listener, move || {
        let gate = policy.public.as_ref().map(|public| Gate::open(&policy, public));
        let app = App::new()
            .wrap(from_fn(edge))
            .app_data(web::Data::new(policy.clone()))
            .configure(|app| {
                if let Some(gate) = gate {
                    app.app_data(gate);
                }
            })
            .app_data(path_config())
            .app_data(query_config())
            .configure(configure.clone())
            .default_service(web::to(nothing_here));
        let app = app.into_factory().map_err(|error: actix_web::Error| error.error_response());
        let stopping = stopping.clone();
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(limits.idle))
            .client_request_timeout(limits.head)
            .client_disconnect_timeout(limits.unread_body)
            .on_connect_ext(|stream: &GuardedStream, data: &mut Extensions| {
                data.insert(stream.connection());
            })
            .finish(map_config(app, |()| AppConfig::default()));
        let guard = move |stream: TcpStream| async move {
            let peer = stream.peer_addr().ok();
            Ok((GuardedStream::new(stream, limits), Protocol::Http1, peer))
        };
        fn_service(guard).and_then(http)
    })?;
    Ok(server.run())
}
