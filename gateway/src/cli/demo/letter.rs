//! The letter the demo faxes: two pages with text, lines, a table, greys and curves.

use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

/// A4 in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const MARGIN: f32 = 64.0;

const SANS: Name<'static> = Name(b"Sans");
const BOLD: Name<'static> = Name(b"Bold");
const SERIF: Name<'static> = Name(b"Serif");
const MONO: Name<'static> = Name(b"Mono");

/// The letter as PDF.
pub(super) fn pdf() -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    let fonts = [(SANS, "Helvetica"), (BOLD, "Helvetica-Bold"), (SERIF, "Times-Roman"), (MONO, "Courier")];
    let pages = [first_page(), second_page()];
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids((0..pages.len()).map(|i| Ref::new(10 + 2 * i as i32))).count(pages.len() as i32);
    for (index, (_, face)) in fonts.iter().enumerate() {
        pdf.type1_font(Ref::new(3 + index as i32)).base_font(Name(face.as_bytes()));
    }
    for (index, content) in pages.into_iter().enumerate() {
        let (page, stream) = (Ref::new(10 + 2 * index as i32), Ref::new(11 + 2 * index as i32));
        let mut entry = pdf.page(page);
        entry.parent(tree).media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT)).contents(stream);
        let mut resources = entry.resources();
        let mut dictionary = resources.fonts();
        for (font, (name, _)) in fonts.iter().enumerate() {
            dictionary.pair(*name, Ref::new(3 + font as i32));
        }
        dictionary.finish();
        resources.finish();
        entry.finish();
        pdf.stream(stream, &content.finish());
    }
    pdf.finish()
}

fn first_page() -> Content {
    let mut page = Content::new();
    logo(&mut page, MARGIN + 26.0, 762.0);
    write(&mut page, BOLD, 22.0, MARGIN + 66.0, 766.0, "Harbour & Lark");
    write(&mut page, SANS, 9.0, MARGIN + 66.0, 750.0, "Tide tables, charts and instruments since 1921");
    rule(&mut page, 732.0, 1.4);
    write(&mut page, SANS, 9.0, MARGIN, 714.0, "12 Quay Street, Port Example");
    write(&mut page, SANS, 9.0, 400.0, 714.0, "Fax +1 555 0100");
    write(&mut page, SERIF, 12.0, MARGIN, 668.0, "Dear Ms Ferreira,");
    let body = [
        "thank you for your order. The gauges you asked for left our workshop this morning and",
        "should reach the pier by Thursday. As the harbour office still files everything on paper,",
        "this confirmation comes to you by fax: it left here as an e-mail with a PDF, became two",
        "pages of dots, crossed the telephone network as tones, and was put together again at",
        "your end, dot for dot.",
        "",
        "Please compare the readings below with the old gauge during the first week. A difference",
        "of more than two centimetres at slack water means the float has to be set again; the",
        "procedure is on the second page.",
    ];
    for (index, line) in body.iter().enumerate() {
        write(&mut page, SERIF, 12.0, MARGIN, 640.0 - 16.0 * index as f32, line);
    }
    table(&mut page, 478.0);
    bars(&mut page, MARGIN, 196.0);
    write(&mut page, SERIF, 12.0, MARGIN, 148.0, "With kind regards,");
    signature(&mut page, MARGIN + 4.0, 106.0);
    write(&mut page, SERIF, 12.0, MARGIN, 84.0, "J. Lark");
    page
}

fn second_page() -> Content {
    let mut page = Content::new();
    write(&mut page, BOLD, 16.0, MARGIN, 770.0, "Setting the float");
    rule(&mut page, 758.0, 0.8);
    let steps = [
        "1.  Close the stilling well and wait until the needle rests.",
        "2.  Loosen the set screw by half a turn. Do not remove it.",
        "3.  Bring the needle to the staff reading, then tighten the screw.",
        "4.  Open the well. The needle must follow within ten seconds.",
    ];
    for (index, step) in steps.iter().enumerate() {
        write(&mut page, SANS, 11.0, MARGIN, 728.0 - 20.0 * index as f32, step);
    }
    dial(&mut page, 298.0, 470.0, 150.0);
    wedge(&mut page, MARGIN, 232.0);
    write(&mut page, MONO, 9.0, MARGIN, 206.0, "Grey steps from white to black, for the eye of the receiving machine");
    for (index, points) in [5.0, 6.0, 7.0, 8.0, 10.0].into_iter().enumerate() {
        let text = "The quick brown fox jumps over the lazy dog 0123456789";
        write(&mut page, SERIF, points, MARGIN, 168.0 - 16.0 * index as f32, text);
    }
    page
}

fn write(page: &mut Content, font: Name<'_>, points: f32, x: f32, y: f32, text: &str) {
    page.begin_text().set_font(font, points).next_line(x, y).show(Str(text.as_bytes())).end_text();
}

fn rule(page: &mut Content, y: f32, thick: f32) {
    page.set_line_width(thick).move_to(MARGIN, y).line_to(WIDTH - MARGIN, y).stroke();
}

/// A bird over waves.
fn logo(page: &mut Content, x: f32, y: f32) {
    circle(page, x, y, 25.0);
    page.set_line_width(1.6).stroke();
    for wave in 0..3 {
        let base = y - 5.0 - 5.0 * wave as f32;
        page.move_to(x - 17.0, base);
        for step in 0..4 {
            let from = x - 17.0 + 8.5 * step as f32;
            page.cubic_to(from + 2.8, base + 4.0, from + 5.6, base - 4.0, from + 8.5, base);
        }
        page.stroke();
    }
    page.move_to(x - 12.0, y + 10.0).cubic_to(x - 6.0, y + 18.0, x - 3.0, y + 14.0, x, y + 8.0);
    page.cubic_to(x + 3.0, y + 14.0, x + 6.0, y + 18.0, x + 12.0, y + 10.0).stroke();
}

