//! The door by which a host starts the functions of a guest.
//!
//! The host calls one export with a function's name and its argument's bytes;
//! [`actors!`](crate::actors) makes that export out of a list of functions.

use crate::bindings::odeon::actor::log;
use crate::codec::Decode;
use crate::types::ExitReason;
use std::panic::PanicHookInfo;

/// What an actor function may give back.
pub trait Outcome {
    /// As the host wants it.
    ///
    /// # Errors
    /// The reason for which the actor ends, where it is not `Normal`.
    fn into_result(self) -> Result<(), ExitReason>;
}

impl Outcome for () {
    fn into_result(self) -> Result<(), ExitReason> {
        Ok(())
    }
}

impl<E: Into<ExitReason>> Outcome for Result<(), E> {
    fn into_result(self) -> Result<(), ExitReason> {
        self.map_err(Into::into)
    }
}

/// Makes functions of this crate startable as actors, under their names.
///
/// Each takes one argument, any [`Decode`](crate::Decode) type, and gives back
/// nothing or a `Result` whose error turns into an [`ExitReason`]. Use the
/// macro once in a guest. `"name" => path` gives a function another name.
///
/// ```no_run
/// use odeon_guest::{actors, receive, send, ActorResult, Pid};
///
/// fn echo(_: ()) -> ActorResult {
///     loop {
///         let (from, text) = receive::<String>()?;
///         send(from, &text);
///     }
/// }
///
/// fn greet(to: Pid) {
///     send(to, "hello");
/// }
///
/// actors! { echo, "greeter" => greet }
/// ```
#[macro_export]
macro_rules! actors {
    (@name $function:ident) => { ::std::stringify!($function) };
    (@name $name:literal $path:path) => { $name };
    (@path $function:ident) => { $function };
    (@path $name:literal $path:path) => { $path };
    ($($first:tt $(=> $path:path)?),+ $(,)?) => {
        struct OdeonEntry;

        impl $crate::bindings::exports::odeon::actor::entry::Guest for OdeonEntry {
            fn start(
                function: ::std::string::String,
                argument: ::std::vec::Vec<u8>,
            ) -> ::std::result::Result<(), $crate::ExitReason> {
                $crate::entry::install_panic_hook();
                match function.as_str() {
                    $($crate::actors!(@name $first $($path)?) => {
                        $crate::entry::run($crate::actors!(@path $first $($path)?), argument)
                    })+
                    _ => $crate::entry::unknown(
                        &function,
                        &[$($crate::actors!(@name $first $($path)?)),+],
                    ),
                }
            }
        }

        $crate::bindings::export_entry!(OdeonEntry with_types_in $crate::bindings);
    };
}

/// Runs a function with its argument's bytes.
#[doc(hidden)]
pub fn run<A: Decode, R: Outcome>(
    function: fn(A) -> R,
    argument: Vec<u8>,
) -> Result<(), ExitReason> {
    match A::decode(argument) {
        Ok(argument) => function(argument).into_result(),
        Err(error) => {
            Err(ExitReason::Error(["argument of the start function: ", &error.problem].concat()))
        }
    }
}

/// The answer to a name that nobody has, with the names that there are.
#[doc(hidden)]
pub fn unknown(function: &str, known: &[&str]) -> Result<(), ExitReason> {
    let text = ["no function `", function, "` in this module; it has ", &known.join(", ")];
    Err(ExitReason::Error(text.concat()))
}

/// Makes a panic's text part of the exit reason: the trap alone does not say why.
#[doc(hidden)]
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(report_panic));
}

fn report_panic(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without a text");
    match info.location() {
        Some(place) => log::panic(&format!("{text} ({place})")),
        None => log::panic(text),
    }
}
