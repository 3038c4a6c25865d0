//! Facsimile control fields: ITU-T T.30 (09/2005) 5.3.6.1, one row each.

/// How a code treats the X bit, its first on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XBit {
    /// The X bit tells the station: one from the station that received a valid DIS.
    Station,
    /// The first bit belongs to the code.
    Fixed,
}

macro_rules! facsimile_control_fields {
    ($($(#[$doc:meta])* $fcf:ident $name:literal $code:literal $x:ident;)*) => {
        /// A facsimile control field.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fcf { $($(#[$doc])* $fcf,)* }

        impl Fcf {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$fcf),*];

            const fn row(self) -> (&'static str, u8, XBit) {
                match self { $(Self::$fcf => ($name, $code, XBit::$x),)* }
            }

            const fn find(code: u8, x: XBit) -> Option<Self> {
                match (code, x) { $(($code, XBit::$x) => Some(Self::$fcf),)* _ => None }
            }
        }
    };
}

// Codes with X = 0, first bit of the line in the least significant place. DTR of Annex H is given the code of ISP in
// the only source at hand and has no row.
facsimile_control_fields! {
    /// Digital identification signal: the called station's capabilities.
    Dis "DIS" 0x80 Fixed;
    /// Called subscriber identification.
    Csi "CSI" 0x40 Fixed;
    /// Non-standard facilities.
    Nsf "NSF" 0x20 Fixed;
    /// Digital transmit command: capabilities of a caller that polls.
    Dtc "DTC" 0x81 Fixed;
    /// Calling subscriber identification.
    Cig "CIG" 0x41 Fixed;
    /// Non-standard facilities command.
    Nsc "NSC" 0x21 Fixed;
    /// Password.
    Pwd "PWD" 0xc1 Fixed;
    /// Selective polling.
    Sep "SEP" 0xa1 Fixed;
    /// Polled subaddress.
    Psa "PSA" 0x61 Fixed;
    /// Calling subscriber internet address.
    Cia "CIA" 0xe1 Fixed;
    /// Internet selective polling address.
    Isp "ISP" 0x11 Fixed;
    /// Digital command signal: the terms of the next pages.
    Dcs "DCS" 0x82 Station;
    /// Transmitting subscriber identification.
    Tsi "TSI" 0x42 Station;
    /// Non-standard set-up.
    Nss "NSS" 0x22 Station;
    /// Subaddress.
    Sub "SUB" 0xc2 Station;
    /// Sender identification.
    Sid "SID" 0xa2 Station;
    /// Transmitting subscriber internet address.
    Tsa "TSA" 0x62 Station;
    /// Internet routing address.
    Ira "IRA" 0xe2 Station;
    /// Continue to correct: a new rate for the block in hand.
    Ctc "CTC" 0x12 Station;
    /// Confirmation to receive.
    Cfr "CFR" 0x84 Station;
    /// Failure to train.
    Ftt "FTT" 0x44 Station;
    /// Response for continue to correct.
    Ctr "CTR" 0xc4 Station;
    /// Called subscriber internet address.
    Csa "CSA" 0x24 Station;
    /// End of message: more pages, back to phase B.
    Eom "EOM" 0x8e Station;
    /// Multi-page signal: more pages on the same terms.
    Mps "MPS" 0x4e Station;
    /// End of procedure: no more pages.
    Eop "EOP" 0x2e Station;
    /// EOM and a request for the operator.
    PriEom "PRI-EOM" 0x9e Station;
    /// MPS and a request for the operator.
    PriMps "PRI-MPS" 0x5e Station;
    /// EOP and a request for the operator.
    PriEop "PRI-EOP" 0x3e Station;
    /// End of selection.
    Eos "EOS" 0x1e Station;
    /// Partial page signal.
    Pps "PPS" 0xbe Station;
    /// End of retransmission: the block is given up.
    Eor "EOR" 0xce Station;
    /// Receive ready?
    Rr "RR" 0x6e Station;
    /// Message confirmation.
    Mcf "MCF" 0x8c Station;
    /// Retrain positive: the page is good, train again.
    Rtp "RTP" 0xcc Station;
    /// Retrain negative: the page is bad, train again.
    Rtn "RTN" 0x4c Station;
    /// Procedure interrupt positive.
    Pip "PIP" 0xac Station;
    /// Procedure interrupt negative.
    Pin "PIN" 0x2c Station;
    /// Partial page request: send these frames again.
    Ppr "PPR" 0xbc Station;
    /// Receive not ready.
    Rnr "RNR" 0xec Station;
    /// Response for end of retransmission.
    Err "ERR" 0x1c Station;
    /// File diagnostics message.
    Fdm "FDM" 0xfc Station;
    /// Procedure interrupt disconnect.
    Pid "PID" 0x6c Station;
    /// Disconnect.
    Dcn "DCN" 0xfa Station;
    /// Command repeat.
    Crp "CRP" 0x1a Station;
    /// Field not valid.
    Fnv "FNV" 0xca Station;
    /// Transmit not ready.
    Tnr "TNR" 0xea Station;
    /// Transmit ready.
    Tr "TR" 0x6a Station;
    /// Transmitter keys, Annex H.
    Tk "TK" 0x4b Fixed;
    /// Receiver keys, Annex H.
    Rk "RK" 0x4a Fixed;
    /// Digital extended signal, Annex H.
    Des "DES" 0xa0 Fixed;
    /// Digital extended command, Annex H.
    Dec "DEC" 0x93 Fixed;
    /// Digital extended request, Annex H.
    Der "DER" 0x53 Fixed;
    /// Digital not acknowledge, Annex H.
    Dnk "DNK" 0x9a Station;
    /// Facsimile coded data: one frame of an ECM block.
    Fcd "FCD" 0x06 Fixed;
    /// Return to control for partial page.
    Rcp "RCP" 0x86 Fixed;
    /// Character coded data.
    Ccd "CCD" 0x46 Fixed;
}

impl Fcf {
    /// The abbreviation of the Recommendation.
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The octet on the line; `x` is ignored where the code has no X bit.
    pub const fn code(self, x: bool) -> u8 {
        match self.row() {
            (_, code, XBit::Station) => code | x as u8,
            (_, code, XBit::Fixed) => code,
        }
    }

    /// Reads a code: the field and its X bit.
    pub fn from_code(code: u8) -> Option<(Self, bool)> {
        let fixed = Self::find(code, XBit::Fixed).map(|fcf| (fcf, false));
        fixed.or_else(|| Self::find(code & !1, XBit::Station).map(|fcf| (fcf, code & 1 == 1)))
    }

    /// Whether the frame only goes with another that is the burst's command or response.
    pub const fn accompanies(self) -> bool {
        matches!(
            self,
            Self::Csi
                | Self::Nsf
                | Self::Cig
                | Self::Nsc
                | Self::Pwd
                | Self::Sep
                | Self::Psa
                | Self::Cia
                | Self::Isp
                | Self::Tsi
                | Self::Nss
                | Self::Sub
                | Self::Sid
                | Self::Tsa
                | Self::Ira
                | Self::Csa
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_either_station() {
        for &fcf in Fcf::ALL {
            for x in [false, true] {
                let (read, _) = Fcf::from_code(fcf.code(x)).expect("a code of the table");
                assert_eq!(read, fcf);
            }
        }
    }
}
