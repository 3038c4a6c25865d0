use super::*;
use crate::image::{DecodeLimits, RowEncoding, encode};

const COLUMNS: u32 = 1728;

/// Rows of bars that differ from row to row.
fn bars() -> Bitmap {
    let mut page = Bitmap::white(COLUMNS, 120);
    for row in 0..page.height() {
        for bar in 0..40 {
            let begin = bar * 43 + (row * 7 + bar * row) % 20;
            (begin..begin + 5 + bar % 9).for_each(|x| page.set(x, row, true));
        }
    }
    page
}

fn incoming() -> Incoming {
    Incoming {
        decoder: PageDecoder::new(COLUMNS, Coding::Mmr, DecodeLimits { max_rows: 1000 }),
        block: BlockInHand::new(FrameSize::Short, None),
        octets: 0,
        retransmitted_frames: 0,
        begun: true,
        abandoned: false,
        given_up: None,
    }
}

/// The frames of `numbers` arrive, each full but for the page's last.
fn receive(page: &mut Incoming, coded: &[u8], numbers: impl Iterator<Item = usize>) {
    for number in numbers {
        let frame = coded.chunks(64).nth(number).expect("a frame of the page");
        page.block.keep(number as u8, frame);
        page.grow();
    }
}

#[test]
fn a_block_given_up_that_comes_again_is_decoded_once() {
    let (bitmap, mut page) = (bars(), incoming());
    let coded = encode(&bitmap, RowEncoding::on_line(Coding::Mmr, 0));
    let frames = coded.chunks(64).count();
    assert!(frames > 8 && frames < BLOCK_FRAMES);
    receive(&mut page, &coded, (0..frames).filter(|number| *number != 4));
    let grown = page.decoder.rows();
    assert!(grown > 0 && page.block.passed == 4);
    page.take_block((0, 0), true);
    receive(&mut page, &coded, 0..frames);
    assert_eq!(page.decoder.rows(), grown, "it is not known yet which block this is");
    assert!(page.block.is_whole());
    page.take_block((0, 0), false);
    page.settle(None);
    assert!(!page.abandoned);
    assert_eq!(page.octets, coded.len() as u64);
    assert!(page.decoder.finish().bitmap == bitmap);
}

#[test]
fn a_block_given_up_that_another_follows_is_lost() {
    let (bitmap, mut page) = (bars(), incoming());
    let coded = encode(&bitmap, RowEncoding::on_line(Coding::Mmr, 0));
    let (first, second) = coded.split_at(8 * 64);
    receive(&mut page, first, (0..8).filter(|number| *number != 4));
    page.take_block((0, 0), true);
    receive(&mut page, second, 0..second.chunks(64).count());
    page.take_block((0, 1), false);
    assert!(page.abandoned);
    assert_eq!(page.octets, coded.len() as u64 - 64);
    assert!(page.decoder.finish().bitmap != bitmap);
}

#[test]
fn a_frame_with_octets_missing_holds_the_page_until_it_is_whole() {
    let (bitmap, mut page) = (bars(), incoming());
    let coded = encode(&bitmap, RowEncoding::on_line(Coding::Mmr, 0));
    let frames = coded.chunks(64).count();
    receive(&mut page, &coded, 0..2);
    page.block.keep(2, &coded[128..190]);
    page.grow();
    receive(&mut page, &coded, 3..frames);
    assert_eq!(page.block.passed, 2);
    assert!(!page.block.is_whole());
    receive(&mut page, &coded, 2..3);
    assert!(page.block.is_whole());
    page.take_block((0, 0), false);
    assert!(page.decoder.finish().bitmap == bitmap);
}
