//! Who stands between a call and the other way: does what the session wants, tells it what comes of it. It waits on lines
//! without a clock only: they would run away from the other way.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use answertone_hw::Pace;
use answertone_t30::session::{Direct, DirectNews, DirectStep, Event};

use super::{
    bring::Bringing,
    door::{Door, Expecting},
};
use crate::{config::Network, t38::sealed::Identity};

/// The time of a block of the line.
const BLOCK: Duration = Duration::from_millis(10);

/// One call's courier.
pub struct Courier {
    role: Role,
    /// How long to wait for news of the other way.
    wait: Duration,
    news: VecDeque<DirectNews>,
    identity: Option<Identity>,
    bringing: Option<Bringing>,
    expecting: Option<Expecting>,
}

enum Role {
    Caller(Vec<Network>),
    Answerer(Arc<Door>),
}

impl Courier {
    /// Calling: brings documents to places in these networks, and to no others.
    pub fn calling(networks: Vec<Network>) -> Self {
        Self::new(Role::Caller(networks))
    }

    /// Answering: documents may be brought there.
    pub fn answering(door: Arc<Door>) -> Self {
        Self::new(Role::Answerer(door))
    }

    fn new(role: Role) -> Self {
        Self { role, wait: Duration::ZERO, news: VecDeque::new(), identity: None, bringing: None, expecting: None }
    }

    /// The line has this pace.
    #[must_use]
    pub fn at_pace(self, pace: Pace) -> Self {
        Self { wait: if pace == Pace::Unpaced { BLOCK } else { Duration::ZERO }, ..self }
    }

    /// What the session is to be told of it.
    pub fn terms(&self) -> Direct {
        match &self.role {
            Role::Caller(_) => Direct::Wanted,
            Role::Answerer(door) => Direct::Offered(door.place()),
        }
    }

    /// Hears what happens in the call.
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::Direct(step) => self.step(step),
            Event::Finished(_) => self.stop(),
            _ => {}
        }
    }

    /// What the session is to know.
    pub fn news(&mut self) -> Option<DirectNews> {
        let (wait, bringing, expecting) = (self.wait, &mut self.bringing, &mut self.expecting);
        let came = self.news.pop_front().or_else(|| bringing.as_mut()?.news(wait));
        came.or_else(|| expecting.as_mut()?.news(wait))
    }

    fn step(&mut self, step: &DirectStep) {
        match (step, &self.role) {
            (DirectStep::Offered(place), Role::Caller(networks)) => {
                let allowed = networks.iter().any(|network| network.contains(place.address.ip()));
                self.identity = Identity::fresh().ok().filter(|_| allowed);
                let go = self.identity.as_ref().map(|identity| DirectNews::Go(identity.fingerprint().half()));
                tracing::info!(there = %place.address, allowed, "the other gateway takes documents directly");
                self.news.push_back(go.unwrap_or(DirectNews::Stay));
            }
            (DirectStep::Bring(place, pages), Role::Caller(_)) => match self.identity.take() {
                Some(identity) => self.bringing = Some(Bringing::begin(identity, *place, pages.clone())),
                None => self.news.push_back(DirectNews::Over),
            },
            (DirectStep::Await(who), Role::Answerer(door)) => self.expecting = Some(door.expect(*who)),
            (DirectStep::Kept(_), _) => {
                if let Some(expecting) = &mut self.expecting {
                    expecting.kept();
                }
            }
            _ => self.stop(),
        }
    }

    fn stop(&mut self) {
        (self.bringing, self.expecting) = (None, None);
        self.news.clear();
    }
}
