/* The host's functions as WebAssembly has them: `wit/` of odeon:actor@0.1.0 by the
 * canonical ABI, written by hand. Types that lie in memory are those of odeon.h,
 * whose layout the canonical ABI shares with C for wasm32.
 *
 * Actors use odeon.h; this file is for the SDK's own. A host checks every signature when it
 * loads a module, so one that is wrong here is refused, and said. */
#ifndef ODEON_ABI_H
#define ODEON_ABI_H

#include "odeon.h"

/* Memory that was asked for, which is there: else a trap. */
void *odeon_abi_checked(void *memory);

#define ODEON_IMPORT(interface, function) \
    __attribute__((import_module("odeon:actor/" interface "@0.1.0"), import_name(function)))

/* A destination, flattened into parameters. */
#define ODEON_TO uint32_t tag, uint64_t a, uint64_t b, uint32_t c, uint32_t d
/* An exit reason, flattened into parameters. */
#define ODEON_WHY uint32_t reason, uint32_t word, uint32_t more

/* Bytes, an optional time, a group of a scope, and a lock with its nodes, likewise. */
#define ODEON_BYTES(name) const void *name##_ptr, size_t name##_length
#define ODEON_WAIT uint32_t has_timeout, uint64_t timeout_ms
#define ODEON_GROUP ODEON_BYTES(scope), ODEON_BYTES(group)
#define ODEON_LOCK \
    ODEON_BYTES(resource), ODEON_BYTES(requester), uint32_t has_nodes, const odeon_bytes *nodes, \
    size_t count

/* process */
ODEON_IMPORT("process", "me") void odeon_abi_me(odeon_pid *);
ODEON_IMPORT("process", "make-reference") void odeon_abi_make_reference(odeon_ref *);
ODEON_IMPORT("process", "spawn-with") void odeon_abi_spawn_with(const odeon_spawn_call *, void *);
ODEON_IMPORT("process", "stop") void odeon_abi_stop(ODEON_WHY);
ODEON_IMPORT("process", "exit") void odeon_abi_exit(uint64_t node, uint64_t serial, ODEON_WHY);
ODEON_IMPORT("process", "trap-exit") uint32_t odeon_abi_trap_exit(uint32_t on);
ODEON_IMPORT("process", "link")
void odeon_abi_link(uint64_t node, uint64_t serial, uint32_t priority, void *);
ODEON_IMPORT("process", "unlink") void odeon_abi_unlink(uint64_t node, uint64_t serial);
ODEON_IMPORT("process", "monitor")
void odeon_abi_monitor(ODEON_TO, uint32_t has_alias, uint32_t alias, uint32_t has_tag,
                       const void *tag_bytes, size_t tag_length, uint32_t priority, odeon_ref *);
ODEON_IMPORT("process", "demonitor")
void odeon_abi_demonitor(uint64_t node, uint64_t serial, uint32_t flush, void *);
ODEON_IMPORT("process", "alias")
void odeon_abi_alias(uint32_t life, uint32_t priority, odeon_ref *);
ODEON_IMPORT("process", "unalias") uint32_t odeon_abi_unalias(uint64_t node, uint64_t serial);
ODEON_IMPORT("process", "register")
void odeon_abi_register(const char *, size_t, uint64_t node, uint64_t serial, void *);
ODEON_IMPORT("process", "unregister") uint32_t odeon_abi_unregister(const char *, size_t);
ODEON_IMPORT("process", "whereis") void odeon_abi_whereis(const char *, size_t, void *);
ODEON_IMPORT("process", "is-alive") uint32_t odeon_abi_is_alive(uint64_t node, uint64_t serial);

/* mailbox */
ODEON_IMPORT("mailbox", "send")
void odeon_abi_send(uint64_t node, uint64_t serial, const void *, size_t);
ODEON_IMPORT("mailbox", "send-to")
void odeon_abi_send_to(ODEON_TO, const void *, size_t, uint32_t options, void *);
ODEON_IMPORT("mailbox", "receive")
void odeon_abi_receive(uint32_t filter, uint64_t node, uint64_t serial, uint32_t has_timeout,
                       uint64_t timeout_ms, void *);

/* timers */
ODEON_IMPORT("timers", "now") uint64_t odeon_abi_now(void);
ODEON_IMPORT("timers", "sleep") void odeon_abi_sleep(uint64_t ms);
ODEON_IMPORT("timers", "start") void odeon_abi_timer(uint64_t ms, void *);
ODEON_IMPORT("timers", "cancel")
void odeon_abi_timer_cancel(uint64_t node, uint64_t serial, void *);

