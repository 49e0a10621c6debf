//! The door by which a host starts the functions of a guest.
//!
//! The host calls one export with a function's name and its argument's bytes;
//! [`actors!`](crate::actors) makes that export out of a list of functions.

use crate::bindings::odeon::actor::{log, rpc};
use crate::codec::{Decode, Encode};
use crate::types::ExitReason;
use std::cell::Cell;
use std::panic::PanicHookInfo;

/// What an actor function gave back, until it is known which kind of thing that is.
///
/// A `Result` is an [`Encode`] type as well where its parts are, so which of the two
/// traits below is meant cannot be a matter of their bounds. It is one of how the
/// method is found: the compiler looks at fewer references first.
#[doc(hidden)]
pub struct Returned<T>(Cell<Option<T>>);

impl<T> Returned<T> {
    #[doc(hidden)]
    pub fn new(value: T) -> Self {
        Self(Cell::new(Some(value)))
    }

    fn take(&self) -> T {
        self.0.take().expect("what was returned is taken once")
    }
}

/// A value, which is the result where the function was called.
#[doc(hidden)]
pub trait ReturnedValue {
    /// As the host wants it.
    ///
    /// # Errors
    /// None.
    fn finish(&self) -> Result<(), ExitReason>;
}

impl<T: Encode> ReturnedValue for &Returned<T> {
    fn finish(&self) -> Result<(), ExitReason> {
        give(&self.take());
        Ok(())
    }
}

/// A value, or the reason for which the actor ends.
#[doc(hidden)]
pub trait ReturnedResult {
    /// As the host wants it.
    ///
    /// # Errors
    /// The reason for which the actor ends.
    fn finish(&self) -> Result<(), ExitReason>;
}

impl<T: Encode, E: Into<ExitReason>> ReturnedResult for Returned<Result<T, E>> {
    fn finish(&self) -> Result<(), ExitReason> {
        give(&self.take().map_err(Into::into)?);
        Ok(())
    }
}

/// What has no content needs no bytes, and an actor that gives nothing else does not
/// even import the function.
fn give<T: Encode>(value: &T) {
    if size_of::<T>() > 0 {
        rpc::give_result(&value.encode());
    }
}

/// Makes functions of this crate startable as actors, under their names.
///
/// Each takes one argument, any [`Decode`](crate::Decode) type, and gives back an
/// [`Encode`](crate::Encode) type or a `Result` of one whose error turns into an
/// [`ExitReason`]. What it gives back is the result where it was called, as by
/// [`rpc::call`](crate::rpc::call); otherwise nobody hears of it. Use the macro once in
/// a guest. `"name" => path` gives a function another name.
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
/// fn add((a, b): (u32, u32)) -> u32 {
///     a + b
/// }
///
/// actors! { echo, "greeter" => greet, add }
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
                use $crate::entry::{ReturnedResult as _, ReturnedValue as _};
                $crate::entry::install_panic_hook();
                match function.as_str() {
                    $($crate::actors!(@name $first $($path)?) => {
                        let function = $crate::actors!(@path $first $($path)?);
                        let returned = $crate::entry::run(function, argument)?;
                        (&returned).finish()
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
pub fn run<A: Decode, R>(
    function: fn(A) -> R,
    argument: Vec<u8>,
) -> Result<Returned<R>, ExitReason> {
    match A::decode(argument) {
        Ok(argument) => Ok(Returned::new(function(argument))),
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
