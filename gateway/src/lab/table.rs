//! Tables for the terminal, for files and for programs.

use serde_json::{Map, Value, json};

use super::beside::Ear;

/// What stands in a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Text(String),
    /// A number, with so many decimals.
    Number(f64, usize),
    /// A small number, written with an exponent.
    Rate(f64),
    /// A count.
    Count(usize),
    /// Whether it is as it should be.
    Good(bool),
    /// What was found where something else is wanted.
    Bad(String),
    /// So many of so many; good when all.
    Of(usize, usize),
    /// Not measured or not known.
    None,
}

impl Cell {
    /// The cell as it is meant of that receiver: only ours can fall short.
    pub fn of(self, ear: Ear<'_>) -> Self {
        match self {
            Self::Bad(text) if !ear.is_ours() => Self::Text(text),
            cell => cell,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Bad(text) => format!("{text} !"),
            Self::Number(number, decimals) => format!("{number:.decimals$}"),
            Self::Rate(0.0) => "0".into(),
            Self::Rate(rate) => format!("{rate:.1e}"),
            Self::Count(count) => count.to_string(),
            Self::Good(true) => "yes".into(),
            Self::Good(false) => "NO".into(),
            Self::Of(some, all) if some == all => format!("{all}"),
            Self::Of(some, all) => format!("{some}/{all}"),
            Self::None => "-".into(),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Text(text) | Self::Bad(text) => json!(text),
            Self::Number(number, decimals) => {
                let scale = 10f64.powi(*decimals as i32);
                json!((number * scale).round() / scale)
            }
            Self::Rate(rate) => json!(rate),
            Self::Count(count) => json!(count),
            Self::Good(good) => json!(good),
            Self::Of(some, all) => json!({"of": all, "good": some}),
            Self::None => Value::Null,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<usize> for Cell {
    fn from(count: usize) -> Self {
        Self::Count(count)
    }
}

impl From<bool> for Cell {
    fn from(good: bool) -> Self {
        Self::Good(good)
    }
}

/// A number with one decimal, or nothing.
pub fn tenths(number: Option<f64>) -> Cell {
    number.map_or(Cell::None, |number| Cell::Number(number, 1))
}

/// Rows under a header.
#[derive(Clone, Debug)]
pub struct Table {
    /// File name without extension, and key in JSON.
    pub name: &'static str,
    /// What it shows and under which conditions, for people.
    pub title: String,
    header: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table without rows.
    pub fn new(name: &'static str, title: impl Into<String>, header: &[&str]) -> Self {
        let header = header.iter().map(|word| (*word).to_owned()).collect();
        Self { name, title: title.into(), header, rows: vec![] }
    }

    /// Adds a row with a cell under every word of the header.
    pub fn row(&mut self, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.header.len(), "a cell for each column of {}", self.name);
        self.rows.push(cells);
    }

    /// Whether any cell says that something is not as it should be.
    pub fn falls_short(&self) -> bool {
        self.rows.iter().flatten().any(|cell| matches!(cell, Cell::Good(false) | Cell::Bad(_)))
    }

    /// Aligned columns for a terminal.
    pub fn text(&self) -> String {
        let mut lines = vec![self.header.clone()];
        lines.extend(self.rows.iter().map(|row| row.iter().map(Cell::text).collect()));
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let mut text = format!("{}\n", self.title);
        for line in &lines {
            let padded = line.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("{cell:width$}"),
                _ => format!("{cell:>width$}"),
            });
            text += "  ";
            text += padded.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        text
    }

    /// Comma separated values with a header.
    pub fn csv(&self) -> String {
        let quoted =
            |cell: String| if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell };
        let mut csv = self.header.join(",") + "\n";
        for row in &self.rows {
            csv += &row.iter().map(|cell| quoted(cell.text())).collect::<Vec<_>>().join(",");
            csv.push('\n');
        }
        csv
    }

    /// An array of objects.
    pub fn json(&self) -> Value {
        let object = |row: &Vec<Cell>| {
            let pairs = self.header.iter().zip(row).map(|(key, cell)| (key.clone(), cell.value()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        Value::Array(self.rows.iter().map(object).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_table_has_three_faces() {
        let mut table = Table::new("t", "A table", &["mode", "snr", "good"]);
        table.row(vec!["v17, fast".into(), Cell::Number(21.44, 1), false.into()]);
        table.row(vec!["v21".into(), tenths(None), true.into()]);
        assert_eq!(
            table.text(),
            "A table\n  mode        snr  good\n  v17, fast  21.4    NO\n  v21           -   yes\n"
        );
        assert_eq!(table.csv(), "mode,snr,good\n\"v17, fast\",21.4,NO\nv21,-,yes\n");
        assert_eq!(table.json()[0], json!({"mode": "v17, fast", "snr": 21.4, "good": false}));
        assert!(table.falls_short());
    }
}
