;; An actor by nothing but the contract: it imports the host's functions under their
;; names, by the canonical ABI, and exports the door at which SDK actors start. A host
;; knows the types. Its memory: the text at 16, what a write gives at 64, the result of
;; the start at 128, and what the host hands over from 1024 on.
(module
  ;; put-chars: func(channel, list<u8>) -> result<_, io-error>
  (import "odeon:actor/io@0.1.0" "put-chars" (func $put (param i32 i32 i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "hello by hand\n")

  ;; The host asks for room for the function's name and argument. They are not read here,
  ;; so they may lie over each other; what does not fit into the page is a trap.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    i32.const 1024)

  ;; start: func(string, list<u8>) -> result<_, exit-reason>, of which 0 at 128 is `ok`
  (func (export "odeon:actor/entry@0.1.0#start") (param i32 i32 i32 i32) (result i32)
    (call $put (i32.const 0) (i32.const 16) (i32.const 14) (i32.const 64))
    i32.const 128))
