//! A whole call in one picture: who sent what when, above the spectrum of each channel.

use super::{
    FAINT, GRID, GROUND, INK, PlotError,
    canvas::{Canvas, Color},
    heat,
    surface::{Surface, SvgSurface},
};

/// What a signal is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Tones and digits.
    Tone,
    /// V.21.
    Frames,
    /// A training check.
    Check,
    /// Image data.
    Page,
    /// What was not understood.
    Other,
}

/// A signal of one side.
#[derive(Clone, Debug)]
pub struct Signal {
    /// Its lane, from above.
    pub lane: usize,
    /// Its beginning and end in seconds.
    pub from: f32,
    /// See `from`.
    pub to: f32,
    /// How it is drawn.
    pub mark: Mark,
    /// Its name, if that is to be written.
    pub name: String,
}

/// A spectrum over time: level from 0 to 1 at a part of the time and a part of 4 kHz.
pub type Levels<'call> = dyn Fn(f32, f32) -> f32 + 'call;

const WIDTH: i32 = 1800;
const LEFT: i32 = 130;
const RIGHT: i32 = 30;
const TOP: i32 = 70;
const LANE: i32 = 34;
const LANE_GAP: i32 = 30;
const PANEL: i32 = 230;
const PANEL_GAP: i32 = 16;
const BOTTOM: i32 = 46;

/// What is drawn.
pub struct Scene<'call> {
    /// Above all.
    pub title: &'call str,
    /// Length of the call.
    pub seconds: f32,
    /// Names of the sides.
    pub lanes: &'call [&'call str],
    /// Their signals.
    pub signals: &'call [Signal],
    /// Names and spectra of the channels.
    pub panels: &'call [(&'call str, &'call Levels<'call>)],
}

impl Scene<'_> {
    /// As PNG.
    ///
    /// # Errors
    /// When PNG cannot be written.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        Ok(self.on(Canvas::new(WIDTH as u32, self.height() as u32, GROUND))?.png()?)
    }

    /// As SVG: boxes and words as such, spectra as pictures in it.
    ///
    /// # Errors
    /// When the spectra cannot be written.
    pub fn svg(&self) -> Result<String, PlotError> {
        Ok(self.on(SvgSurface::new(WIDTH, self.height(), GROUND, self.title))?.finish())
    }

    fn lanes_height(&self) -> i32 {
        self.lanes.len() as i32 * (LANE + LANE_GAP) + LANE_GAP
    }

    fn height(&self) -> i32 {
        TOP + self.lanes_height() + self.panels.len() as i32 * (PANEL + PANEL_GAP) + BOTTOM
    }

    fn on<S: Surface>(&self, canvas: S) -> Result<S, PlotError> {
        let mut overview = Overview { canvas, seconds: self.seconds.max(0.1) };
        overview.canvas.text(LEFT, 18, 26.0, INK, self.title);
        overview.grid(self.height() - BOTTOM);
        for (place, name) in self.lanes.iter().enumerate() {
            let top = TOP + LANE_GAP + place as i32 * (LANE + LANE_GAP);
            overview.lane(name, top, self.signals.iter().filter(|signal| signal.lane == place));
        }
        for (place, (name, levels)) in self.panels.iter().enumerate() {
            overview.panel(name, levels, TOP + self.lanes_height() + place as i32 * (PANEL + PANEL_GAP))?;
        }
        Ok(overview.canvas)
    }
}

struct Overview<S> {
    canvas: S,
    seconds: f32,
}

impl<S: Surface> Overview<S> {
    fn x(&self, second: f32) -> i32 {
        LEFT + (second / self.seconds * (WIDTH - LEFT - RIGHT) as f32) as i32
    }

    /// Lines of time and their numbers.
    fn grid(&mut self, bottom: i32) {
        const STEPS: [f32; 12] = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];
        let step = STEPS.into_iter().find(|step| self.seconds / step <= 16.0).unwrap_or(600.0);
        let ticks = (self.seconds / step) as i32;
        for tick in 0..=ticks {
            let second = tick as f32 * step;
            let x = self.x(second);
            self.canvas.fill(x, TOP, 1, bottom - TOP, GRID);
            let decimals = usize::from(step < 1.0);
            self.canvas.centered(x, bottom + 8, 16.0, FAINT, &format!("{second:.decimals$} s"));
        }
    }

    /// Signals as boxes, with their names above where there is room.
    fn lane<'call>(&mut self, name: &str, top: i32, signals: impl Iterator<Item = &'call Signal>) {
        self.canvas.text(12, top + 6, 17.0, INK, name);
        self.canvas.fill(LEFT, top + LANE / 2, WIDTH - LEFT - RIGHT, 1, GRID);
        let mut written = 0;
        for signal in signals {
            let (from, to) = (self.x(signal.from), self.x(signal.to));
            self.canvas.fill(from, top, (to - from).max(2), LANE, color(signal.mark));
            let wide = self.canvas.width_of(14.0, &signal.name);
            let left = ((from + to - wide) / 2).max(LEFT);
            if !signal.name.is_empty() && left > written {
                self.canvas.text(left, top - 22, 14.0, color(signal.mark), &signal.name);
                written = left + wide + 8;
            }
        }
    }

    fn panel(&mut self, name: &str, levels: &Levels<'_>, top: i32) -> Result<(), PlotError> {
        let width = WIDTH - LEFT - RIGHT;
        let color = |x: i32, y: i32| heat(levels(x as f32 / width as f32, 1.0 - (y + 1) as f32 / PANEL as f32));
        self.canvas.picture((LEFT, top), (width, PANEL), &color)?;
        self.canvas.text(12, top + 4, 15.0, INK, name);
        for kilohertz in 0..4 {
            let y = top + PANEL - PANEL * kilohertz / 4;
            self.canvas.fill(LEFT - 6, y - 1, 6, 1, FAINT);
            self.canvas.text(LEFT - 26, y - 16, 14.0, FAINT, &kilohertz.to_string());
        }
        Ok(())
    }
}

fn color(mark: Mark) -> Color {
    match mark {
        Mark::Tone => Color(94, 214, 190),
        Mark::Frames => Color(247, 187, 84),
        Mark::Check => Color(197, 134, 246),
        Mark::Page => Color(96, 160, 250),
        Mark::Other => Color(110, 116, 130),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_scene_is_a_picture_and_a_drawing() {
        let signal = Signal { lane: 0, from: 1.0, to: 2.0, mark: Mark::Page, name: "page <1>".into() };
        let levels = |_: f32, _: f32| 0.5;
        let panels: [(&str, &Levels<'_>); 1] = [("line", &levels)];
        let scene = Scene { title: "a call", seconds: 4.0, lanes: &["caller"], signals: &[signal], panels: &panels };
        assert!(scene.png().unwrap().starts_with(b"\x89PNG"));
        let svg = scene.svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
        assert!(svg.contains("page &lt;1&gt;") && svg.contains("data:image/png;base64,"));
    }
}
