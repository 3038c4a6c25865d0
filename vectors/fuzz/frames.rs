//! Control frames: everything is read, shown, and written back as it was.

use answertone_t30::frame::{
    BitField, FieldNotValid, Frame, Ident, InternetAddress, PartialPage, ResendMap, Vendor, is_last,
};

#[test]
fn octets() {
    target!(|input: &[u8]| {
        let frame = Frame::parse(input);
        let mut written = Vec::new();
        frame.write(&mut written);
        assert_eq!(written, input, "{frame}");
        assert!(frame.to_string().len() < 200 + input.len() * 8);
        is_last(input);
    });
}

#[test]
fn fields() {
    target!(|input: &[u8]| {
        let bits = BitField::read(input);
        assert!(bits.octets().len() <= 24);
        for text in [bits.as_capabilities().to_string(), bits.as_command().to_string()] {
            assert!(text.len() < 10_000);
        }
        bits.unmet_need();
        if let Some(page) = PartialPage::read(input) {
            assert!(page.frames <= 256, "{page}");
        }
        if let Some(map) = ResendMap::read(input) {
            assert!(map.asked(256).count() <= 256);
        }
        if let Some(address) = InternetAddress::read(input) {
            assert!(address.to_string().len() < 200 + input.len() * 8);
        }
        drop(Vendor::read(input));
        drop((Ident::read(input).to_string(), FieldNotValid(input).to_string()));
    });
}
