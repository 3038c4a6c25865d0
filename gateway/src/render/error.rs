//! Why a message cannot be faxed.

/// Why a message cannot be faxed, naming the part and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Not even a message.
    #[error("the message cannot be read as mail; send it again from another program")]
    NotMail,
    /// No part has anything on it.
    #[error("the message has nothing to print; attach a TIFF or PDF, or write some text")]
    Nothing,
    /// Messages in messages.
    #[error("the message is wrapped in too many others; forward the document itself")]
    TooDeep,
    /// Nothing we know.
    #[error("{part}: {media_type} cannot be printed here; send it as TIFF, PDF, PNG, JPEG or plain text")]
    Unknown {
        /// Which part.
        part: String,
        /// Its media type.
        media_type: String,
    },
    /// The content is not what its label says.
    #[error("{part}: says it is {claimed} but is not; save it again and send it anew")]
    Misnamed {
        /// Which part.
        part: String,
        /// What it says.
        claimed: &'static str,
    },
    /// A document that is damaged.
    #[error("{part}: {what}; save it again and send it anew")]
    Damaged {
        /// Which part.
        part: String,
        /// What is wrong.
        what: String,
    },
    /// A document in a form that is not read.
    #[error("{part}: {what}; save it as a fax TIFF (CCITT Group 3 or 4) or a PDF")]
    Unsupported {
        /// Which part.
        part: String,
        /// What is not read.
        what: String,
    },
    /// A password.
    #[error("{part}: is locked with a password; save it without one and send it anew")]
    Locked {
        /// Which part.
        part: String,
    },
    /// Not in the shape of a page.
    #[error("{part}: {width} x {height} pels is not the shape of a page; scale it to one and send it anew")]
    NotPage {
        /// Which part.
        part: String,
        /// Pels across.
        width: u32,
        /// Pels down.
        height: u32,
    },
    /// More pages than allowed.
    #[error("{part}: the message comes to more than {most} pages; send it in pieces")]
    TooLong {
        /// Which part went over.
        part: String,
        /// Most pages.
        most: usize,
    },
    /// More work than allowed.
    #[error("{part}: takes too long to print; simplify it or send it as TIFF")]
    TooSlow {
        /// Which part.
        part: String,
    },
}

impl RenderError {
    /// Enhanced status code, RFC 3463: 5.6.1 media not supported, 5.6.3 conversion not supported, 5.2.3 too long.
    pub fn status(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "5.2.3",
            Self::Locked { .. } | Self::TooSlow { .. } | Self::NotPage { .. } => "5.6.3",
            _ => "5.6.1",
        }
    }
}
