//! `answertone lines`: what is there, in which formats, and what could be a telephone line.

use std::process::ExitCode;

use answertone_hw::sound::list::{Fit, HookDevice, Silent, SoundDevice, devices, hooks, serial_ports};
use clap::Args;
use serde_json::{Value, json};

use super::error::CliError;

/// List sound devices and hook switches, and which could be a telephone line.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  answertone lines --json")]
pub(super) struct LinesArgs {
    /// Print the list as JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &LinesArgs) -> Result<ExitCode, CliError> {
    let (sound, silent) = devices();
    let (hooks, ports) = (hooks(), serial_ports());
    if args.json {
        println!("{}", as_json(&sound, &silent, &hooks, &ports));
    } else {
        print!("{}", for_people(&sound, &silent, &hooks, &ports));
    }
    Ok(ExitCode::SUCCESS)
}

/// The line's URI.
fn uri(device: &SoundDevice) -> String {
    format!("cpal:{}?host={}", device.id, device.host)
}

fn as_json(sound: &[SoundDevice], silent: &[Silent], hooks: &[HookDevice], ports: &[String]) -> Value {
    let sound: Vec<Value> = sound
        .iter()
        .map(|device| {
            json!({
                "line": uri(device), "host": device.host, "id": device.id, "name": device.name,
                "input_rates": device.input_rates, "output_rates": device.output_rates,
                "channels": [device.channels.0, device.channels.1], "formats": device.formats,
                "fit": word(device.fit), "telephone_line": device.fit == Fit::Telephone,
            })
        })
        .collect();
    let hooks: Vec<Value> = hooks
        .iter()
        .map(|hook| json!({ "hook": hook.uri, "name": hook.name, "usb": usb(hook), "tells_ringing": hook.rings }))
        .collect();
    let silent: Vec<Value> = silent.iter().map(|(host, why)| json!({ "host": host, "reason": why })).collect();
    json!({ "sound": sound, "hooks": hooks, "serial_ports": ports, "unavailable": silent })
}

fn word(fit: Fit) -> &'static str {
    match fit {
        Fit::Telephone => "telephone",
        Fit::Both => "both_directions",
        Fit::InputOnly => "input_only",
        Fit::OutputOnly => "output_only",
        Fit::No => "none",
    }
}

fn usb(hook: &HookDevice) -> String {
    format!("{:04x}:{:04x}", hook.usb.0, hook.usb.1)
}

fn for_people(sound: &[SoundDevice], silent: &[Silent], hooks: &[HookDevice], ports: &[String]) -> String {
    let mut text = String::new();
    let (unfit, fit): (Vec<_>, Vec<_>) = sound.iter().partition(|device| device.fit == Fit::No);
    for device in &fit {
        text += &format!("{}\n  {}\n  {}\n  {}\n", uri(device), device.name, formats(device), advice(device.fit));
    }
    for hook in hooks {
        let rings = if hook.rings { "tells ringing" } else { "does not tell ringing" };
        text += &format!("hook={}\n  {} ({}), {rings}\n", hook.uri, hook.name, usb(hook));
    }
    for port in ports {
        text += &format!("hook=serial:{port}\n  a serial port; a hook switch if a relay is wired to RTS or DTR\n");
    }
    for (host, why) in silent {
        text += &format!("{host}: not available here: {why}\n");
    }
    if !unfit.is_empty() {
        let ids: Vec<&str> = unfit.iter().map(|device| device.id.as_str()).collect();
        text += &format!("not there, or in no format that a line can use: {}\n", ids.join(", "));
    }
    if fit.is_empty() {
        text += "no sound device was found; lines without one are sim:, wav: and stdio:\n";
    }
    text
}

fn formats(device: &SoundDevice) -> String {
    let list = |rates: &[u32]| match rates {
        [] => "not".to_owned(),
        rates => rates.iter().map(u32::to_string).collect::<Vec<_>>().join(" "),
    };
    let (fewest, most) = device.channels;
    format!(
        "heard at: {}; spoken to at: {}; {fewest} to {most} channels; {}",
        list(&device.input_rates),
        list(&device.output_rates),
        device.formats.join(" ")
    )
}

fn advice(fit: Fit) -> &'static str {
    match fit {
        Fit::Telephone => "looks like a telephone adapter",
        Fit::Both => "could be a telephone line, if one is wired to it",
        Fit::InputOnly => "one direction of a line: input=",
        Fit::OutputOnly => "one direction of a line: output=",
        Fit::No => "no format that a line can use",
    }
}
