//! The interfaces behind asks ∩ grants: `log`, `memory` and `http` of this version.

use std::time::Duration;

use wasmtime::Result;

use super::bindings::bartizan::policy::{http, log, memory};
use crate::contract::HostState;
use crate::interfaces::http::{Request, Response};
use crate::interfaces::log::Level;

impl log::Host for HostState {
    fn write(&mut self, level: log::Level, message: String) -> Result<()> {
        let level = match level {
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        Ok(self.interfaces.log.write(level, &message)?)
    }
}

impl memory::Host for HostState {
    fn get(&mut self, key: String) -> Result<Option<memory::Json>> {
        let now = self.time_of_memory()?;
        Ok(self.interfaces.memory.get(&key, now)?)
    }

    fn set(&mut self, key: String, value: memory::Json, seconds: u32) -> Result<()> {
        let now = self.time_of_memory()?;
        Ok(self.interfaces.memory.set(&key, &value, seconds, now)?)
    }

    fn remove(&mut self, key: String) -> Result<()> {
        self.time_of_memory()?;
        Ok(self.interfaces.memory.remove(&key)?)
    }
}

impl http::Host for HostState {
    fn send(&mut self, request: http::Request) -> Result<std::result::Result<http::Response, String>> {
        self.may_send()?;
        let http::Request { method, url, headers, body, timeout } = request;
        let request = Request {
            method,
            url,
            headers: headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body,
            timeout: timeout.map(|timeout| Duration::from_millis(u64::from(timeout))),
        };
        Ok(self.interfaces.http.send(request)?.map(lower_response))
    }
}

fn lower_response(response: Response) -> http::Response {
    let Response { status, headers, body } = response;
    let headers = headers.into_iter().map(|(name, value)| http::Header { name, value }).collect();
    http::Response { status, headers, body }
}
