//! Compares a state with a copy of an earlier one.

use std::io::{self, BufRead, BufReader, Read};

use serde_json::{Map, Value};

/// Returns the first line, from 1, in which `state` differs from `copy`. Serials and checksums
/// always differ, and are ignored.
pub(super) fn first(state: impl Read, copy: impl Read) -> io::Result<Option<usize>> {
    let mut ours = BufReader::new(state).split(b'\n');
    let mut theirs = BufReader::new(copy).split(b'\n');
    for line in 1.. {
        let (ours, theirs) = (ours.next().transpose()?, theirs.next().transpose()?);
        let same = match (&ours, &theirs) {
            (None, None) => return Ok(None),
            (Some(ours), Some(theirs)) if line == 1 => same_head(ours, theirs),
            (Some(ours), Some(theirs)) => room(ours) == room(theirs),
            (Some(_), None) | (None, Some(_)) => false,
        };
        if !same {
            return Ok(Some(line));
        }
    }
    Ok(None)
}

/// Returns a line without its trailing comma, which depends on the next line. The end of the
/// document becomes an empty line.
fn room(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b",").unwrap_or(line);
    if line.starts_with(b"}") { b"" } else { line }
}

fn same_head(ours: &[u8], theirs: &[u8]) -> bool {
    match (head(ours), head(theirs)) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (None, _) | (_, None) => ours == theirs,
    }
}

fn head(line: &[u8]) -> Option<Map<String, Value>> {
    let mut head: Map<String, Value> = serde_json::from_slice(&[line, b"}}"].concat()).ok()?;
    for changing in ["version", "serial", "folded"] {
        head.remove(changing);
    }
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPY: &str = "{\"version\":2,\"serial\":6,\"rooms\":{\n\"chat/a\":1,\n\"chat/b\":2\n},\"checksum\":\"x\"}\n";

    #[test]
    fn serials_checksums_and_commas_are_ignored() {
        for (state, line) in [
            (COPY.replace('6', "7").replace("\"x\"", "\"y\""), None),
            (COPY.replace("\"chat/a\":1", "\"chat/a\":3"), Some(2)),
            (COPY.replace("\"chat/a\":1,\n", ""), Some(2)),
            (COPY.replace("2\n", "2,\n\"chat/c\":3\n"), Some(4)),
            (COPY.replace("\"serial\"", "\"plans\":[],\"serial\""), Some(1)),
            (COPY.replace('\n', " "), Some(1)),
        ] {
            assert_eq!(first(state.as_bytes(), COPY.as_bytes()).expect("read"), line, "{state}");
        }
    }
}
