//! Charts: curves and dots over two axes, several on a sheet.

use super::{
    FAINT, GRID, GROUND, INK, PlotError,
    canvas::{Canvas, Color},
};

/// Colours of curves, in the order they are given out.
const COLORS: [Color; 6] = [
    Color(96, 160, 250),
    Color(247, 187, 84),
    Color(94, 214, 190),
    Color(240, 110, 120),
    Color(197, 134, 246),
    Color(170, 190, 120),
];

const PANEL_WIDTH: i32 = 860;
const PANEL_HEIGHT: i32 = 600;
const HEAD: i32 = 110;
/// Room of a panel for the names and numbers of its axes.
const LEFT: i32 = 110;
const RIGHT: i32 = 30;
const TOP: i32 = 50;
const BOTTOM: i32 = 90;

/// One axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// What it shows and in which unit.
    pub name: String,
    /// The value at its beginning.
    pub low: f64,
    /// The value at its end.
    pub high: f64,
    /// Distance of numbers on it; on a logarithmic axis every decade has one.
    pub step: f64,
    /// Whether equal distances are equal ratios.
    pub logarithmic: bool,
}

impl Axis {
    /// An axis of equal steps.
    pub fn linear(name: &str, low: f64, high: f64, step: f64) -> Self {
        Self { name: name.into(), low, high, step, logarithmic: false }
    }

    /// An axis of decades.
    pub fn decades(name: &str, low: f64, high: f64) -> Self {
        Self { name: name.into(), low, high, step: 1.0, logarithmic: true }
    }

    /// Place of a value, 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        let (low, high, value) = match self.logarithmic {
            true => (self.low.log10(), self.high.log10(), value.max(1e-300).log10()),
            false => (self.low, self.high, value),
        };
        (value - low) / (high - low)
    }

    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        if self.logarithmic {
            let decades = self.low.log10().ceil() as i32..=self.high.log10().floor() as i32;
            return decades.map(|decade| (10f64.powi(decade), format!("1e{decade}"))).collect();
        }
        let decimals = usize::from(self.step < 1.0);
        let first = (self.low / self.step).ceil() as i64;
        let last = (self.high / self.step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * self.step).map(|value| (value, format!("{value:.decimals$}"))).collect()
    }
}

/// How points are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A line with a mark at every point.
    Marked,
    /// A line.
    Line,
    /// A faint line of dashes.
    Dashed,
    /// Many faint lines: each pair of points is one.
    Traces,
    /// Dots alone.
    Dots,
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct Series {
    /// Its name in the legend; empty: not named.
    pub name: String,
    /// Which of the colours.
    pub color: usize,
    /// How it is drawn.
    pub style: Style,
    /// Across and up.
    pub points: Vec<(f64, f64)>,
}

/// A chart.
#[derive(Clone, Debug)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// Across.
    pub x: Axis,
    /// Up.
    pub y: Axis,
    /// What is drawn.
    pub series: Vec<Series>,
}

/// Charts in rows of two under a title, as PNG.
pub fn sheet_png(title: &str, subtitle: &str, charts: &[Chart]) -> Result<Vec<u8>, PlotError> {
    let columns = if charts.len() == 1 { 1 } else { 2 };
    let rows = charts.len().div_ceil(columns) as i32;
    let (width, height) = (PANEL_WIDTH * columns as i32 + 20, HEAD + PANEL_HEIGHT * rows);
    let mut canvas = Canvas::new(width as u32, height as u32, GROUND);
    canvas.text(30, 20, 34.0, INK, title);
    canvas.text(30, 68, 20.0, FAINT, subtitle);
    for (place, chart) in charts.iter().enumerate() {
        let (column, row) = ((place % columns) as i32, (place / columns) as i32);
        Panel { canvas: &mut canvas, left: column * PANEL_WIDTH, top: HEAD + row * PANEL_HEIGHT, chart }.draw();
    }
    Ok(canvas.png()?)
}

/// A chart at its place on a sheet.
struct Panel<'sheet> {
    canvas: &'sheet mut Canvas,
    left: i32,
    top: i32,
    chart: &'sheet Chart,
}

