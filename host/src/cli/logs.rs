//! `odeon logs`: what actors without a terminal wrote.

use odeon::control::api::{Line, Request};
use odeon::control::client::{ClientError, decode, outcome_of};
use odeon::control::mux::Event;

use super::Common;
use super::exit::{Exit, code};
use super::{output, remote};

/// Shows what actors without a terminal wrote, and how they ended; those of other nodes
/// too that were made from here, with their node in front.
#[derive(Debug, clap::Args)]
pub(crate) struct Logs {
    /// Only this actor's: its short id (of a dead one too), pid (of another node's too) or
    /// name.
    id: Option<String>,
    /// Go on with what comes, until interrupted.
    #[arg(long, short)]
    follow: bool,
    /// Print one JSON document; with --follow, one object a line.
    #[arg(long)]
    json: bool,
}

impl Logs {
    pub(crate) async fn run(self, common: &Common) -> Result<u8, Exit> {
        let client = remote::connect(common).await?;
        let request = Request::Logs { actor: self.id.clone(), follow: self.follow };
        if self.json && !self.follow {
            let lines: Vec<Line> = client.list(&request).await?;
            output::json(&lines)?;
            return Ok(code::OK);
        }
        let mut exchange = client.open(&request)?;
        loop {
            let event = tokio::select! {
                event = exchange.next() => event,
                Ok(()) = tokio::signal::ctrl_c() => return Ok(code::OK),
            };
            match event {
                Some(Event::Data(piece)) => self.show(&decode::<Vec<Line>>(&piece)?)?,
                Some(Event::Reply(outcome, body)) => {
                    outcome_of::<()>(outcome, &body)?;
                    return Ok(code::OK);
                }
                Some(Event::End) => {}
                Some(Event::Cancelled) | None => return Err(ClientError::Gone.into()),
            }
        }
    }

    fn show(&self, lines: &[Line]) -> Result<(), Exit> {
        let mut text = String::new();
        for line in lines {
            if self.json {
                let row = serde_json::to_string(line)
                    .map_err(|error| Exit::failed(format!("cannot write JSON: {error}")))?;
                text.push_str(&row);
            } else {
                let mark = match line.channel.as_str() {
                    "output" => "",
                    "error" => "! ",
                    _ => "* ",
                };
                let said = output::safe(&line.text).replace('\n', "\\n");
                let who = match &line.node {
                    Some(node) => format!("{node}/{}", line.actor),
                    None => line.actor.to_string(),
                };
                text.push_str(&format!("{:>6}  {mark}{said}", output::safe(&who)));
            }
            text.push('\n');
        }
        output::bytes(text.as_bytes())
    }
}
