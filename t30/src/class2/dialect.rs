//! What the three classes call the same things.

/// A class whose modem speaks T.30 itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The draft that was sold.
    Two,
    /// TIA-592.
    TwoZero,
    /// T.32.
    TwoOne,
}

/// News of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    Connected,
    CalledIdentity,
    CallingIdentity,
    Capabilities,
    Terms,
    NonStandard,
    /// The other machine holds a document.
    Polled,
    PageStatus,
    HangUp,
}

impl Dialect {
    /// The name of a response, with the `+`.
    pub(crate) fn name(self, response: Response) -> &'static str {
        let (two, later) = match response {
            Response::Connected => ("+FCON", "+FCO"),
            Response::CalledIdentity => ("+FCSI", "+FCI"),
            Response::CallingIdentity => ("+FTSI", "+FTI"),
            Response::Capabilities => ("+FDIS", "+FIS"),
            Response::Terms => ("+FDCS", "+FCS"),
            Response::NonStandard => ("+FNSF", "+FNF"),
            Response::Polled => ("+FPOLL", "+FPO"),
            Response::PageStatus => ("+FPTS", "+FPS"),
            Response::HangUp => ("+FHNG", "+FHS"),
        };
        if self == Self::Two { two } else { later }
    }

    /// How a call ended; the codes of the last phase begin with another digit in each class.
    pub(crate) fn hang_up(self, code: u8) -> String {
        let name = self.name(Response::HangUp);
        match (self, code) {
            (Self::Two, _) => format!("{name}:{code}"),
            (_, 100) => format!("{name}:A0"),
            _ => format!("{name}:{code:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hang_up_is_told_in_the_words_of_the_class() {
        assert_eq!(Dialect::Two.hang_up(0), "+FHNG:0");
        assert_eq!(Dialect::TwoZero.hang_up(0), "+FHS:00");
        assert_eq!(Dialect::TwoOne.hang_up(100), "+FHS:A0");
    }
}
