//! Charts as SVG: the same curves and dots as on a sheet, as text.

use std::fmt::Write;

use super::chart::{Axis, Chart, Series, Style};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 50.0;

/// Colours of curves, in the order they are given out; they stand on light ground and on dark.
const COLORS: [&str; 6] = ["#3b82f6", "#d97706", "#0d9488", "#e11d48", "#9333ea", "#65a30d"];

/// A chart as a picture of its own.
pub fn chart_svg(chart: &Chart) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"12\"><title>{}</title>\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fdfdfd\"/>",
        escaped(&chart.title)
    );
    frame(&mut svg, chart);
    chart.series.iter().for_each(|series| draw(&mut svg, chart, series));
    legend(&mut svg, chart);
    svg.push_str("</svg>");
    svg
}

/// Text that stands in XML as it is read.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn across(axis: &Axis, value: f64) -> f64 {
    LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)
}

fn down(axis: &Axis, value: f64) -> f64 {
    TOP + (1.0 - axis.place(value)) * (HEIGHT - TOP - BOTTOM)
}

/// Writing to a String cannot fail.
fn put(svg: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = svg.write_fmt(arguments);
}

fn frame(svg: &mut String, chart: &Chart) {
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    put(svg, format_args!("<text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>", escaped(&chart.title)));
    for (value, number) in chart.x.ticks() {
        let x = across(&chart.x, value);
        put(svg, format_args!("<path d=\"M{x:.1} {TOP}V{bottom}\" stroke=\"#ddd\"/>"));
        put(svg, format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{number}</text>", bottom + 16.0));
    }
    for (value, number) in chart.y.ticks() {
        let y = down(&chart.y, value);
        put(svg, format_args!("<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/>"));
        put(svg, format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{number}</text>", LEFT - 6.0, y + 4.0));
    }
    let middle = (LEFT + right) / 2.0;
    let below = HEIGHT - 14.0;
    put(
        svg,
        format_args!("<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", escaped(&chart.x.name)),
    );
    put(svg, format_args!("<text x=\"{right}\" y=\"20\" text-anchor=\"end\">{}</text>", escaped(&chart.y.name)));
}

fn draw(svg: &mut String, chart: &Chart, series: &Series) {
    let color = COLORS[series.color % COLORS.len()];
    let inside = |(x, y): &&(f64, f64)| {
        let place = (chart.x.place(*x), chart.y.place(*y));
        (-0.001..=1.001).contains(&place.0) && (-0.001..=1.001).contains(&place.1)
    };
    let points = series.points.iter().filter(inside).map(|(x, y)| (across(&chart.x, *x), down(&chart.y, *y)));
    match series.style {
        Style::Dots => {
            put(svg, format_args!("<g fill=\"{color}\" fill-opacity=\"0.6\">"));
            points.for_each(|(x, y)| put(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"1.5\"/>")));
            svg.push_str("</g>");
        }
        Style::Traces => {
            let points: Vec<(f64, f64)> = points.collect();
            put(svg, format_args!("<path fill=\"none\" stroke=\"{color}\" stroke-opacity=\"0.25\" d=\""));
            points.chunks_exact(2).for_each(|pair| {
                put(svg, format_args!("M{:.1} {:.1}L{:.1} {:.1}", pair[0].0, pair[0].1, pair[1].0, pair[1].1));
            });
            svg.push_str("\"/>");
        }
        Style::Line | Style::Marked | Style::Dashed => {
            let dash = if series.style == Style::Dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            put(svg, format_args!("<polyline fill=\"none\" stroke=\"{color}\"{dash} points=\""));
            points.for_each(|(x, y)| put(svg, format_args!("{x:.1},{y:.1} ")));
            svg.push_str("\"/>");
        }
    }
}

fn legend(svg: &mut String, chart: &Chart) {
    let named = chart.series.iter().filter(|series| !series.name.is_empty());
    for (place, series) in named.enumerate() {
        let y = TOP + 16.0 + 16.0 * place as f64;
        let color = COLORS[series.color % COLORS.len()];
        put(
            svg,
            format_args!("<rect x=\"{}\" y=\"{}\" width=\"12\" height=\"4\" fill=\"{color}\"/>", LEFT + 8.0, y - 5.0),
        );
        put(svg, format_args!("<text x=\"{}\" y=\"{y}\">{}</text>", LEFT + 26.0, escaped(&series.name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_is_one_picture_whose_text_cannot_break_it() {
        let series = Series { name: "<b>".into(), color: 7, style: Style::Dots, points: vec![(1.0, 1.0), (99.0, 1.0)] };
        let axis = || Axis::linear("a & b", 0.0, 10.0, 5.0);
        let svg = chart_svg(&Chart { title: "\"quoted\"".into(), x: axis(), y: axis(), series: vec![series] });
        assert_eq!(svg.matches("<circle").count(), 1);
        assert!(svg.contains("&lt;b&gt;") && svg.contains("a &amp; b") && !svg.contains("<b>"));
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>"));
    }
}
