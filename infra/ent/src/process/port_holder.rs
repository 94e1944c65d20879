//! Settles who listens on a port, from `/proc`, for an error message that names the program.

use std::fs;

/// The program and pid that listen on this local TCP port, as far as we may look.
pub(crate) fn port_holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| listening_inode(&table, port))?;
    let link = format!("socket:[{inode}]");
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let pid = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).find(|pid| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target.to_str() == Some(&link))
    })?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("`{}` (pid {pid})", name.trim()))
}

/// proc(5): field 2 is the local address as HEX:PORT, field 4 the state (0A = listening), field 10 the inode.
fn listening_inode(table: &str, port: u16) -> Option<String> {
    let suffix = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let local = fields.next()?;
        let state = fields.nth(1)?;
        let inode = fields.nth(5)?;
        (local.ends_with(&suffix) && state == "0A").then(|| inode.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_listening_socket_holds_a_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
            0: 0100007F:20FB 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 111 1 0\n\
            1: 0100007F:20FB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 222 1 0\n";
        assert_eq!(listening_inode(table, 8443), Some("222".to_owned()));
        assert_eq!(listening_inode(table, 8444), None);
    }
}
