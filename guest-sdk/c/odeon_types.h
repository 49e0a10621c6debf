/* Words: the types of wit/, in the layout of the canonical ABI. Actors include odeon.h. */
#ifndef ODEON_TYPES_H
#define ODEON_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names one actor, for ever. Both numbers are below 2^53. */
typedef struct { uint64_t node, serial; } odeon_pid;

/* Names one monitor, alias, timer or request. Both numbers are below 2^53. */
typedef struct { uint64_t node, serial; } odeon_ref;

/* Bytes, or text in UTF-8 without an end mark. */
typedef struct { const void *ptr; size_t length; } odeon_bytes;

/* Several of them. */
typedef struct { const odeon_bytes *ptr; size_t length; } odeon_list;
typedef struct { const odeon_pid *ptr; size_t length; } odeon_pids;

/* Bytes that may be absent. */
typedef struct { bool is_some; odeon_bytes value; } odeon_option_bytes;
typedef struct { bool is_some; odeon_ref value; } odeon_option_ref;
typedef struct { bool is_some; odeon_pid value; } odeon_option_pid;
typedef struct { bool is_some; uint64_t value; } odeon_option_u64;

/* Why an actor ended, or is asked to end. `text` goes with ERROR, TRAP and LIMIT,
 * `code` with EXIT_CODE, and `text`, as bytes, with CUSTOM. */
typedef struct {
    enum : uint8_t {
        ODEON_NORMAL, ODEON_SHUTDOWN, ODEON_KILL, ODEON_KILLED, ODEON_NOPROC,
        ODEON_NOCONNECTION, ODEON_ERROR, ODEON_TRAP, ODEON_LIMIT, ODEON_EXIT_CODE, ODEON_CUSTOM
    } tag;
    union { odeon_bytes text; uint8_t code; };
} odeon_reason;

/* Whom a signal is for. Made by odeon_to and its siblings. */
typedef struct {
    enum : uint8_t { ODEON_TO_PID, ODEON_TO_NAME, ODEON_TO_NODE_NAME, ODEON_TO_ALIAS } tag;
    union {
        odeon_pid pid;
        odeon_bytes name;
        struct { odeon_bytes name, node; } node_name;
        odeon_ref alias;
    };
} odeon_destination;

/* Why an actor could not be made, or a function gave no result; `text` says more.
 * TIMEOUT and ENDED are of calls alone; ENDED has the callee's reason. */
typedef struct {
    uint8_t tag;
    union { odeon_bytes text; odeon_reason reason; };
} odeon_call_error;
enum {
    ODEON_CALL_NO_MODULE, ODEON_CALL_NO_FUNCTION, ODEON_CALL_BAD_ARGUMENT,
    ODEON_CALL_SYSTEM_LIMIT, ODEON_CALL_DENIED, ODEON_CALL_NOCONNECTION, ODEON_CALL_TIMEOUT,
    ODEON_CALL_ENDED
};
typedef struct { uint8_t tag; odeon_bytes text; } odeon_spawn_error;
enum {
    ODEON_SPAWN_NO_MODULE, ODEON_SPAWN_NO_FUNCTION, ODEON_SPAWN_BAD_ARGUMENT,
    ODEON_SPAWN_BAD_NAME, ODEON_SPAWN_SYSTEM_LIMIT, ODEON_SPAWN_DENIED,
    ODEON_SPAWN_NOCONNECTION
};

/* What a mailbox holds. */
typedef struct {
    enum : uint8_t {
        ODEON_MESSAGE, ODEON_EXIT, ODEON_DOWN, ODEON_SPAWN_REPLY, ODEON_TIMEOUT,
        ODEON_IO_REQUEST, ODEON_NODE_UP, ODEON_NODE_DOWN, ODEON_CALL_REPLY, ODEON_NAME_LOST,
        ODEON_GROUP_CHANGE
    } tag;
    union {
        struct { odeon_pid sender; odeon_option_ref via; odeon_bytes body; } message;
        struct { odeon_pid sender; odeon_reason reason; } exit;
        struct {
            odeon_ref monitor;
            odeon_destination object;
            odeon_reason reason;
            odeon_option_bytes tag;
        } down;
        struct {
            odeon_ref request;
            struct {
                bool is_error;
                union { odeon_pid pid; odeon_spawn_error error; };
            } outcome;
        } spawn_reply;
        odeon_ref timeout;
        struct {
            odeon_pid sender;
            odeon_ref reply_as;
            struct {
                uint8_t tag;
                union {
                    struct { uint8_t channel; odeon_bytes chars; } put_chars;
                    odeon_bytes get_line;
                    struct { odeon_bytes prompt; uint32_t count; } get_chars;
                    struct { const odeon_bytes (*pairs)[2]; size_t length; } set_options;
                };
            } request;
        } io_request;
        struct {
            odeon_bytes node;
            uint64_t id;
            bool hidden;
            odeon_option_bytes reason;
        } node_change;
        struct {
            odeon_ref request;
            struct {
                bool is_error;
                union { odeon_bytes result; odeon_call_error error; };
            } outcome;
        } call_reply;
        /* The actor lost a cluster name; `other` has it now, unless `both` lost it. */
        struct { odeon_bytes name; odeon_pid other; bool both; } name_lost;
        /* Actors joined a monitored group, or left it, as often as they are in `members`. */
        struct {
            odeon_ref monitor;
            odeon_bytes scope, group;
            bool joined;
            odeon_pids members;
        } group_change;
    };
} odeon_event;

/* Which module an actor runs: all zero is the caller's own. */
typedef struct {
    enum : uint8_t { ODEON_THIS, ODEON_MODULE_NAME, ODEON_MODULE_DIGEST } tag;
    odeon_bytes name;
} odeon_module;

/* Limits of an actor, never more than its maker's; what is absent is the maker's. */
typedef struct {
    odeon_option_u64 memory_bytes_max, table_elements_max, mailbox_messages_max,
        mailbox_bytes_max, children_max;
} odeon_limits;

/* Everything about a new actor; zero is the default. */
typedef struct {
    odeon_module module;
    struct {
        enum : uint8_t { ODEON_START_ENTRY, ODEON_START_COMMAND, ODEON_START_CALL } tag;
        union {
            struct { odeon_bytes function, argument; } entry;
            struct { const odeon_bytes *words; size_t length; } command;
            odeon_bytes call;
        };
    } start;
    struct {
        odeon_option_bytes node;
        bool link;
        struct {
            bool is_some;
            struct {
                struct { bool is_some; uint8_t value; } alias;
                odeon_option_bytes tag;
                bool priority;
            } value;
        } monitor;
        odeon_option_bytes name;
        odeon_option_pid group_leader;
        struct { bool is_some; odeon_limits value; } limits;
    } options;
} odeon_spawn_call;

/* A call of a function; zero is the default. The timeout is in milliseconds. */
typedef struct {
    odeon_module module;
    struct {
        enum : uint8_t { ODEON_CALL_ENTRY, ODEON_CALL_WAVE, ODEON_CALL_JSON } tag;
        union {
            struct { odeon_bytes function, argument; } entry;
            odeon_bytes text;
        };
    } target;
    struct {
        odeon_option_bytes node;
        odeon_option_u64 timeout_ms;
        struct { bool is_some; odeon_limits value; } limits;
    } options;
} odeon_call;

#endif
