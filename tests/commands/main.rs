//! The program as its users see it: what it prints, what it answers with, what it
//! survives. Each test has a home of its own and random ports.

mod actors;
mod cluster;
mod files;
mod guests;
mod listings;
mod locks;
mod names;
mod nodes;
mod place;
mod remote;
mod rpc;
mod run;
mod todo;
