// Package odeon is for actors in Go.
//
//	package main
//
//	import "odeon"
//
//	func echo() {
//		for {
//			if message, is := odeon.Receive().(odeon.Message); is {
//				odeon.SendBytes(message.Sender, message.Body)
//			}
//		}
//	}
//
//	func init() {
//		odeon.Actor("echo", echo)
//	}
//
//	func main() {} // Go wants one; actors start at their functions
//
// An actor is a function with a mailbox, in an instance of WebAssembly of its own. Nothing is
// asynchronous: Receive waits, and other actors run meanwhile. What the function returns is the
// result where it was called by rpc; an error that it returns is the reason for which the actor
// ends. A panic is a trap, whose reason has the text and the stack; it ends this actor and
// nothing else.
//
// Goroutines take turns within the actor, and only while it runs: a call of the host that waits,
// as Receive does, makes all of them wait. What actors do at the same time is for other actors.
//
// Values travel as docs/messages.md says; Marshal has the table. fmt.Println and os.Stdin are
// those of the actor's group leader; package time has its clock. What the host refuses is an
// *Error, which errors.Is compares with a Kind.
//
// Without the build constraint wasip1 the package has only what needs no host: the words of
// the contract and the encoding of messages.
package odeon
