//! What the kernel and we agree on: request numbers and structures of `<dahdi/user.h>`.
//!
//! A test compares every number and size with the header itself where it is installed.

#![allow(unsafe_code)] // What ioctl_*! writes calls into the kernel with a pointer.
#![allow(missing_docs)] // ioctl_*! writes functions without.

use std::os::raw::c_int;

/// The letter of all requests.
const CODE: u8 = 0xda;

/// How a channel's blocks are buffered.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BufferInfo {
    /// When sending begins: 0 at once, 1 when the buffers are full.
    pub tx_policy: c_int,
    /// The same for receiving.
    pub rx_policy: c_int,
    /// Buffers, 2 to 32.
    pub buffers: c_int,
    /// Octets in each.
    pub octets: c_int,
    /// Full ones to be read; told by the kernel.
    pub to_read: c_int,
    /// Full ones to be sent; told by the kernel.
    pub to_write: c_int,
}

/// A gain of the hardware.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardwareGain {
    /// Tenths of a decibel.
    pub tenths_db: i32,
    /// 0 for what is received, 1 for what is sent.
    pub direction: u32,
}

/// Most octets of what is dialled at once, with the zero that ends it.
const MOST_DIALLED: usize = 256;

/// What the driver does with its dialling.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DialOperation {
    /// 1 to add to what is dialled already.
    pub operation: c_int,
    /// What is dialled, with a zero at its end.
    pub signs: [u8; MOST_DIALLED],
}

impl DialOperation {
    /// Adds to what is dialled already.
    pub fn append(what: &str) -> Self {
        let mut signs = [0; MOST_DIALLED];
        signs[..MOST_DIALLED - 1].iter_mut().zip(what.bytes()).for_each(|(to, sign)| *to = sign);
        Self { operation: 1, signs }
    }
}

/// Request numbers, with the direction and the size that belong to them.
pub const REQUESTS: [(&str, u64); 12] = [
    ("DAHDI_SET_BLOCKSIZE", write_int(1)),
    ("DAHDI_FLUSH", write_int(3)),
    ("DAHDI_HOOK", write_int(7)),
    ("DAHDI_GETEVENT", nix::request_code_read!(CODE, 8, size_of::<c_int>())),
    ("DAHDI_SET_BUFINFO", nix::request_code_write!(CODE, 27, size_of::<BufferInfo>())),
    ("DAHDI_DIAL", nix::request_code_write!(CODE, 31, size_of::<DialOperation>())),
    ("DAHDI_AUDIOMODE", write_int(32)),
    ("DAHDI_ECHOCANCEL", write_int(33)),
    ("DAHDI_SPECIFY", write_int(38)),
    ("DAHDI_SETLAW", write_int(39)),
    ("DAHDI_SETLINEAR", write_int(40)),
    ("DAHDI_SET_HWGAIN", nix::request_code_write!(CODE, 86, size_of::<HardwareGain>())),
];

const fn write_int(number: u8) -> u64 {
    nix::request_code_write!(CODE, number, size_of::<c_int>())
}

// SAFETY: the functions are unsafe to call, and say so in their type; each is made with the type that the header has for its
// request, which the test below the header compares. Who calls answers for the descriptor and the pointer.
nix::ioctl_write_ptr!(set_block_octets, CODE, 1, c_int);
nix::ioctl_write_ptr!(flush, CODE, 3, c_int);
nix::ioctl_write_ptr!(hook, CODE, 7, c_int);
nix::ioctl_read!(event, CODE, 8, c_int);
nix::ioctl_write_ptr!(set_buffers, CODE, 27, BufferInfo);
nix::ioctl_write_ptr!(dial, CODE, 31, DialOperation);
nix::ioctl_write_ptr!(audio_mode, CODE, 32, c_int);
nix::ioctl_write_ptr!(echo_canceller, CODE, 33, c_int);
nix::ioctl_write_ptr!(specify, CODE, 38, c_int);
nix::ioctl_write_ptr!(set_law, CODE, 39, c_int);
nix::ioctl_write_ptr!(set_linear, CODE, 40, c_int);
nix::ioctl_write_ptr!(set_hardware_gain, CODE, 86, HardwareGain);
