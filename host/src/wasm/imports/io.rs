//! `odeon:actor/io`: the group leader, and being one.

use odeon_core::limits::MESSAGE_BYTES_MAX;
use odeon_core::signal::{IoError, IoReply, IoRequest, Signal};
use odeon_core::{Envelope, Pid, Reason};

use crate::wasm::bindings::odeon::actor::{io, types};
use crate::wasm::convert;
use crate::wasm::state::{Doomed, GuestState};

impl io::Host for GuestState {
    fn group_leader(&mut self) -> wasmtime::Result<types::Pid> {
        Ok(self.cell.state().process.group_leader().into())
    }

    fn set_group_leader(&mut self, leader: types::Pid, of: types::Pid) -> wasmtime::Result<()> {
        let signal = Signal::GroupLeader(leader.into());
        let (from, to) = (self.cell.pid, Pid::from(of));
        if to == from {
            // To oneself it acts at once, as every signal to oneself does.
            return self.act(|process, effects| {
                process.signal(Envelope { from, to, signal }, effects);
            });
        }
        self.runtime.route(Envelope { from, to, signal });
        Ok(())
    }

    async fn put_chars(
        &mut self,
        channel: io::Channel,
        chars: Vec<u8>,
    ) -> wasmtime::Result<Result<(), io::IoError>> {
        let request = IoRequest::PutChars(convert::channel(channel), chars.into());
        Ok(match self.ask_leader(request).await? {
            IoReply::Done => Ok(()),
            other => Err(unexpected(other).into()),
        })
    }

    async fn get_line(
        &mut self,
        prompt: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, io::IoError>> {
        Ok(match self.ask_leader(IoRequest::GetLine(prompt)).await? {
            IoReply::Data(line) => Ok(Some(line.into())),
            IoReply::Eof => Ok(None),
            other => Err(unexpected(other).into()),
        })
    }

    async fn ask(
        &mut self,
        leader: types::Pid,
        request: io::Request,
    ) -> wasmtime::Result<io::Reply> {
        Ok(self.ask_io(leader.into(), request.into()).await?.into())
    }

    fn answer(
        &mut self,
        to: types::Pid,
        reply_as: types::Reference,
        reply: io::Reply,
    ) -> wasmtime::Result<()> {
        let signal = Signal::IoReply { reply_as: reply_as.into(), reply: reply.into() };
        self.runtime.route(Envelope { from: self.cell.pid, to: to.into(), signal });
        Ok(())
    }
}

impl GuestState {
    async fn ask_leader(&mut self, request: IoRequest) -> wasmtime::Result<IoReply> {
        let leader = self.cell.state().process.group_leader();
        self.ask_io(leader, request).await
    }

    async fn ask_io(&mut self, leader: Pid, request: IoRequest) -> wasmtime::Result<IoReply> {
        if let IoRequest::PutChars(_, bytes) = &request
            && bytes.len() > MESSAGE_BYTES_MAX
        {
            let max = MESSAGE_BYTES_MAX;
            let text = format!("message-bytes-max of {max} exceeded: output of {}", bytes.len());
            return Err(GuestState::stop(self, Reason::Limit(text.into())));
        }
        let answer = self.runtime.ask_io(&self.cell, leader, request);
        Ok(answer.await.map_err(|_| Doomed)?)
    }
}

/// A reply that does not fit its request, as an error.
fn unexpected(reply: IoReply) -> IoError {
    match reply {
        IoReply::Failed(error) => error,
        IoReply::Done | IoReply::Data(_) | IoReply::Eof | IoReply::Options(_) => {
            IoError::Other("the group leader gave an answer to something else".into())
        }
    }
}
