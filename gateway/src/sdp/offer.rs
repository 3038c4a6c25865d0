//! Offers and answers, RFC 3264: what we offer, what we take of an offer, and what an answer comes to.
//!
//! ```text
//!  offer(Wanted) ──▶ far end ──▶ agreed(Wanted, answer) ─▶ Agreed, or why not
//!  offer of the far end ──▶ choose(Rules) ─▶ Choice, or nothing ──▶ answer(Choice)
//! ```

use std::net::{IpAddr, SocketAddr};

use answertone_hw::rtp::Codec;

use super::{
    audio::{self, Direction, Voice},
    description::{Attribute, Description, Host, Media},
    seal::{Kept, OwnSeal, PROTOCOL, Seal, Sealing, Setup},
    t38::T38,
};

/// T.38 in clear.
const CLEAR: &str = "udptl";

/// Our side of a call: where its media are, and the name of its session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Where media are to be sent.
    pub address: IpAddr,
    /// The port, of audio and of T.38.
    pub port: u16,
    /// Names the session.
    pub session: u64,
    /// Goes up with every description that differs from the one before.
    pub version: u64,
    /// What we say of our T.38.
    pub t38: T38,
    /// Our part of the next seal, where T.38 can be sealed.
    pub seal: Option<OwnSeal>,
    /// The seal that there is.
    pub kept: Option<Kept>,
}

/// Our part of a seal, as it is written into an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sealer {
    own: OwnSeal,
    setup: Setup,
    with_id: bool,
}

impl Local {
    /// Our part of the seal that an offer of ours has: the one that there is, or the next.
    fn own_seal(&self) -> Option<&OwnSeal> {
        self.kept.as_ref().map(|kept| &kept.own).or(self.seal.as_ref())
    }

    /// The same with new keys.
    #[must_use]
    pub fn renewed(&self) -> Self {
        Self { kept: None, ..self.clone() }
    }

    /// How an offered seal is answered; none where there are no keys for a new one.
    fn sealing(&self, offered: &Seal, remote: Option<SocketAddr>) -> Option<(OwnSeal, Sealing)> {
        match self.kept.as_ref().filter(|kept| offered.continues(kept, remote)) {
            Some(kept) => Some((kept.own.clone(), kept.sealing.clone())),
            None => self.seal.as_ref().map(|own| (own.clone(), offered.answered(own))),
        }
    }

    /// What an answer makes of the seal that we offered.
    fn answered(&self, answer: &Description, media: &Media, remote: Option<SocketAddr>) -> Option<Sealing> {
        let seal = Seal::read(answer, media)?;
        match self.kept.as_ref().filter(|kept| seal.continues(kept, remote)) {
            Some(kept) => Some(kept.sealing.clone()),
            None => self.own_seal().map(|own| seal.agreed(own)),
        }
    }

    /// Media were agreed on: keys that are in use, and those that are not any more.
    pub fn settle(&mut self, agreed: &Agreed) {
        let Agreed::Image(Image { remote, sealing: Some(sealing), .. }) = agreed else {
            self.kept = None;
            return;
        };
        if let Some(own) = self.seal.take_if(|own| own.tls_id == sealing.ours) {
            self.kept = Some(Kept { own, sealing: sealing.clone(), remote: *remote });
        }
    }
}

/// What we want a call to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Audio.
    Audio(Direction),
    /// T.38.
    Image {
        /// In DTLS.
        sealed: bool,
        /// With `m=audio 0` before it, rather than alone.
        beside: bool,
    },
}

/// What we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// T.38 in clear.
    pub clear: bool,
    /// T.38 sealed.
    pub sealed: bool,
}

/// A medium chosen of an offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Its place.
    place: usize,
    kind: ChosenKind,
    /// What it comes to.
    pub agreed: Agreed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum ChosenKind {
    Audio(Voice),
    Image { said: T38, sealer: Option<Sealer> },
}

/// What both ends do from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// Audio.
    Audio(Audio),
    /// T.38.
    Image(Image),
}

/// Agreed audio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// Where ours goes; none while the far end holds us or is at a name.
    pub remote: Option<SocketAddr>,
    /// How it is coded.
    pub codec: Codec,
    /// Its payload type.
    pub payload_type: u8,
    /// The payload type of telephone events.
    pub event_type: Option<u8>,
    /// Whether the far end hears us: else we are on hold.
    pub heard: bool,
}

/// Agreed T.38.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where ours goes; none if the far end is at a name.
    pub remote: Option<SocketAddr>,
    /// What both keep to.
    pub t38: T38,
    /// How it is sealed, where it is.
    pub sealing: Option<Sealing>,
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// All was declined.
    #[error("the far end declined what was offered")]
    Declined,
    /// In clear, where the offer was sealed.
    #[error("the far end answered a sealed offer in clear")]
    Unsealed,
    /// Sealed, but without what a seal needs.
    #[error("the far end's answer has no fingerprint, or a setup that cannot be")]
    NoFingerprint,
}

/// Our offer.
pub fn offer(local: &Local, wanted: Wanted) -> Description {
    let media = match wanted {
        Wanted::Audio(direction) => vec![audio::offer(local.port, direction)],
        Wanted::Image { sealed, beside } => {
            let own = local.own_seal().filter(|_| sealed);
            let sealer = own.map(|own| Sealer { own: own.clone(), setup: Setup::ActPass, with_id: true });
            let image = image(local.port, &local.t38, sealer.as_ref());
            let declined = Media { port: 0, ..audio::offer(0, Direction::Inactive) };
            if beside { vec![declined, image] } else { vec![image] }
        }
    };
    description(local, media)
}

