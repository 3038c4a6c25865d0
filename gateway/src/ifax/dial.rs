//! From the international number to what is dialled here, RFC 4160 3.2, and which numbers are dialled at all.

use serde::Serialize;

use super::address::{AddressError, PhoneNumber};
use crate::pattern::Pattern;

/// How an international number is dialled from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DialPlan {
    /// Our own country code; numbers in it are dialled nationally. Empty: all are dialled internationally.
    pub country_code: String,
    /// Our own area code, for numbers given without one.
    pub area_code: String,
    /// Before a national number.
    pub national_prefix: String,
    /// Before an international number.
    pub international_prefix: String,
    /// Before everything.
    pub outside_line: String,
    /// Whether numbers in addresses may be as they are dialled here.
    pub local_numbers: bool,
    /// Numbers that may be called.
    pub allowed: Vec<Pattern>,
    /// Numbers that may not, even if they are allowed.
    pub blocked: Vec<Pattern>,
    /// What is never dialled.
    pub emergency: Vec<String>,
}

impl Default for DialPlan {
    fn default() -> Self {
        Self {
            country_code: String::new(),
            area_code: String::new(),
            national_prefix: String::new(),
            international_prefix: "00".into(),
            outside_line: String::new(),
            local_numbers: false,
            allowed: vec![Pattern::new("+*")],
            blocked: vec![],
            emergency: ["000", "110", "112", "113", "118", "119", "911", "999"].map(str::to_owned).into(),
        }
    }
}

/// Why a number is not called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDialled {
    /// Nobody allowed it.
    #[error("{0} is not among the numbers this gateway calls; ask its operator")]
    NotAllowed(PhoneNumber),
    /// Somebody forbade it.
    #[error("{0} is blocked at this gateway; ask its operator")]
    Blocked(PhoneNumber),
    /// It would call for help.
    #[error("{0} would be dialled as {1}, which is an emergency number; faxes are not sent there")]
    Emergency(PhoneNumber, String),
}

impl DialPlan {
    /// What is dialled to reach a number.
    pub fn dialled(&self, number: &PhoneNumber) -> String {
        format!("{}{}", self.outside_line, self.inland(number))
    }

    /// The same without the digits for an outside line.
    fn inland(&self, number: &PhoneNumber) -> String {
        let national = number.digits().strip_prefix(&self.country_code).filter(|_| !self.country_code.is_empty());
        match national {
            Some(national) => format!("{}{national}", self.national_prefix),
            None => format!("{}{}", self.international_prefix, number.digits()),
        }
    }

    /// Whether a number may be called.
    pub fn judge(&self, number: &PhoneNumber) -> Result<(), NotDialled> {
        let written = number.to_string();
        let inland = self.inland(number);
        if self.is_emergency(&inland) {
            return Err(NotDialled::Emergency(number.clone(), inland));
        }
        if self.blocked.iter().any(|pattern| pattern.matches(&written)) {
            return Err(NotDialled::Blocked(number.clone()));
        }
        if !self.allowed.iter().any(|pattern| pattern.matches(&written)) {
            return Err(NotDialled::NotAllowed(number.clone()));
        }
        Ok(())
    }

    /// Exchanges of the North American plan act on 911 without waiting for more digits, and its area codes never begin
    /// so; elsewhere subscribers' numbers may.
    fn is_emergency(&self, inland: &str) -> bool {
        let digits: String = inland.chars().filter(char::is_ascii_digit).collect();
        let outside: String = self.outside_line.chars().filter(char::is_ascii_digit).collect();
        let whole = outside + &digits;
        let at_once = self.country_code == "1" && (digits.starts_with("911") || digits.starts_with("1911"));
        at_once || self.emergency.iter().any(|number| *number == digits || *number == whole)
    }

    /// A number as it is written in an address: international with `+`, or as it is dialled here where that is taken.
    pub fn number(&self, written: &str) -> Result<PhoneNumber, AddressError> {
        if written.trim_start().starts_with('+') || !self.local_numbers {
            return PhoneNumber::parse(written);
        }
        let digits: String = written.chars().filter(|c| !"-. ()".contains(*c)).collect();
        let stripped = |prefix: &str| (!prefix.is_empty()).then(|| digits.strip_prefix(prefix)).flatten();
        let whole = match (stripped(&self.international_prefix), stripped(&self.national_prefix)) {
            (Some(international), _) => international.to_owned(),
            (None, Some(national)) => format!("{}{national}", self.country_code),
            (None, None) => format!("{}{}{digits}", self.country_code, self.area_code),
        };
        PhoneNumber::parse(&format!("+{whole}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    fn british() -> DialPlan {
        DialPlan {
            country_code: "44".into(),
            area_code: "1632".into(),
            national_prefix: "0".into(),
            outside_line: "9,".into(),
            local_numbers: true,
            ..DialPlan::default()
        }
    }

    fn american() -> DialPlan {
        DialPlan {
            country_code: "1".into(),
            national_prefix: "1".into(),
            international_prefix: "011".into(),
            ..DialPlan::default()
        }
    }

    #[test]
    fn own_country_is_dialled_nationally() {
        assert_eq!(british().dialled(&number("+441632960000")), "9,01632960000");
        assert_eq!(british().dialled(&number("+12224567654")), "9,0012224567654");
    }

    #[test]
    fn local_numbers_mean_what_they_would_when_dialled() {
        let plan = british();
        for written in ["01632-960000", "960000", "00441632960000", "+44 1632 960000"] {
            assert_eq!(plan.number(written).unwrap(), number("+441632960000"), "{written}");
        }
        assert_eq!(plan.number("0012224567654").unwrap(), number("+12224567654"));
        assert!(matches!(DialPlan::default().number("960000"), Err(AddressError::NotInternational(_))));
    }

    #[test]
    fn emergency_numbers_are_refused_however_they_come_about() {
        let bare = DialPlan { country_code: "44".into(), ..DialPlan::default() };
        for (plan, written) in [
            (&bare, "+44999"),
            (&bare, "+44112"),
            (&american(), "+1911"),
            (&american(), "+19115550100"),
            (&DialPlan { country_code: "49".into(), outside_line: "1".into(), ..DialPlan::default() }, "+4910"),
        ] {
            assert!(matches!(plan.judge(&number(written)), Err(NotDialled::Emergency(..))), "{written}");
        }
        let spanish = DialPlan { country_code: "34".into(), ..DialPlan::default() };
        assert_eq!(spanish.judge(&number("+34911234567")), Ok(()), "a subscriber in Madrid");
    }

    #[test]
    fn blocked_wins_over_allowed() {
        let plan = DialPlan {
            allowed: vec![Pattern::new("+1*")],
            blocked: vec![Pattern::new("+1900*")],
            ..DialPlan::default()
        };
        assert_eq!(plan.judge(&number("+12224567654")), Ok(()));
        assert!(matches!(plan.judge(&number("+19004567654")), Err(NotDialled::Blocked(_))));
        assert!(matches!(plan.judge(&number("+441632960000")), Err(NotDialled::NotAllowed(_))));
    }
}