fn circle(page: &mut Content, x: f32, y: f32, radius: f32) {
    // Four cubic arcs; the constant puts the curve on the circle at 45 degrees.
    let k = 0.5523 * radius;
    page.move_to(x + radius, y)
        .cubic_to(x + radius, y + k, x + k, y + radius, x, y + radius)
        .cubic_to(x - k, y + radius, x - radius, y + k, x - radius, y)
        .cubic_to(x - radius, y - k, x - k, y - radius, x, y - radius)
        .cubic_to(x + k, y - radius, x + radius, y - k, x + radius, y)
        .close_path();
}

fn table(page: &mut Content, top: f32) {
    let rows = [
        ["Gauge", "Serial", "Range", "Checked"],
        ["North pier", "HL-20417", "0 - 6.5 m", "3 Nov"],
        ["Lock, outer gate", "HL-20418", "0 - 9.0 m", "3 Nov"],
        ["Lock, inner gate", "HL-20419", "0 - 4.0 m", "5 Nov"],
    ];
    page.set_fill_gray(0.85).rect(MARGIN, top - 20.0, WIDTH - 2.0 * MARGIN, 20.0).fill_nonzero().set_fill_gray(0.0);
    for (index, row) in rows.iter().enumerate() {
        let y = top - 14.0 - 20.0 * index as f32;
        for (column, cell) in row.iter().enumerate() {
            write(page, if index == 0 { BOLD } else { SANS }, 10.0, MARGIN + 8.0 + 118.0 * column as f32, y, cell);
        }
    }
    page.set_line_width(0.6);
    for index in 0..=rows.len() {
        let y = top - 20.0 * index as f32;
        page.move_to(MARGIN, y).line_to(WIDTH - MARGIN, y).stroke();
    }
}

/// Heights of tide as grey bars.
fn bars(page: &mut Content, x: f32, y: f32) {
    write(page, BOLD, 10.0, x, y + 176.0, "Predicted high water, metres");
    let heights = [4.1, 4.5, 5.0, 5.4, 5.7, 5.8, 5.6, 5.2, 4.7, 4.2, 3.8, 3.7, 3.9, 4.3];
    for (index, height) in heights.into_iter().enumerate() {
        let left = x + 8.0 + 32.0 * index as f32;
        page.set_fill_gray(0.25 + 0.04 * index as f32)
            .rect(left, y, 22.0, height * 26.0)
            .fill_nonzero()
            .set_fill_gray(0.0);
        write(page, SANS, 8.0, left + 4.0, y + height * 26.0 + 4.0, &format!("{height:.1}"));
        write(page, SANS, 8.0, left + 7.0, y - 12.0, &(index + 9).to_string());
    }
    page.set_line_width(0.8).move_to(x, y).line_to(WIDTH - MARGIN, y).stroke();
}

fn signature(page: &mut Content, x: f32, y: f32) {
    page.set_line_width(1.2).move_to(x, y + 14.0);
    page.cubic_to(x + 8.0, y + 42.0, x + 14.0, y - 22.0, x - 4.0, y + 2.0);
    page.cubic_to(x + 14.0, y + 20.0, x + 20.0, y + 4.0, x + 26.0, y + 8.0);
    page.cubic_to(x + 34.0, y + 34.0, x + 30.0, y - 10.0, x + 44.0, y + 6.0);
    page.cubic_to(x + 54.0, y + 14.0, x + 60.0, y - 2.0, x + 92.0, y + 10.0).stroke();
}

/// The gauge's face.
fn dial(page: &mut Content, x: f32, y: f32, radius: f32) {
    circle(page, x, y, radius);
    page.set_line_width(2.0).stroke();
    circle(page, x, y, radius * 0.93);
    page.set_line_width(0.5).stroke();
    for tick in 0..=60 {
        let angle = (-225.0 + 4.5 * tick as f32).to_radians();
        let (along, across) = (angle.cos(), -angle.sin());
        let long = tick % 10 == 0;
        let inner = radius * if long { 0.78 } else { 0.86 };
        page.set_line_width(if long { 1.4 } else { 0.5 });
        page.move_to(x + along * inner, y + across * inner)
            .line_to(x + along * radius * 0.93, y + across * radius * 0.93)
            .stroke();
        if long {
            write(
                page,
                BOLD,
                12.0,
                x + along * radius * 0.66 - 4.0,
                y + across * radius * 0.66 - 4.0,
                &(tick / 10).to_string(),
            );
        }
    }
    page.set_line_width(2.4).move_to(x, y).line_to(x + radius * 0.52, y + radius * 0.5).stroke();
    circle(page, x, y, 7.0);
    page.fill_nonzero();
    write(page, SANS, 10.0, x - 22.0, y - radius * 0.45, "metres");
}

fn wedge(page: &mut Content, x: f32, y: f32) {
    for step in 0..16 {
        let grey = 1.0 - step as f32 / 15.0;
        page.set_fill_gray(grey).rect(x + 29.0 * step as f32, y, 29.0, 34.0).fill_nonzero();
    }
    page.set_fill_gray(0.0).set_line_width(0.6).rect(x, y, 29.0 * 16.0, 34.0).stroke();
}
