//! What a node's configuration says about other nodes: which it joins, which may come,
//! what they may do.

use std::time::Duration;

use odeon_core::node::{AutoConnect, NODES_ALLOWED_MAX};
use serde::Deserialize;

use super::{ConfigError, whole_name};
use crate::cluster::{AcceptCalls, AcceptModules, Policy, TICK_TIME};
use crate::modules::digest::Digest;
use crate::modules::store::bad_name;
use crate::net::dial::Target;

/// Nodes that a node can be told to join at its start.
const JOIN_MAX: usize = 256;

/// The shortest and the longest tick time.
const TICK_TIMES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(3600);

/// `[cluster]`, or what flags and variables say about the same.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ClusterTable {
    /// Nodes to connect with at the start, each as `name@host` or `name@host:port`.
    pub join: Vec<String>,
    /// Others are not told of it, and it connects with nobody by hearsay.
    pub hidden: Option<bool>,
    /// Connect with every node that a connected node is connected with.
    pub mesh: Option<bool>,
    /// `always`, `once` or `never`.
    pub auto_connect: Option<String>,
    /// The only nodes that may connect.
    pub allow: Vec<String>,
    /// Seconds that a silent node counts as there.
    pub tick_time: Option<f64>,
    /// Compress what goes to nodes that can read it.
    pub compress: Option<bool>,
    /// Modules that other nodes may bring along: `any`, `none`, or digests.
    pub accept_modules: Option<Accept>,
    /// Make actors for other nodes.
    pub remote_spawn: Option<bool>,
    /// Modules whose functions other nodes may call: `any`, `none`, or names and
    /// digests.
    pub calls: Option<Accept>,
    /// Whether one actor may have several cluster names.
    pub several_names: Option<bool>,
}

/// `any`, `none`, or digests or names: with commas, or as a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Accept {
    /// A word, or a list with commas.
    Text(String),
    /// A list.
    List(Vec<String>),
}

/// What counts in the end, for a node that is to run.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// Nodes to connect with at the start.
    pub join: Vec<String>,
    /// See [`ClusterTable::hidden`].
    pub hidden: bool,
    /// See [`ClusterTable::mesh`].
    pub mesh: bool,
    /// When a signal to an unconnected node connects to it.
    pub auto_connect: AutoConnect,
    /// The only nodes that may connect; all with the cookie if absent.
    pub allow: Option<Vec<String>>,
    /// How long a silent node counts as there.
    pub tick_time: Duration,
    /// See [`ClusterTable::compress`].
    pub compress: bool,
    /// What other nodes may do here.
    pub policy: Policy,
    /// See [`ClusterTable::several_names`].
    pub several_names: bool,
}

impl ClusterTable {
    /// What counts, where `over` wins over this.
    pub(super) fn settings(&self, over: &Self, host: &str) -> Result<ClusterSettings, ConfigError> {
        let list = |over: &Vec<String>, own: &Vec<String>| match over.is_empty() {
            true => own.clone(),
            false => over.clone(),
        };
        let join = list(&over.join, &self.join);
        if join.len() > JOIN_MAX {
            return Err(wrong(format!("a node joins at most {JOIN_MAX} others at its start")));
        }
        let join = join.iter().map(|node| Ok(whole_target(node, host)?.to_string()));
        let join: Result<_, ConfigError> = join.collect();
        let allow = list(&over.allow, &self.allow);
        if allow.len() > NODES_ALLOWED_MAX {
            return Err(wrong(format!("at most {NODES_ALLOWED_MAX} nodes can be allowed")));
        }
        let allow: Result<Vec<_>, _> = allow.iter().map(|node| whole_name(node, host)).collect();
        let auto_connect = over.auto_connect.as_ref().or(self.auto_connect.as_ref());
        let seconds = over.tick_time.or(self.tick_time);
        let accept = over.accept_modules.as_ref().or(self.accept_modules.as_ref());
        let calls = over.calls.as_ref().or(self.calls.as_ref());
        let allow = Some(allow?).filter(|names| !names.is_empty());
        Ok(ClusterSettings {
            join: join?,
            hidden: over.hidden.or(self.hidden).unwrap_or(false),
            mesh: over.mesh.or(self.mesh).unwrap_or(true),
            auto_connect: match auto_connect.map(String::as_str) {
                None | Some("always") => AutoConnect::Always,
                Some("once") => AutoConnect::Once,
                Some("never") => AutoConnect::Never,
                Some(other) => {
                    return Err(wrong(format!(
                        "auto-connect `{other}` is none of always, once and never"
                    )));
                }
            },
            allow,
            tick_time: match seconds {
                Some(seconds) => tick_seconds(seconds)?,
                None => TICK_TIME,
            },
            compress: over.compress.or(self.compress).unwrap_or(false),
            policy: Policy {
                modules: accept.map_or(Ok(AcceptModules::Any), accepted)?,
                no_spawns: !over.remote_spawn.or(self.remote_spawn).unwrap_or(true),
                calls: calls.map(called).transpose()?,
            },
            several_names: over.several_names.or(self.several_names).unwrap_or(false),
        })
    }
}

