//! Tells other programs of each fax that is over, again and again until they have it.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs as provider};
use tracing::{error, info, warn};

use super::{Shared, mail_out::wait};
use crate::{
    hexadecimal::hexadecimal,
    store::{StoreError, Webhook, now},
};

/// Waiting times between attempts; the last one repeats.
const RETRY: [Duration; 4] =
    [Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(3600)];
/// After so many attempts, most of a day, nobody is there.
const ATTEMPTS: i64 = 24;
/// The longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn work(shared: Arc<Shared>) {
    // Whoever was first has said the same.
    let _ = CryptoProvider::install_default(provider::default_provider());
    let client = match reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()
    {
        Ok(client) => client,
        Err(failure) => return error!(%failure, "no webhook can be called"),
    };
    while !shared.stopping() {
        if let Err(failure) = tell(&shared, &client).await {
            error!(%failure, "webhooks cannot be read or written; trying again");
        }
        let due = shared.store.next_webhook_due().await.unwrap_or_default();
        shared.rest(&shared.hook_due, due).await;
    }
}

async fn tell(shared: &Shared, client: &reqwest::Client) -> Result<(), StoreError> {
    while shared.store.queue_webhooks(&shared.config.api.webhooks).await? > 0 {}
    while let Some(webhook) = shared.store.due_webhook().await? {
        match post(shared, client, &webhook).await {
            Ok(()) => {
                shared.store.webhook_ends(webhook.id, true, None).await?;
                info!(webhook = webhook.id, url = webhook.url, "told");
            }
            Err(said) if webhook.attempts + 1 >= ATTEMPTS => {
                error!(webhook = webhook.id, url = webhook.url, said, "a webhook is given up");
                shared.store.webhook_ends(webhook.id, false, Some(&said)).await?;
            }
            Err(said) => {
                let wait = wait(&RETRY, webhook.attempts);
                warn!(webhook = webhook.id, url = webhook.url, said, wait_s = wait.as_secs(), "a webhook is not taken");
                shared.store.webhook_waits(webhook.id, now() + wait.as_millis() as i64, &said).await?;
            }
        }
        if shared.stopping() {
            break;
        }
    }
    Ok(())
}

/// The same webhook posted twice has the same number, by which the program can tell.
async fn post(shared: &Shared, client: &reqwest::Client, webhook: &Webhook) -> Result<(), String> {
    let mut request = client
        .post(&webhook.url)
        .header("Content-Type", "application/json")
        .header("Answertone-Webhook", webhook.id.to_string())
        .body(webhook.body.clone());
    if let Some(secret) = &shared.config.api.webhook_secret {
        request = request.header("Answertone-Signature", format!("sha256={}", signature(&secret.0, &webhook.body)));
    }
    let answer = request.send().await.map_err(|error| error.without_url().to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("it answers {}", answer.status())) }
}

/// HMAC-SHA-256 of the body in hexadecimal digits.
fn signature(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hexadecimal(hmac::sign(&key, body.as_bytes()).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_rfc_4231_has_it() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(signature("Jefe", "what do ya want for nothing?"), expected);
    }
}
