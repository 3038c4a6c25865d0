//! Colour through the whole gateway: mail in, a call between its own off-ramp and on-ramp, mail out.

#[allow(dead_code, reason = "other tests use the rest")]
mod daemon;
#[allow(dead_code, reason = "other tests use the rest")]
mod mail;

use std::io::Cursor;

use answertone_gateway::{
    ifax::pdf_of,
    render::{RenderOptions, document},
};
use answertone_t30::image::{
    Bitmap, Colour, Page, PaperWidth, Picture, Raster, ReceivedPicture, Resolution, tiff::TiffDocument,
};
use daemon::{Gateway, Sink, wait_for};
use mail::{attachment, submit};
use mail_parser::{MessageParser, MimeHeaders};

const NUMBER: &str = "FAX=+15550100@fax.example";

/// Red on the left, blue on the right, within the colours that T.42 can say.
const RED: [u8; 3] = [210, 40, 40];
const BLUE: [u8; 3] = [40, 90, 170];

/// A picture in the shape of a page.
fn png() -> Vec<u8> {
    let mut png = Cursor::new(vec![]);
    let picture = image::RgbImage::from_fn(216, 280, |x, _| image::Rgb(if x < 108 { RED } else { BLUE }));
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

/// The same in a PDF.
fn pdf() -> Vec<u8> {
    let pels = (0..1728 * 2200).flat_map(|at| if at % 1728 < 864 { RED } else { BLUE }).collect();
    let sent =
        Picture::new(Raster::Colour(Colour::new(1728, pels)), Some((200.0, 200.0)), Resolution::Fine, PaperWidth::A4);
    let picture = ReceivedPicture::read(sent.jpeg(Resolution::Fine, PaperWidth::A4, true).to_vec());
    let page = Page { bitmap: Bitmap::white(1728, 2200), resolution: Resolution::Fine };
    pdf_of([(&page, picture.as_ref())].into_iter())
}

fn assert_colours(what: &str, raster: &Raster) {
    let Raster::Colour(colour) = raster else { panic!("{what}: no colours") };
    let row = colour.row(colour.height() / 2);
    for (at, should) in [(row.len() / 4, RED), (row.len() * 3 / 4, BLUE)] {
        let near = row[at].iter().zip(should).all(|(is, should)| is.abs_diff(should) < 30);
        assert!(near, "{what}: {:?} in place of {should:?}", row[at]);
    }
}

#[test]
fn colours_go_in_by_mail_and_come_out_by_mail() {
    let (sink, folder) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(folder.path(), sink.port, |text| {
        text.replace("[offramp]\n", "[offramp]\ncolour = true\n").replace("[onramp]\n", "[onramp]\ncolour = true\n")
    });
    for (index, (name, kind, octets)) in
        [("a.png", "image/png", png()), ("a.pdf", "application/pdf", pdf())].iter().enumerate()
    {
        submit(gateway.port, "me@office.example", NUMBER, "", &attachment(name, kind, name, octets)).unwrap();
        wait_for(name, || sink.count() == index + 1);
        let fax = sink.last();
        let fax = MessageParser::default().parse(fax.as_bytes()).unwrap();
        let tiff = fax.attachments().find(|part| part.is_content_type("image", "tiff")).expect("a TIFF");
        assert_eq!(tiff.content_type().unwrap().attribute("application"), Some("faxcolor"));
        let page = TiffDocument::open(tiff.contents()).and_then(|document| document.page(0)).unwrap();
        assert_colours(name, &page.raster);
        let pdf = fax.attachments().find(|part| part.is_content_type("application", "pdf")).expect("a PDF");
        let wanted = RenderOptions { pictures: true, ..RenderOptions::default() };
        let drawn = document(pdf.contents(), "application/pdf", "pdf", &wanted).unwrap().remove(0);
        assert_colours(name, &drawn.coloured.expect("colours in the PDF").raster);
    }
}

#[test]
fn who_wants_no_colours_gets_pages_in_black_and_white() {
    let (sink, folder) = (Sink::new(), tempfile::tempdir().unwrap());
    let gateway = Gateway::start_changed(folder.path(), sink.port, |text| {
        text.replace("[offramp]\n", "[offramp]\ncolour = true\n")
    });
    submit(gateway.port, "me@office.example", NUMBER, "", &attachment("b.png", "image/png", "b.png", &png())).unwrap();
    wait_for("the fax", || sink.count() == 1);
    let fax = sink.last();
    let fax = MessageParser::default().parse(fax.as_bytes()).unwrap();
    let tiff = fax.attachments().find(|part| part.is_content_type("image", "tiff")).expect("a TIFF");
    assert_eq!(tiff.content_type().unwrap().attribute("application"), Some("faxbw"));
    let page = TiffDocument::open(tiff.contents()).and_then(|document| document.page(0)).unwrap();
    assert!(matches!(page.raster, Raster::Bilevel(_)));
}