/// The node that is meant by `name`, `name@host` or `name@host:port`; a name alone gets
/// this host.
pub(super) fn whole_target(text: &str, host: &str) -> Result<Target, ConfigError> {
    let (name, port) = match text.rsplit_once(':') {
        Some((name, port)) => match port.parse() {
            Ok(port) if port > 0 => (name, Some(port)),
            _ => return Err(wrong(format!("`{text}`: `{port}` is no port: write name@host:4370"))),
        },
        None => (text, None),
    };
    Ok(Target { name: whole_name(name, host)?, port, hints: Vec::new() })
}

/// A tick time, if it is one.
///
/// # Errors
/// When it is too short or too long.
pub fn tick_time(time: Duration) -> Result<Duration, ConfigError> {
    if TICK_TIMES.contains(&time) {
        return Ok(time);
    }
    let [least, most] = [TICK_TIMES.start(), TICK_TIMES.end()].map(Duration::as_secs_f64);
    Err(wrong(format!("the tick time is {least} to {most} seconds")))
}

/// A tick time in seconds, if it is one.
///
/// # Errors
/// When it is too short or too long.
pub fn tick_seconds(seconds: f64) -> Result<Duration, ConfigError> {
    tick_time(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

impl Accept {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Text(text) if text == word)
    }

    fn list(&self) -> Vec<&str> {
        match self {
            Self::Text(text) => text.split(',').map(str::trim).collect(),
            Self::List(list) => list.iter().map(String::as_str).collect(),
        }
    }
}

fn called(accept: &Accept) -> Result<AcceptCalls, ConfigError> {
    if accept.is("any") {
        return Ok(AcceptCalls::Any);
    }
    if accept.is("none") {
        return Ok(AcceptCalls::None);
    }
    let modules = accept.list().into_iter().map(|text| match bad_name(text) {
        None => Ok(text.parse::<Digest>().map_or(text.to_owned(), |digest| digest.to_string())),
        Some(why) => Err(wrong(format!(
            "calls: `{text}` is neither any, none, nor a module's name or digest: {why}"
        ))),
    });
    Ok(AcceptCalls::Listed(modules.collect::<Result<_, _>>()?))
}

fn accepted(accept: &Accept) -> Result<AcceptModules, ConfigError> {
    if accept.is("any") {
        return Ok(AcceptModules::Any);
    }
    if accept.is("none") {
        return Ok(AcceptModules::None);
    }
    let digests = accept.list().into_iter().map(|text| match text.parse::<Digest>() {
        Ok(digest) => Ok(digest.to_string()),
        Err(_) => Err(wrong(format!(
            "accept-modules: `{text}` is neither any, none, nor the 64 digits of a digest \
             (`odeon modules --json` shows them)"
        ))),
    });
    Ok(AcceptModules::Listed(digests.collect::<Result<_, _>>()?))
}

fn wrong(text: impl Into<String>) -> ConfigError {
    ConfigError::Value(text.into())
}

#[cfg(test)]
#[path = "cluster_test.rs"]
mod tests;
