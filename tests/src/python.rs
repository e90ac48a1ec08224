//! Conversations of the official Python SDKs, and other scripts.

use std::ffi::OsStr;

use serde_json::Value;
use tokio::process::Command;

use crate::clients::{self, Client, Server};
use crate::environment::Sdk;

/// Lets a client of the SDK connect and take some steps, as [`Client::converse`] does.
pub async fn converse(sdk: Sdk, server: &Server, variables: &[(&str, String)], steps: &Value) -> Vec<Value> {
    let steps = steps.as_array().expect("steps are a list");
    Client::python(sdk, None).converse(server, variables, steps).await
}

/// Runs a script that prints JSON.
pub async fn json(sdk: Sdk, arguments: &[&OsStr], variables: &[(&str, String)]) -> Value {
    let mut command = Command::new(sdk.program("python"));
    command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
    clients::printed(command).await
}
