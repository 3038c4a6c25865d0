//! Two-sided bounds of measured figures: worse fails, and so does better, so that a table tells what is true.

use std::fmt::Display;

use serde::Deserialize;

/// The figures from the first to the second are expected.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
pub struct Band<T>(pub T, pub T);

impl<T: PartialOrd + Display> Band<T> {
    /// What is wrong with a figure of which less is better, if anything is.
    pub fn complaint(&self, name: &str, figure: T) -> Option<String> {
        let Self(best, worst) = self;
        if figure < *best {
            Some(format!("{name}: {figure} is better than {best}: write the better figure into the table"))
        } else if figure <= *worst {
            None
        } else {
            Some(format!("{name}: {figure} is worse than {worst}"))
        }
    }

    /// The same of a figure of which more is better, the worst being the first.
    pub fn complaint_of_more(&self, name: &str, figure: T) -> Option<String> {
        let Self(worst, best) = self;
        if figure > *best {
            Some(format!("{name}: {figure} is better than {best}: write the better figure into the table"))
        } else if figure >= *worst {
            None
        } else {
            Some(format!("{name}: {figure} is worse than {worst}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_told() {
        let errors = Band(2, 5);
        assert_eq!(errors.complaint("errors", 5), None);
        assert!(errors.complaint("errors", 6).is_some_and(|text| text.contains("worse than 5")));
        assert!(errors.complaint("errors", 1).is_some_and(|text| text.contains("better than 2")));
        let frames = Band(81, 256);
        assert_eq!(frames.complaint_of_more("frames", 81), None);
        assert!(frames.complaint_of_more("frames", 80).is_some_and(|text| text.contains("worse than 81")));
        assert!(frames.complaint_of_more("frames", 257).is_some_and(|text| text.contains("better than 256")));
    }
}
