//! Which fax goes first.

use serde::Serialize;

/// The priority of a fax. Among those that are due, the higher one is called first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// When nothing else is to be done.
    Low,
    /// As it came.
    #[default]
    Normal,
    /// Before all others.
    Urgent,
}

impl Priority {
    /// From low to high.
    pub const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::Urgent];

    /// Its name in configuration and output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::Urgent => "urgent",
        }
    }

    /// The priority of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.name() == name)
    }

    /// As the store orders it.
    pub const fn rank(self) -> i64 {
        self as i64
    }

    /// Back from the store; what is out of range is normal.
    pub fn ranked(rank: i64) -> Self {
        Self::ALL.into_iter().find(|priority| priority.rank() == rank).unwrap_or_default()
    }

    /// What a header field says: Priority (RFC 2156 5.3.6), Importance (RFC 4021 2.1.53) and the X-Priority of mail programs.
    pub fn of_field(name: &str, value: &str) -> Option<Self> {
        let value = value.trim().to_lowercase();
        match name.to_lowercase().as_str() {
            "priority" if value.starts_with("urgent") => Some(Self::Urgent),
            "priority" if value.starts_with("non-urgent") => Some(Self::Low),
            "importance" if value.starts_with("high") => Some(Self::Urgent),
            "importance" if value.starts_with("low") => Some(Self::Low),
            "x-priority" if value.starts_with(['1', '2']) => Some(Self::Urgent),
            "x-priority" if value.starts_with(['4', '5']) => Some(Self::Low),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_fields_say_how_urgent_a_mail_is() {
        assert_eq!(Priority::of_field("X-Priority", "1 (Highest)"), Some(Priority::Urgent));
        assert_eq!(Priority::of_field("Priority", "Non-Urgent"), Some(Priority::Low));
        assert_eq!(Priority::of_field("Importance", "normal"), None);
        for priority in Priority::ALL {
            assert_eq!(Priority::ranked(priority.rank()), priority);
            assert_eq!(Priority::named(priority.name()), Some(priority));
        }
    }
}