fn description(local: &Local, media: Vec<Media>) -> Description {
    let host = Host(local.address.to_string());
    let origin = format!("answertone {} {} {host}", local.session, local.version);
    Description { origin, connection: Some(host), attributes: vec![], media }
}

fn image(port: u16, t38: &T38, sealer: Option<&Sealer>) -> Media {
    let (protocol, port) = sealer.map_or((CLEAR, port), |sealer| (PROTOCOL, sealer.own.port));
    let mut attributes: Vec<Attribute> = t38.write();
    attributes.extend(sealer.map(|sealer| sealer.own.write(sealer.setup, sealer.with_id)).unwrap_or_default());
    let formats = vec!["t38".to_owned()];
    Media { kind: "image".into(), port, protocol: protocol.into(), formats, connection: None, attributes }
}

/// What we take of an offer. T.38 goes before audio where both are offered, sealed before clear; in the `first` offer of a
/// call audio does, since a call begins as one.
pub fn choose(offer: &Description, local: &Local, rules: Rules, first: bool) -> Option<Choice> {
    let images = || choices(offer, local, rules).filter(|choice| matches!(choice.agreed, Agreed::Image(_)));
    let voice = || choices(offer, local, rules).find(|choice| matches!(choice.agreed, Agreed::Audio(_)));
    let sealed = images().find(|choice| matches!(&choice.agreed, Agreed::Image(Image { sealing: Some(_), .. })));
    let image = sealed.or_else(|| images().next());
    if first { voice().or(image) } else { image.or_else(voice) }
}

fn choices<'a>(offer: &'a Description, local: &'a Local, rules: Rules) -> impl Iterator<Item = Choice> + 'a {
    offer.media.iter().enumerate().filter_map(move |(place, media)| choice(offer, local, rules, place, media))
}

fn choice(offer: &Description, local: &Local, rules: Rules, place: usize, media: &Media) -> Option<Choice> {
    if let Some(voice) = Voice::read(offer, media) {
        let agreed = Agreed::Audio(agreed_audio(offer, media, &voice));
        return Some(Choice { place, kind: ChosenKind::Audio(voice), agreed });
    }
    if media.kind != "image" || media.is_declined() {
        return None;
    }
    let (remote, said) = (remote(offer, media), T38::read(&media.attributes));
    let (sealer, sealing) = if media.goes_by(PROTOCOL) {
        let seal = Seal::read(offer, media).filter(|_| rules.sealed)?;
        let (own, sealing) = local.sealing(&seal, remote)?;
        let setup = if sealing.active { Setup::Active } else { Setup::Passive };
        (Some(Sealer { own, setup, with_id: seal.tls_id.is_some() }), Some(sealing))
    } else if rules.clear && media.goes_by(CLEAR) {
        (None, None)
    } else {
        return None;
    };
    let agreed = Agreed::Image(Image { remote, t38: said.agreed(&local.t38), sealing });
    Some(Choice { place, kind: ChosenKind::Image { said, sealer }, agreed })
}

/// Our answer: as many media as were offered, all but one declined.
pub fn answer(local: &Local, offer: &Description, choice: &Choice) -> Description {
    let media = offer
        .media
        .iter()
        .enumerate()
        .map(|(place, offered)| if place == choice.place { taken(local, choice) } else { declined(offered) });
    description(local, media.collect())
}

fn taken(local: &Local, choice: &Choice) -> Media {
    match &choice.kind {
        ChosenKind::Audio(voice) => voice.answer(local.port),
        ChosenKind::Image { said, sealer } => image(local.port, &said.answer(&local.t38), sealer.as_ref()),
    }
}

fn declined(offered: &Media) -> Media {
    Media { port: 0, connection: None, attributes: vec![], ..offered.clone() }
}

/// What an answer to our offer comes to.
pub fn agreed(local: &Local, wanted: Wanted, answer: &Description) -> Result<Agreed, NoAnswer> {
    let of_kind = |kind: &'static str| answer.media.iter().filter(move |it| it.kind == kind && !it.is_declined());
    match wanted {
        Wanted::Audio(_) => {
            let read = |media: &Media| Some(Agreed::Audio(agreed_audio(answer, media, &Voice::read(answer, media)?)));
            of_kind("audio").find_map(read).ok_or(NoAnswer::Declined)
        }
        Wanted::Image { sealed, .. } => {
            let media = of_kind("image").next().ok_or(NoAnswer::Declined)?;
            let remote = remote(answer, media);
            let sealing = match (sealed, media.goes_by(PROTOCOL)) {
                (true, false) => return Err(NoAnswer::Unsealed),
                (false, true) => return Err(NoAnswer::Declined),
                (false, false) => None,
                (true, true) => Some(local.answered(answer, media, remote).ok_or(NoAnswer::NoFingerprint)?),
            };
            let t38 = T38::read(&media.attributes).agreed(&local.t38);
            Ok(Agreed::Image(Image { remote, t38, sealing }))
        }
    }
}

fn agreed_audio(description: &Description, media: &Media, voice: &Voice) -> Audio {
    Audio {
        remote: remote(description, media),
        codec: voice.codec,
        payload_type: voice.payload_type,
        event_type: voice.event_type,
        heard: voice.direction.hears(),
    }
}

fn remote(description: &Description, media: &Media) -> Option<SocketAddr> {
    let address = description.host(media)?.address().filter(|address| !address.is_unspecified())?;
    Some(SocketAddr::new(address, media.port))
}
