//! V.8 beside the front end, for whoever drives a modem: its samples go out on top of what the front end says, which is nothing meanwhile, or CNG.

use answertone_dsp::{
    pcm::{BLOCK_SAMPLES, Block, SILENCE, narrow},
    units::Dbm0,
    v8::{AnswerTone, Answerer, Caller, Event, Menu},
};

use super::{V8Event, V8Order, V8Tone};

/// One side of a negotiation.
pub struct Negotiation(Side);

enum Side {
    Caller(Box<Caller>),
    Answerer(Box<Answerer>),
}

impl Negotiation {
    /// What an order makes of the negotiation that there is.
    pub fn after(order: V8Order, now: Option<Self>, level: Dbm0) -> Option<Self> {
        let mut negotiation = match order {
            V8Order::Call(indicates) => return Some(Self(Side::Caller(Box::new(Caller::new(level, indicates))))),
            V8Order::Answer(silence) => {
                return Some(Self(Side::Answerer(Box::new(Answerer::new(level, silence.as_ms())))));
            }
            V8Order::Stop => return None,
            V8Order::Offer(_) | V8Order::Join => now?,
        };
        match (&mut negotiation.0, order) {
            (Side::Caller(caller), V8Order::Join) => caller.join(),
            (Side::Caller(caller), V8Order::Offer(octets)) => {
                if let Some(menu) = Menu::of(&octets) {
                    caller.offer(menu);
                }
            }
            (Side::Answerer(answerer), V8Order::Offer(octets)) => {
                if let Some(menu) = Menu::of(&octets) {
                    answerer.offer(menu);
                }
            }
            _ => {}
        }
        Some(negotiation)
    }

    /// Takes a block of the line; what came about goes to `tell`.
    pub fn receive(&mut self, samples: &[f32; BLOCK_SAMPLES], tell: impl FnOnce(V8Event<'_>)) {
        let event = match &mut self.0 {
            Side::Caller(caller) => caller.receive(samples),
            Side::Answerer(answerer) => answerer.receive(samples),
        };
        match event {
            None => {}
            Some(Event::Answered(AnswerTone::Modulated)) => tell(V8Event::Answered(V8Tone::Modulated)),
            Some(Event::Answered(AnswerTone::Plain)) => tell(V8Event::Answered(V8Tone::Plain)),
            Some(Event::Answered(AnswerTone::Reversed)) => tell(V8Event::Answered(V8Tone::Reversed)),
            Some(Event::Indicated(function)) => tell(V8Event::Indicated(function)),
            Some(Event::Menu(menu)) => tell(V8Event::Menu(menu.octets())),
            Some(Event::Joined) => tell(V8Event::Joined),
            Some(Event::TimedOut) => tell(V8Event::TimedOut),
        }
    }

    /// Adds what it says to a block for the line.
    pub fn transmit(&mut self, block: &mut Block) {
        let (mut samples, mut said) = ([0.0; BLOCK_SAMPLES], SILENCE);
        match &mut self.0 {
            Side::Caller(caller) => caller.transmit(&mut samples),
            Side::Answerer(answerer) => answerer.transmit(&mut samples),
        }
        narrow(&samples, &mut said);
        block.iter_mut().zip(said).for_each(|(sample, said)| *sample = sample.saturating_add(said));
    }
}
