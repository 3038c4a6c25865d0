//! Groups by name, as /etc/group lists them.

use std::fs;

/// The number of a group that is named, or is a number.
pub(super) fn number(name: &str) -> Option<u32> {
    name.parse().ok().or_else(|| find(&fs::read_to_string("/etc/group").ok()?, name))
}

fn find(table: &str, name: &str) -> Option<u32> {
    let rows = table.lines().map(|row| row.split(':').collect::<Vec<_>>());
    rows.filter(|row| row.first() == Some(&name)).find_map(|row| row.get(2)?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_by_name_and_number() {
        let table = "root:x:0:\nuucp:x:10:fax\nbad\n";
        assert_eq!(find(table, "uucp"), Some(10));
        assert_eq!(find(table, "nobody"), None);
        assert_eq!(number("42"), Some(42));
    }
}