impl Panel<'_> {
    fn width(&self) -> f64 {
        f64::from(PANEL_WIDTH - LEFT - RIGHT)
    }

    fn height(&self) -> f64 {
        f64::from(PANEL_HEIGHT - TOP - BOTTOM)
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = f64::from(self.left + LEFT) + self.chart.x.place(x) * self.width();
        let down = f64::from(self.top + TOP) + (1.0 - self.chart.y.place(y)) * self.height();
        (across, down)
    }

    fn draw(mut self) {
        self.frame();
        for series in &self.chart.series {
            self.series(series);
        }
        self.legend();
    }

    fn frame(&mut self) {
        let (left, top) = (self.left + LEFT, self.top + TOP);
        let (width, height) = (self.width() as i32, self.height() as i32);
        self.canvas.text(left, self.top + 12, 22.0, INK, &self.chart.title);
        for (value, number) in self.chart.x.ticks() {
            let x = left + (self.chart.x.place(value) * self.width()) as i32;
            self.canvas.fill(x, top, 1, height, GRID);
            self.canvas.centered(x, top + height + 8, 17.0, FAINT, &number);
        }
        for (value, number) in self.chart.y.ticks() {
            let y = top + ((1.0 - self.chart.y.place(value)) * self.height()) as i32;
            self.canvas.fill(left, y, width, 1, GRID);
            let wide = self.canvas.width_of(17.0, &number);
            self.canvas.text(left - 12 - wide, y - 11, 17.0, FAINT, &number);
        }
        self.canvas.centered(left + width / 2, top + height + 36, 18.0, FAINT, &self.chart.x.name);
        let name = self.chart.y.name.clone();
        let wide = self.canvas.width_of(18.0, &name);
        self.canvas.text(left + width - wide, self.top + 14, 18.0, FAINT, &name);
    }

    fn legend(&mut self) {
        let mut y = self.top + PANEL_HEIGHT - BOTTOM - 30;
        for series in self.chart.series.iter().rev().filter(|series| !series.name.is_empty()) {
            let x = self.left + LEFT + 14;
            self.canvas.fill(x, y + 9, 22, 4, shade(series));
            self.canvas.text(x + 32, y, 17.0, INK, &series.name);
            y -= 24;
        }
    }

    fn series(&mut self, series: &Series) {
        let color = shade(series);
        match series.style {
            Style::Dots => series.points.iter().for_each(|point| self.disc(*point, 1.3, color, 150)),
            Style::Traces => series.points.chunks_exact(2).for_each(|pair| self.line(pair[0], pair[1], color, 0.0, 60)),
            Style::Dashed => series.points.windows(2).for_each(|pair| self.line(pair[0], pair[1], color, 9.0, 200)),
            Style::Line | Style::Marked => {
                series.points.windows(2).for_each(|pair| self.line(pair[0], pair[1], color, 0.0, 255))
            }
        }
        if series.style == Style::Marked {
            series.points.iter().for_each(|point| self.disc(*point, 4.0, color, 255));
        }
    }

    fn is_inside(&self, (x, y): (f64, f64)) -> bool {
        let (left, top) = (f64::from(self.left + LEFT), f64::from(self.top + TOP));
        (left..=left + self.width()).contains(&x) && (top..=top + self.height()).contains(&y)
    }

    /// A line two pels wide, cut at the frame; with gaps as long as its dashes unless these are of no length.
    fn line(&mut self, from: (f64, f64), to: (f64, f64), color: Color, dash: f64, cover: u8) {
        let (from, to) = (self.at(from), self.at(to));
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        if !length.is_finite() {
            return;
        }
        let steps = (length.min(20_000.0) * 1.5).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let share = step as f64 / steps as f64;
            let pel = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            let in_gap = dash > 0.0 && (pel.0 + pel.1) / dash % 2.0 >= 1.0;
            if !in_gap && self.is_inside(pel) {
                self.canvas.blend(pel.0 as i32, pel.1 as i32, color, cover);
                self.canvas.blend(pel.0 as i32, pel.1 as i32 + 1, color, cover / 2);
            }
        }
    }

    fn disc(&mut self, point: (f64, f64), radius: f64, color: Color, cover: u8) {
        let middle = self.at(point);
        if !self.is_inside(middle) {
            return;
        }
        let reach = radius.ceil() as i32 + 1;
        for down in -reach..=reach {
            for across in -reach..=reach {
                let (x, y) = (middle.0 as i32 + across, middle.1 as i32 + down);
                let away = (f64::from(x) + 0.5 - middle.0).hypot(f64::from(y) + 0.5 - middle.1);
                let share = (radius + 0.5 - away).clamp(0.0, 1.0);
                self.canvas.blend(x, y, color, (f64::from(cover) * share) as u8);
            }
        }
    }
}

fn shade(series: &Series) -> Color {
    COLORS[series.color % COLORS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_at_their_places() {
        let decades = Axis::decades("errors", 1e-6, 1.0);
        assert!((decades.place(1e-3) - 0.5).abs() < 1e-12);
        assert_eq!(decades.ticks().len(), 7);
        let linear = Axis::linear("decibels", 5.0, 9.0, 2.0);
        assert_eq!(linear.ticks().iter().map(|tick| tick.1.as_str()).collect::<Vec<_>>(), ["6", "8"]);
    }

    #[test]
    fn a_curve_leaves_its_colour_on_its_way_and_nothing_outside_the_frame() {
        let points = vec![(0.0, 5.0), (10.0, 5.0), (10.0, 1e12)];
        let series = Series { name: String::new(), color: 0, style: Style::Line, points };
        let axis = || Axis::linear("", 0.0, 10.0, 1.0);
        let chart = Chart { title: String::new(), x: axis(), y: axis(), series: vec![series] };
        let picture = image::load_from_memory(&sheet_png("", "", &[chart]).unwrap()).unwrap().to_rgb8();
        let Color(red, green, blue) = COLORS[0];
        let middle = (HEAD + TOP + (PANEL_HEIGHT - TOP - BOTTOM) / 2) as u32;
        assert_eq!(picture.get_pixel(500, middle).0, [red, green, blue]);
        let above = picture.rows().take((HEAD + TOP) as usize).flatten();
        assert!(above.into_iter().all(|pel| pel.0 != [red, green, blue]));
    }
}
