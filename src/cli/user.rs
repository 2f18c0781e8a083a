//! The user of the process, if the environment does not name it.

#[cfg(unix)]
use std::fs;

/// Returns the name of the user: from the system's list of users, or else the number.
#[cfg(unix)]
pub(super) fn name() -> String {
    use std::os::unix::fs::MetadataExt;

    // The kernel gives a process's folder to the user that it runs as.
    let Ok(process) = fs::metadata("/proc/self") else { return "unknown".to_owned() };
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_of(process.uid(), &users).map_or_else(|| format!("uid {}", process.uid()), str::to_owned)
}

/// Returns "unknown": the system has no number of the user.
#[cfg(not(unix))]
pub(super) fn name() -> String {
    "unknown".to_owned()
}

/// Returns the name of a user in a text of `name:password:uid:…` lines: passwd(5).
#[cfg(unix)]
fn name_of(uid: u32, users: &str) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _, number) = (fields.next()?, fields.next()?, fields.next()?);
        (number.parse() == Ok(uid) && !name.is_empty()).then_some(name)
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_user_name_of_an_id_is_found() {
        let users = "root:x:0:0:root:/root:/bin/sh\n# comment\nci:x:1000:1000::/home/ci:/bin/sh\n";
        assert_eq!(name_of(1000, users), Some("ci"));
        assert_eq!(name_of(0, users), Some("root"));
        assert_eq!(name_of(7, users), None);
    }
}
