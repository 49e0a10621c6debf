;; The smallest actor: what `odeon bench` measures as "min". Its memory is a module
;; of its own, so that the imports can be lowered without the indirect table that
;; generators use. The function's first letter chooses what it does:
;;   i  answers every message with the same body, for ever
;;   o  receives one message and ends
;;   p  ping: pid, count u32: sends 64 bytes and waits for the answer, count times
;;   f  flood: pid, count u32: sends count hundreds of 64-byte messages; the last of
;;      each hundred asks for an answer, and two hundreds may be under way
;;   s  sink: count u32: receives so many messages, as many at a time as wait, and
;;      answers those that ask for it; it must get nothing but messages
;;   x  spins for ever
;;   l  latency: pid, pid, count u32: as ping, and sends the times, u64 nanoseconds
;;      each, to the second pid
;;   b  fib: n u32
;;   m  many: pid, count u32, bytes u32: sends so many messages of this length; the
;;      last asks for an answer, which is waited for
;;   e  as m, again and again
;;   w  spawns and watches: count u32, node's name: makes an actor there that ends at
;;      once, and waits for its down, one after the other
;;   r  calls: count u32, form u32, node's name: calls functions there, one after the
;;      other: `add(1, 2)` of the module `calc` where the form is 0, else `q` of this one
;;   q  adds two u32, and gives the sum as the result of the call
;;   d  down: pid, count u32: receives pids, 16 bytes each, watches them all, tells the
;;      pid when they are watched and when so many are down
;;   g  registers: pid, count u32, first u32: gives the actor so many cluster names, of
;;      four bytes, which are numbers above the first
;;   n  looks up: count u32, name: finds who has a cluster name, so many times
;; Any other ends at once.
;; `idle` is "i" as a function of its own: nothing is written to its memory until
;; the first message comes.
(component
  (type $types-type (instance
    (type $pid' (record (field "node" u64) (field "serial" u64)))
    (export "pid" (type $pid (eq $pid')))
    (type $reference' (record (field "node" u64) (field "serial" u64)))
    (export "reference" (type $reference (eq $reference')))
    (type $bytes (list u8))
    (type $exit-reason' (variant
      (case "normal") (case "shutdown") (case "kill") (case "killed") (case "noproc")
      (case "noconnection") (case "error" string) (case "trap" string)
      (case "limit" string) (case "exit-code" u8) (case "custom" $bytes)))
    (export "exit-reason" (type (eq $exit-reason')))
    (type $node-name' (record (field "name" string) (field "node" string)))
    (export "node-name" (type $node-name (eq $node-name')))
    (type $destination' (variant
      (case "pid" $pid) (case "name" string) (case "node-name" $node-name)
      (case "alias" $reference)))
    (export "destination" (type (eq $destination')))))
  (import "odeon:actor/types@0.1.0" (instance $types (type $types-type)))
  (alias export $types "pid" (type $pid))
  (alias export $types "reference" (type $reference))
  (alias export $types "exit-reason" (type $exit-reason))
  (alias export $types "destination" (type $destination))

  (type $process-type (instance
    (alias outer 1 $pid (type $pid'))
    (export "pid" (type $pid (eq $pid')))
    (alias outer 1 $reference (type $reference'))
    (export "reference" (type $reference (eq $reference')))
    (alias outer 1 $destination (type $destination'))
    (export "destination" (type $destination (eq $destination')))
    (type $spawn-error' (variant
      (case "no-module" string) (case "no-function" string) (case "bad-argument" string)
      (case "bad-name" string) (case "system-limit" string) (case "denied" string)
      (case "noconnection")))
    (export "spawn-error" (type $spawn-error (eq $spawn-error')))
    (type $bytes (list u8))
    (type $texts (list string))
    (type $module' (variant (case "this") (case "name" string) (case "digest" string)))
    (export "module" (type $module (eq $module')))
    (type $entry-call' (record (field "function" string) (field "argument" $bytes)))
    (export "entry-call" (type $entry-call (eq $entry-call')))
    (type $start' (variant
      (case "entry" $entry-call) (case "command" $texts) (case "call" string)))
    (export "start" (type $start (eq $start')))
    (type $alias-mode' (enum "explicit" "demonitor" "reply-demonitor"))
    (export "alias-mode" (type $alias-mode (eq $alias-mode')))
    (type $maybe-mode (option $alias-mode))
    (type $tag (option $bytes))
    (type $monitor-options' (record
      (field "alias" $maybe-mode) (field "tag" $tag) (field "priority" bool)))
    (export "monitor-options" (type $monitor-options (eq $monitor-options')))
    (type $number (option u64))
    (type $limits' (record
      (field "memory-bytes-max" $number) (field "table-elements-max" $number)
      (field "mailbox-messages-max" $number) (field "mailbox-bytes-max" $number)
      (field "children-max" $number)))
    (export "limits" (type $limits (eq $limits')))
    (type $text (option string))
    (type $maybe-monitor (option $monitor-options))
    (type $maybe-pid (option $pid))
    (type $maybe-limits (option $limits))
    (type $spawn-options' (record
      (field "node" $text) (field "link" bool) (field "monitor" $maybe-monitor)
      (field "name" $text) (field "group-leader" $maybe-pid) (field "limits" $maybe-limits)))
    (export "spawn-options" (type $spawn-options (eq $spawn-options')))
    (type $maybe-reference (option $reference))
    (type $spawned' (record (field "pid" $pid) (field "monitor" $maybe-reference)))
    (export "spawned" (type $spawned (eq $spawned')))
    (type $outcome (result $spawned (error $spawn-error)))
    (export "spawn-with" (func (param "module" $module) (param "start" $start)
      (param "options" $spawn-options) (result $outcome)))
    (export "monitor" (func (param "of" $destination) (param "options" $monitor-options)
      (result $reference)))))
  (import "odeon:actor/process@0.1.0" (instance $process (type $process-type)))
  (alias export $process "spawn-error" (type $spawn-error))
  (alias export $process "module" (type $module))
  (alias export $process "entry-call" (type $entry-call))
  (alias export $process "limits" (type $limits))

  (type $rpc-type (instance
    (alias outer 1 $exit-reason (type $exit-reason'))
    (export "exit-reason" (type $exit-reason (eq $exit-reason')))
    (type $call-error' (variant
      (case "no-module" string) (case "no-function" string) (case "bad-argument" string)
      (case "system-limit" string) (case "denied" string) (case "noconnection")
      (case "timeout") (case "ended" $exit-reason)))
    (export "call-error" (type $call-error (eq $call-error')))
    (alias outer 1 $module (type $module'))
    (export "module" (type $module (eq $module')))
    (alias outer 1 $entry-call (type $entry-call'))
    (export "entry-call" (type $entry-call (eq $entry-call')))
    (alias outer 1 $limits (type $limits'))
    (export "limits" (type $limits (eq $limits')))
    (type $target' (variant
      (case "entry" $entry-call) (case "wave" string) (case "json" string)))
    (export "target" (type $target (eq $target')))
    (type $node (option string))
    (type $timeout (option u64))
    (type $maybe-limits (option $limits))
    (type $call-options' (record
      (field "node" $node) (field "timeout-ms" $timeout) (field "limits" $maybe-limits)))
    (export "call-options" (type $call-options (eq $call-options')))
    (type $bytes (list u8))
    (type $outcome (result $bytes (error $call-error)))
    (export "call" (func (param "module" $module) (param "target" $target)
      (param "options" $call-options) (result $outcome)))
    (export "give-result" (func (param "value" $bytes)))))
  (import "odeon:actor/rpc@0.1.0" (instance $rpc (type $rpc-type)))
  (alias export $rpc "call-error" (type $call-error))

  (type $io-type (instance
    (alias outer 1 $pid (type $pid'))
    (export "pid" (type $pid (eq $pid')))
    (alias outer 1 $reference (type $reference'))
    (export "reference" (type $reference (eq $reference')))
    (type $channel' (enum "output" "error"))
    (export "channel" (type $channel (eq $channel')))
    (type $bytes (list u8))
    (type $put-chars (tuple $channel $bytes))
    (type $get-chars (tuple string u32))
    (type $option (tuple string string))
    (type $options (list $option))
    (type $request' (variant
      (case "put-chars" $put-chars) (case "get-line" string) (case "get-chars" $get-chars)
      (case "get-options") (case "set-options" $options)))
    (export "request" (type $request (eq $request')))
    (type $io-request' (record
      (field "sender" $pid) (field "reply-as" $reference) (field "request" $request)))
    (export "io-request" (type (eq $io-request')))))
  (import "odeon:actor/io@0.1.0" (instance $io (type $io-type)))
  (alias export $io "io-request" (type $io-request))

  (type $mailbox-type (instance
    (alias outer 1 $pid (type $pid'))
    (export "pid" (type $pid (eq $pid')))
    (alias outer 1 $reference (type $reference'))
    (export "reference" (type $reference (eq $reference')))
    (alias outer 1 $exit-reason (type $exit-reason'))
    (export "exit-reason" (type $exit-reason (eq $exit-reason')))
    (alias outer 1 $destination (type $destination'))
    (export "destination" (type $destination (eq $destination')))
    (alias outer 1 $spawn-error (type $spawn-error'))
    (export "spawn-error" (type $spawn-error (eq $spawn-error')))
    (alias outer 1 $call-error (type $call-error'))
    (export "call-error" (type $call-error (eq $call-error')))
    (alias outer 1 $io-request (type $io-request'))
    (export "io-request" (type $io-request (eq $io-request')))
    (type $filter' (variant (case "any") (case "reference" $reference)))
    (export "filter" (type $filter (eq $filter')))
    (type $via (option $reference))
    (type $bytes (list u8))
    (type $message' (record (field "sender" $pid) (field "via" $via) (field "body" $bytes)))
    (export "message" (type $message (eq $message')))
    (type $exited' (record (field "sender" $pid) (field "reason" $exit-reason)))
    (export "exited" (type $exited (eq $exited')))
    (type $tag (option $bytes))
    (type $down' (record
      (field "monitor" $reference) (field "object" $destination)
      (field "reason" $exit-reason) (field "tag" $tag)))
    (export "down" (type $down (eq $down')))
    (type $outcome (result $pid (error $spawn-error)))
    (type $spawn-reply' (record (field "request" $reference) (field "outcome" $outcome)))
    (export "spawn-reply" (type $spawn-reply (eq $spawn-reply')))
    (type $called (result $bytes (error $call-error)))
    (type $call-reply' (record (field "request" $reference) (field "outcome" $called)))
    (export "call-reply" (type $call-reply (eq $call-reply')))
    (type $text (option string))
    (type $node-change' (record
      (field "node" string) (field "id" u64) (field "hidden" bool) (field "reason" $text)))
    (export "node-change" (type $node-change (eq $node-change')))
    (type $name-lost' (record (field "name" $bytes) (field "other" $pid) (field "both" bool)))
    (export "name-lost" (type $name-lost (eq $name-lost')))
    (type $pids (list $pid))
    (type $group-change' (record
      (field "monitor" $reference) (field "scope" $bytes) (field "group" $bytes)
      (field "joined" bool) (field "members" $pids)))
    (export "group-change" (type $group-change (eq $group-change')))
    (type $event' (variant
      (case "message" $message) (case "exit" $exited) (case "down" $down)
      (case "spawn-reply" $spawn-reply) (case "timeout" $reference)
      (case "io-request" $io-request) (case "node-up" $node-change)
      (case "node-down" $node-change) (case "call-reply" $call-reply)
      (case "name-lost" $name-lost) (case "group-change" $group-change)))
    (export "event" (type $event (eq $event')))
    (type $maybe (option $event))
    (export "send" (func (param "to" $pid) (param "body" $bytes)))
    (type $timeout (option u64))
    (export "receive"
      (func (param "filter" $filter) (param "timeout-ms" $timeout) (result $maybe)))
    (type $head' (record (field "sender" $pid) (field "length" u32)))
    (export "head" (type $head (eq $head')))
    (type $heads (list $head))
    (type $messages' (record (field "heads" $heads) (field "bodies" $bytes)))
    (export "messages" (type $messages (eq $messages')))
    (export "receive-messages"
      (func (param "max-count" u32) (param "max-bytes" u32) (param "timeout-ms" $timeout)
        (result $messages)))))
  (import "odeon:actor/mailbox@0.1.0" (instance $mailbox (type $mailbox-type)))

  (type $names-type (instance
    (alias outer 1 $pid (type $pid'))
    (export "pid" (type $pid (eq $pid')))
    (type $resolver' (variant
      (case "random-exit") (case "random-notify") (case "notify-all") (case "oldest-exit")
      (case "oldest-notify") (case "ask" string)))
    (export "resolver" (type $resolver (eq $resolver')))
    (type $timeout (option u64))
    (type $register-options' (record
      (field "resolver" $resolver) (field "timeout-ms" $timeout)))
    (export "register-options" (type $register-options (eq $register-options')))
    (type $name-error' (variant
      (case "empty") (case "too-long" u64) (case "taken" $pid) (case "has-name")
      (case "noproc") (case "noconnection") (case "timeout") (case "system-limit" string)
      (case "bad-resolver" string)))
    (export "name-error" (type $name-error (eq $name-error')))
    (type $bytes (list u8))
    (type $outcome (result (error $name-error)))
    (export "register" (func (param "name" $bytes) (param "pid" $pid)
      (param "options" $register-options) (result $outcome)))
    (type $maybe (option $pid))
    (export "whereis" (func (param "name" $bytes) (result $maybe)))))
  (import "odeon:actor/names@0.1.0" (instance $names (type $names-type)))

  (import "odeon:actor/timers@0.1.0" (instance $timers (export "now" (func (result u64)))))

  ;; 0..64 what is sent; 120..400 what spawn-with and call take and give; 408..440 what
  ;; is called and the sum; 512 the result of start; 640..896 a node's name; 904 a reference; 1024 what receive gives; from 2048 on
  ;; what the host puts, forgotten at every receive; from 8192 on the times. Long
  ;; messages are sent from 0 on, over all that.
  (core module $memory-module
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 2048))
    (func $room (export "room") (param $end i32)
      (local $lack i32)
      (local.set $lack (i32.sub
        (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16))
        (memory.size)))
      (if (i32.gt_s (local.get $lack) (i32.const 0)) (then
        (if (i32.eq (memory.grow (local.get $lack)) (i32.const -1)) (then (unreachable))))))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 7)) (i32.const -8)))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (if (i32.gt_u (global.get $top) (i32.const 65536)) (then
        (call $room (global.get $top))))
      (local.get $at))
    (func (export "forget") (global.set $top (i32.const 2048))))
  (core instance $memory (instantiate $memory-module))

  (core func $send
    (canon lower (func $mailbox "send") (memory (core memory $memory "memory"))))
  (core func $receive
    (canon lower (func $mailbox "receive") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $receive-messages
    (canon lower (func $mailbox "receive-messages") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $now (canon lower (func $timers "now")))
  (core func $spawn-with
    (canon lower (func $process "spawn-with") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $call
    (canon lower (func $rpc "call") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $give-result
    (canon lower (func $rpc "give-result") (memory (core memory $memory "memory"))))
  (core func $monitor
    (canon lower (func $process "monitor") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))

  (core func $register
    (canon lower (func $names "register") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (core func $whereis
    (canon lower (func $names "whereis") (memory (core memory $memory "memory"))))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "memory" "forget" (func $forget))
    (import "memory" "room" (func $room (param i32)))
    (import "odeon" "send" (func $send (param i64 i64 i32 i32)))
    (import "odeon" "receive" (func $receive-any (param i32 i64 i64 i32 i64 i32)))
    (import "odeon" "receive-messages"
      (func $receive-messages (param i32 i32 i32 i64 i32)))
    (import "odeon" "now" (func $now (result i64)))
    (import "odeon" "spawn-with" (func $spawn-with (param i32 i32)))
    (import "odeon" "call" (func $call (param i32 i32)))
    (import "odeon" "give-result" (func $give-result (param i32 i32)))
    (import "odeon" "monitor" (func $monitor
      (param i32 i64 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "odeon" "register" (func $register
      (param i32 i32 i64 i64 i32 i32 i32 i32 i64 i32)))
    (import "odeon" "whereis" (func $whereis (param i32 i32 i32)))

    (func $receive
      (call $forget)
      (call $receive-any (i32.const 0) (i64.const 0) (i64.const 0)
        (i32.const 0) (i64.const 0) (i32.const 1024)))
    (func $answer
      (call $send (i64.load (i32.const 1040)) (i64.load (i32.const 1048))
        (i32.load (i32.const 1080)) (i32.load (i32.const 1084))))
    (func $fib (param i32) (result i32)
      (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
        (then (local.get 0))
        (else (i32.add
          (call $fib (i32.sub (local.get 0) (i32.const 1)))
          (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
    (func $ping (param $node i64) (param $serial i64) (param $count i32)
      (loop $again
        (call $send (local.get $node) (local.get $serial) (i32.const 0) (i32.const 64))
        (call $receive)
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count))))
    (func $flood (param $node i64) (param $serial i64) (param $count i32)
      (local $hundred i32) (local $first i32)
      (local.set $first (i32.const 1))
      (loop $again
        (local.set $hundred (i32.const 99))
        (loop $burst
          (call $send (local.get $node) (local.get $serial) (i32.const 0) (i32.const 64))
          (local.set $hundred (i32.sub (local.get $hundred) (i32.const 1)))
          (br_if $burst (local.get $hundred)))
        (i32.store8 (i32.const 0) (i32.const 1))
        (call $send (local.get $node) (local.get $serial) (i32.const 0) (i32.const 64))
        (i32.store8 (i32.const 0) (i32.const 0))
        (if (i32.eqz (local.get $first)) (then (call $receive)))
        (local.set $first (i32.const 0))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count)))
      (call $receive))
    (func $sink (param $count i32)
      (local $head i32) (local $heads i32) (local $body i32) (local $length i32)
      (loop $again
        (call $forget)
        (call $receive-messages (i32.const 64) (i32.const 16384)
          (i32.const 0) (i64.const 0) (i32.const 1024))
        (local.set $head (i32.load (i32.const 1024)))
        (local.set $heads (i32.load (i32.const 1028)))
        (local.set $body (i32.load (i32.const 1032)))
        (local.set $count (i32.sub (local.get $count) (local.get $heads)))
        (loop $each
          (local.set $length (i32.load offset=16 (local.get $head)))
          (if (i32.load8_u (local.get $body)) (then
            (call $send (i64.load (local.get $head)) (i64.load offset=8 (local.get $head))
              (local.get $body) (local.get $length))))
          (local.set $head (i32.add (local.get $head) (i32.const 24)))
          (local.set $body (i32.add (local.get $body) (local.get $length)))
          (local.set $heads (i32.sub (local.get $heads) (i32.const 1)))
          (br_if $each (local.get $heads)))
        (br_if $again (local.get $count))))
    (func $latency (param $node i64) (param $serial i64) (param $to-node i64)
      (param $to-serial i64) (param $count i32)
      (local $at i32) (local $start i64)
      (local.set $at (i32.const 8192))
      (loop $again
        (local.set $start (call $now))
        (call $send (local.get $node) (local.get $serial) (i32.const 0) (i32.const 64))
        (call $receive)
        (i64.store (local.get $at) (i64.sub (call $now) (local.get $start)))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count)))
      (call $send (local.get $to-node) (local.get $to-serial) (i32.const 8192)
        (i32.sub (local.get $at) (i32.const 8192))))
    (func $many (param $node i64) (param $serial i64) (param $count i32) (param $bytes i32)
      (call $room (local.get $bytes))
      (memory.fill (i32.const 64) (i32.const 1) (i32.sub (local.get $bytes) (i32.const 64)))
      (i32.store8 (i32.const 0) (i32.const 0))
      (loop $again
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (if (i32.eqz (local.get $count)) (then (i32.store8 (i32.const 0) (i32.const 1))))
        (call $send (local.get $node) (local.get $serial) (i32.const 0) (local.get $bytes))
        (br_if $again (local.get $count)))
      (call $receive)
      (i64.store (i32.const 512) (i64.const 0)))
    (func $endless (param $node i64) (param $serial i64) (param $count i32) (param $bytes i32)
      (loop $again
        (call $many
          (local.get $node) (local.get $serial) (local.get $count) (local.get $bytes))
        (br $again)))
    (func $await-down
      (loop $again
        (call $receive)
        (br_if $again (i32.ne (i32.load8_u (i32.const 1032)) (i32.const 2)))))
    (func $spawn-down (param $count i32) (param $name i32) (param $length i32)
      (memory.copy (i32.const 640) (local.get $name) (local.get $length))
      (i32.store8 (i32.const 120) (i32.const 0x6e))
      (i32.store (i32.const 144) (i32.const 120))
      (i32.store (i32.const 148) (i32.const 1))
      (i32.store8 (i32.const 160) (i32.const 1))
      (i32.store (i32.const 164) (i32.const 640))
      (i32.store (i32.const 168) (local.get $length))
      (i32.store8 (i32.const 176) (i32.const 1))
      (loop $again
        (call $spawn-with (i32.const 128) (i32.const 352))
        (if (i32.load8_u (i32.const 352)) (then (unreachable)))
        (call $await-down)
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count))))
    (func $calls (param $count i32) (param $form i32) (param $name i32) (param $length i32)
      (memory.copy (i32.const 640) (local.get $name) (local.get $length))
      (if (local.get $form)
        (then
          (i32.store8 (i32.const 128) (i32.const 0))
          (i32.store8 (i32.const 420) (i32.const 0x71))
          (i64.store (i32.const 424) (i64.const 0x200000001))
          (i32.store8 (i32.const 140) (i32.const 0))
          (i32.store (i32.const 144) (i32.const 420))
          (i32.store (i32.const 148) (i32.const 1))
          (i32.store (i32.const 152) (i32.const 424))
          (i32.store (i32.const 156) (i32.const 8)))
        (else
          ;; The name `calc`, and the text `add(1, 2)`.
          (i32.store8 (i32.const 128) (i32.const 1))
          (i32.store (i32.const 132) (i32.const 436))
          (i32.store (i32.const 136) (i32.const 4))
          (i32.store (i32.const 436) (i32.const 0x636c6163))
          (i64.store (i32.const 408) (i64.const 0x32202c3128646461))
          (i32.store8 (i32.const 416) (i32.const 0x29))
          (i32.store8 (i32.const 140) (i32.const 1))
          (i32.store (i32.const 144) (i32.const 408))
          (i32.store (i32.const 148) (i32.const 9))))
      (i32.store8 (i32.const 160) (i32.const 1))
      (i32.store (i32.const 164) (i32.const 640))
      (i32.store (i32.const 168) (local.get $length))
      (i32.store8 (i32.const 176) (i32.const 0))
      (i32.store8 (i32.const 192) (i32.const 0))
      (loop $again
        (call $forget)
        (call $call (i32.const 128) (i32.const 352))
        (if (i32.load8_u (i32.const 352)) (then (unreachable)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count))))
    (func $sum (param $a i32)
      (i32.store (i32.const 432)
        (i32.add (i32.load (local.get $a)) (i32.load offset=4 (local.get $a))))
      (call $give-result (i32.const 432) (i32.const 4)))
    (func $downs (param $node i64) (param $serial i64) (param $count i32)
      (local $at i32) (local $end i32)
      (call $receive)
      (local.set $at (i32.load (i32.const 1080)))
      (local.set $end (i32.add (local.get $at) (i32.load (i32.const 1084))))
      (loop $again
        (call $monitor (i32.const 0)
          (i64.load (local.get $at)) (i64.load offset=8 (local.get $at))
          (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 904))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
      (call $send (local.get $node) (local.get $serial) (i32.const 0) (i32.const 64))
      (loop $again
        (call $await-down)
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count)))
      (call $send (local.get $node) (local.get $serial) (i32.const 0) (i32.const 64)))
    (func $registrations (param $node i64) (param $serial i64) (param $count i32)
      (param $first i32)
      (loop $again
        (i32.store (i32.const 640) (i32.add (local.get $first) (local.get $count)))
        (call $register (i32.const 640) (i32.const 4) (local.get $node) (local.get $serial)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i64.const 0)
          (i32.const 904))
        (if (i32.load8_u (i32.const 904)) (then unreachable))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count))))
    (func $lookups (param $count i32) (param $name i32) (param $length i32)
      (loop $again
        (call $whereis (local.get $name) (local.get $length) (i32.const 904))
        (if (i32.eqz (i32.load8_u (i32.const 904))) (then unreachable))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br_if $again (local.get $count))))
    (func $echo
      (loop $again (call $receive) (call $answer) (br $again)))

    (func (export "idle") (call $echo))
    (func (export "start") (param $name i32) (param i32) (param $a i32) (param $length i32)
      (result i32)
      (local $what i32)
      (local.set $what (i32.load8_u (local.get $name)))
      (if (i32.eq (local.get $what) (i32.const 0x69)) (then (call $echo)))
      (if (i32.eq (local.get $what) (i32.const 0x6f)) (then (call $receive)))
      (if (i32.eq (local.get $what) (i32.const 0x70)) (then (call $ping
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i32.load offset=16 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x66)) (then (call $flood
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i32.load offset=16 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x73)) (then
        (call $sink (i32.load (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x78)) (then (loop $spin (br $spin))))
      (if (i32.eq (local.get $what) (i32.const 0x6c)) (then (call $latency
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i64.load offset=16 (local.get $a)) (i64.load offset=24 (local.get $a))
        (i32.load offset=32 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x62)) (then
        (drop (call $fib (i32.load (local.get $a))))))
      (if (i32.eq (local.get $what) (i32.const 0x6d)) (then (call $many
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i32.load offset=16 (local.get $a)) (i32.load offset=20 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x65)) (then (call $endless
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i32.load offset=16 (local.get $a)) (i32.load offset=20 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x77)) (then (call $spawn-down
        (i32.load (local.get $a)) (i32.add (local.get $a) (i32.const 4))
        (i32.sub (local.get $length) (i32.const 4)))))
      (if (i32.eq (local.get $what) (i32.const 0x72)) (then (call $calls
        (i32.load (local.get $a)) (i32.load offset=4 (local.get $a))
        (i32.add (local.get $a) (i32.const 8)) (i32.sub (local.get $length) (i32.const 8)))))
      (if (i32.eq (local.get $what) (i32.const 0x71)) (then (call $sum (local.get $a))))
      (if (i32.eq (local.get $what) (i32.const 0x64)) (then (call $downs
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i32.load offset=16 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x67)) (then (call $registrations
        (i64.load (local.get $a)) (i64.load offset=8 (local.get $a))
        (i32.load offset=16 (local.get $a)) (i32.load offset=20 (local.get $a)))))
      (if (i32.eq (local.get $what) (i32.const 0x6e)) (then (call $lookups
        (i32.load (local.get $a)) (i32.add (local.get $a) (i32.const 4))
        (i32.sub (local.get $length) (i32.const 4)))))
      (i32.const 512)))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "odeon" (instance
      (export "send" (func $send))
      (export "receive" (func $receive))
      (export "receive-messages" (func $receive-messages))
      (export "now" (func $now))
      (export "spawn-with" (func $spawn-with))
      (export "call" (func $call))
      (export "give-result" (func $give-result))
      (export "monitor" (func $monitor))
      (export "register" (func $register))
      (export "whereis" (func $whereis))))))

  (func $start (param "function" string) (param "argument" (list u8))
    (result (result (error $exit-reason)))
    (canon lift (core func $main "start") (memory (core memory $memory "memory"))
      (realloc (core func $memory "realloc"))))
  (func (export "idle") (canon lift (core func $main "idle")))
  (instance $entry (export "start" (func $start)))
  (export "odeon:actor/entry@0.1.0" (instance $entry)))