/* io and log */
ODEON_IMPORT("io", "group-leader") void odeon_abi_group_leader(odeon_pid *);
ODEON_IMPORT("io", "set-group-leader")
void odeon_abi_set_group_leader(uint64_t, uint64_t, uint64_t, uint64_t);
ODEON_IMPORT("io", "put-chars")
void odeon_abi_put_chars(uint32_t channel, const void *, size_t, void *);
ODEON_IMPORT("io", "get-line") void odeon_abi_get_line(const char *, size_t, void *);
ODEON_IMPORT("log", "write") void odeon_abi_log(uint32_t level, const char *, size_t);
ODEON_IMPORT("log", "panic") void odeon_abi_panic(const char *, size_t);

/* node */
ODEON_IMPORT("node", "name") void odeon_abi_node_name(odeon_bytes *);
ODEON_IMPORT("node", "name-of")
void odeon_abi_node_of(uint64_t node, uint64_t serial, odeon_option_bytes *);
ODEON_IMPORT("node", "is-distributed") uint32_t odeon_abi_is_distributed(void);
ODEON_IMPORT("node", "nodes") void odeon_abi_nodes(uint32_t of, odeon_list *);
ODEON_IMPORT("node", "connect") void odeon_abi_connect(const char *, size_t, void *);
ODEON_IMPORT("node", "disconnect") uint32_t odeon_abi_disconnect(const char *, size_t);
ODEON_IMPORT("node", "watch") void odeon_abi_watch_nodes(uint32_t of);
ODEON_IMPORT("node", "unwatch") void odeon_abi_unwatch_nodes(uint32_t of);

/* names */
ODEON_IMPORT("names", "register")
void odeon_abi_names_register(ODEON_BYTES(name), uint64_t node, uint64_t serial,
                              uint32_t resolver, ODEON_BYTES(function), ODEON_WAIT, void *);
ODEON_IMPORT("names", "re-register")
void odeon_abi_names_re_register(ODEON_BYTES(name), uint64_t node, uint64_t serial,
                                 uint32_t resolver, ODEON_BYTES(function), ODEON_WAIT, void *);
ODEON_IMPORT("names", "unregister")
void odeon_abi_names_unregister(ODEON_BYTES(name), ODEON_WAIT, void *);
ODEON_IMPORT("names", "whereis")
void odeon_abi_names_whereis(ODEON_BYTES(name), odeon_option_pid *);
ODEON_IMPORT("names", "list")
void odeon_abi_names_list(uint32_t has_after, ODEON_BYTES(after), uint32_t max, odeon_names *);
ODEON_IMPORT("names", "send")
void odeon_abi_names_send(ODEON_BYTES(name), ODEON_BYTES(body), uint32_t options, void *);

/* groups */
ODEON_IMPORT("groups", "start") void odeon_abi_groups_start(ODEON_BYTES(scope), void *);
ODEON_IMPORT("groups", "stop") void odeon_abi_groups_stop(ODEON_BYTES(scope), void *);
ODEON_IMPORT("groups", "scopes") void odeon_abi_groups_scopes(odeon_list *);
ODEON_IMPORT("groups", "join")
void odeon_abi_groups_join(ODEON_GROUP, const odeon_pid *, size_t, void *);
ODEON_IMPORT("groups", "leave")
void odeon_abi_groups_leave(ODEON_GROUP, const odeon_pid *, size_t, void *);
ODEON_IMPORT("groups", "members") void odeon_abi_groups_members(ODEON_GROUP, uint32_t local, void *);
ODEON_IMPORT("groups", "list")
void odeon_abi_groups_list(ODEON_BYTES(scope), uint32_t local, void *);
ODEON_IMPORT("groups", "pick") void odeon_abi_groups_pick(ODEON_GROUP, uint32_t choice, void *);
ODEON_IMPORT("groups", "monitor")
void odeon_abi_groups_monitor(ODEON_BYTES(scope), uint32_t has_group, ODEON_BYTES(group), void *);
ODEON_IMPORT("groups", "demonitor")
uint32_t odeon_abi_groups_demonitor(uint64_t node, uint64_t serial);
ODEON_IMPORT("groups", "send")
void odeon_abi_groups_send(ODEON_GROUP, ODEON_BYTES(body), uint32_t options, void *);

/* locks */
ODEON_IMPORT("locks", "set-lock")
void odeon_abi_set_lock(ODEON_LOCK, ODEON_WAIT, void *);
ODEON_IMPORT("locks", "delete-lock") void odeon_abi_delete_lock(ODEON_LOCK, void *);

/* rpc */
ODEON_IMPORT("rpc", "call") void odeon_abi_call(const odeon_call *, void *);
ODEON_IMPORT("rpc", "cast") void odeon_abi_cast(const odeon_call *, void *);
ODEON_IMPORT("rpc", "request") void odeon_abi_request(const odeon_call *, odeon_ref *);
ODEON_IMPORT("rpc", "abandon") uint32_t odeon_abi_abandon(uint64_t node, uint64_t serial);
ODEON_IMPORT("rpc", "give-result") void odeon_abi_give_result(const void *, size_t);

#endif
