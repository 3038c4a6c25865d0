//! Documents from gateway to gateway while a call is up, as options.

use std::{net::SocketAddr, sync::Arc};

use clap::Args;

use super::error::CliError;
use crate::{
    config::Network,
    direct::{Courier, Door},
};

/// Whether documents go directly.
#[derive(Args, Clone, Debug)]
pub(super) struct DirectArgs {
    /// Calling: where another gateway of this kind answers, the document goes to it directly, by TLS and not over the line, if
    /// it is in this network, as 192.0.2.0/24. What fails goes over the line. May be repeated.
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    direct_to: Vec<Network>,
    /// Answering: callers of this kind may bring their documents directly to this port.
    #[arg(long, value_name = "ADDRESS:PORT")]
    direct_listen: Option<SocketAddr>,
    /// The address for that as callers reach it, if it is another.
    #[arg(long, value_name = "ADDRESS:PORT", requires = "direct_listen")]
    direct_address: Option<SocketAddr>,
}

fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|_| "write an address and the length of its prefix, as 192.0.2.0/24".to_owned())
}

impl DirectArgs {
    /// For a call that we make.
    pub(super) fn calling(&self) -> Option<Courier> {
        (!self.direct_to.is_empty()).then(|| Courier::calling(self.direct_to.clone()))
    }

    /// The port for calls that come.
    pub(super) fn door(&self) -> Result<Option<Arc<Door>>, CliError> {
        let open = |here| {
            let wrong = |error| CliError::usage(format!("--direct-listen {here}: {error}"));
            Door::open(here, self.direct_address).map_err(wrong)
        };
        self.direct_listen.map(open).transpose()
    }
}
