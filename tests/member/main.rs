//! A node of a cluster of the tests, in a process of its own. A test starts it and tells it
//! what to do over its standard input, which is one end of a pair of sockets; when the other
//! end is closed, however the test ended, it ends.

fn main() {
    odeon_tests::cluster::obey();
}
