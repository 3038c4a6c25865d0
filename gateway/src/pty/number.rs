//! Names and numbers of the first modem and those after it.

use std::path::{Path, PathBuf};

/// The link of a modem of `count`, counted from 0: `%d` is its place; without `%d` it is put behind, if there are many.
pub fn nth_path(path: &Path, place: usize, count: usize) -> PathBuf {
    let text = path.to_string_lossy();
    match (text.contains("%d"), count) {
        (true, _) => text.replace("%d", &place.to_string()).into(),
        (false, 1) => path.to_owned(),
        (false, _) => format!("{text}{place}").into(),
    }
}

/// The line of a modem, counted from 0: `%d` is its place, `%n` in a number is its place added to the number before it.
pub fn nth_line(line: &str, place: usize) -> String {
    let line = line.replace("%d", &place.to_string());
    let Some((before, after)) = line.split_once("%n") else { return line };
    let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (before, number) = before.split_at(before.len() - digits);
    let next = number.parse::<u64>().unwrap_or(0) + place as u64;
    format!("{before}{next:0digits$}{after}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_go_up() {
        assert_eq!(nth_path(Path::new("/dev/fax"), 0, 1), Path::new("/dev/fax"));
        assert_eq!(nth_path(Path::new("/dev/fax"), 3, 4), Path::new("/dev/fax3"));
        assert_eq!(nth_path(Path::new("/dev/%d/fax"), 3, 4), Path::new("/dev/3/fax"));
        assert_eq!(nth_line("exchange:/run/x?number=0098%n&dial=1", 3), "exchange:/run/x?number=0101&dial=1");
        assert_eq!(nth_line("alsa:hw:%d", 2), "alsa:hw:2");
    }
}
