//! `wasi:io`, and the streams of `wasi:cli`: an input that has ended, two outputs that are lines in the log, and
//! waiting that is over at once.

use wasmtime::Result;
use wasmtime::component::{ComponentType, Linker, Lower, Resource, ResourceType};

use super::{Context, InputStream, IoError, OutputStream, Pollable, TerminalInput, TerminalOutput};
use super::{current, dropped, own};
use crate::contract::HostState;

/// How much a guest may write at once, in bytes: what WASI guarantees at least for blocking writes.
const CHUNK: u64 = 4096;

const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// `stream-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
enum StreamError {
    #[expect(dead_code, reason = "part of the type; no operation fails")]
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

type Streamed<T> = Result<(std::result::Result<T, StreamError>,)>;

pub(super) fn link(linker: &mut Linker<HostState>) -> Result<()> {
    io(linker)?;
    input(linker)?;
    output(linker)?;
    cli(linker)
}

fn io(linker: &mut Linker<HostState>) -> Result<()> {
    let mut error = linker.instance("wasi:io/error@0.2.0")?;
    error.resource("error", ResourceType::host::<IoError>(), dropped)?;
    error.func_wrap("[method]error.to-debug-string", |_: Context<'_>, (_error,): (Resource<IoError>,)| {
        Ok((String::new(),))
    })?;

    let mut poll = linker.instance("wasi:io/poll@0.2.0")?;
    poll.resource("pollable", ResourceType::host::<Pollable>(), dropped)?;
    poll.func_wrap("[method]pollable.ready", |_: Context<'_>, (_one,): (Resource<Pollable>,)| Ok((true,)))?;
    poll.func_wrap("[method]pollable.block", |_: Context<'_>, (_one,): (Resource<Pollable>,)| Ok(()))?;
    poll.func_wrap("poll", |_: Context<'_>, (all,): (Vec<Resource<Pollable>>,)| {
        Ok(((0..).zip(all).map(|(index, _)| index).collect::<Vec<u32>>(),))
    })
}

fn input(linker: &mut Linker<HostState>) -> Result<()> {
    type Part = (Resource<InputStream>, u64);
    let mut streams = linker.instance("wasi:io/streams@0.2.0")?;
    streams.resource("input-stream", ResourceType::host::<InputStream>(), dropped)?;
    for name in ["[method]input-stream.read", "[method]input-stream.blocking-read"] {
        streams.func_wrap(name, |_: Context<'_>, _: Part| -> Streamed<Vec<u8>> {
            Ok((Err(StreamError::Closed),))
        })?;
    }
    for name in ["[method]input-stream.skip", "[method]input-stream.blocking-skip"] {
        streams.func_wrap(name, |_: Context<'_>, _: Part| -> Streamed<u64> {
            Ok((Err(StreamError::Closed),))
        })?;
    }
    streams.func_wrap(
        "[method]input-stream.subscribe",
        |mut context: Context<'_>, (_stream,): (Resource<InputStream>,)| {
            Ok((own::<Pollable>(&mut context, 0),))
        },
    )
}

fn output(linker: &mut Linker<HostState>) -> Result<()> {
    let mut streams = linker.instance("wasi:io/streams@0.2.0")?;
    streams.resource("output-stream", ResourceType::host::<OutputStream>(), dropped)?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |_: Context<'_>, (_stream,): (Resource<OutputStream>,)| -> Streamed<u64> { Ok((Ok(CHUNK),)) },
    )?;
    for name in ["[method]output-stream.write", "[method]output-stream.blocking-write-and-flush"] {
        streams.func_wrap(
            name,
            |mut context: Context<'_>, (stream, bytes): (Resource<OutputStream>, Vec<u8>)| -> Streamed<()> {
                let output = &mut current(&mut context).output;
                output.write(if stream.rep() == STDERR { "stderr" } else { "stdout" }, &bytes);
                Ok((Ok(()),))
            },
        )?;
    }
    for name in ["[method]output-stream.flush", "[method]output-stream.blocking-flush"] {
        streams.func_wrap(name, |_: Context<'_>, (_stream,): (Resource<OutputStream>,)| -> Streamed<()> {
            Ok((Ok(()),))
        })?;
    }
    // Zeroes are no text.
    for name in
        ["[method]output-stream.write-zeroes", "[method]output-stream.blocking-write-zeroes-and-flush"]
    {
        streams.func_wrap(name, |_: Context<'_>, _: (Resource<OutputStream>, u64)| -> Streamed<()> {
            Ok((Ok(()),))
        })?;
    }
    type Splice = (Resource<OutputStream>, Resource<InputStream>, u64);
    for name in ["[method]output-stream.splice", "[method]output-stream.blocking-splice"] {
        streams.func_wrap(name, |_: Context<'_>, _: Splice| -> Streamed<u64> {
            Ok((Err(StreamError::Closed),))
        })?;
    }
    streams.func_wrap(
        "[method]output-stream.subscribe",
        |mut context: Context<'_>, (_stream,): (Resource<OutputStream>,)| {
            Ok((own::<Pollable>(&mut context, 0),))
        },
    )
}

fn cli(linker: &mut Linker<HostState>) -> Result<()> {
    linker.instance("wasi:cli/stdin@0.2.0")?.func_wrap("get-stdin", |mut context: Context<'_>, (): ()| {
        Ok((own::<InputStream>(&mut context, 0),))
    })?;
    for (interface, name, stream) in
        [("wasi:cli/stdout@0.2.0", "get-stdout", STDOUT), ("wasi:cli/stderr@0.2.0", "get-stderr", STDERR)]
    {
        linker.instance(interface)?.func_wrap(name, move |mut context: Context<'_>, (): ()| {
            Ok((own::<OutputStream>(&mut context, stream),))
        })?;
    }
    linker.instance("wasi:cli/terminal-input@0.2.0")?.resource(
        "terminal-input",
        ResourceType::host::<TerminalInput>(),
        dropped,
    )?;
    linker.instance("wasi:cli/terminal-output@0.2.0")?.resource(
        "terminal-output",
        ResourceType::host::<TerminalOutput>(),
        dropped,
    )?;
    linker
        .instance("wasi:cli/terminal-stdin@0.2.0")?
        .func_wrap("get-terminal-stdin", |_: Context<'_>, (): ()| Ok((None::<Resource<TerminalInput>>,)))?;
    for (interface, name) in [
        ("wasi:cli/terminal-stdout@0.2.0", "get-terminal-stdout"),
        ("wasi:cli/terminal-stderr@0.2.0", "get-terminal-stderr"),
    ] {
        linker
            .instance(interface)?
            .func_wrap(name, |_: Context<'_>, (): ()| Ok((None::<Resource<TerminalOutput>>,)))?;
    }
    Ok(())
}
