/* Odeon actors in C.
 *
 *     #include "odeon.h"
 *
 *     static odeon_reason main_(odeon_reader *argument) {
 *         for (;;) {
 *             odeon_event event;
 *             odeon_receive(&event, ODEON_FOREVER);
 *             if (event.tag == ODEON_MESSAGE) odeon_send(event.message.sender, event.message.body);
 *             odeon_event_free(&event);
 *         }
 *     }
 *
 *     ODEON_ACTORS({"main", main_})
 *
 * An actor is a function with a mailbox, in an instance of WebAssembly of its own. It
 * ends when the function returns, for the reason that it returns; a trap ends it, too,
 * and nothing else. `odeon build` compiles a folder with src/main.c, these files in it.
 *
 * Who frees: what a function gives in an odeon_event, odeon_bytes, odeon_writer and so on
 * is the caller's, and freed by odeon_event_free, odeon_bytes_free, odeon_writer_free.
 * What a function is given stays its caller's. Texts are UTF-8.
 *
 * Memory that runs out is a trap, which ends the actor. */
#ifndef ODEON_H
#define ODEON_H

#include "odeon_types.h"

/* ---- Bytes ---- */

/* A text of C as bytes, not copied. */
odeon_bytes odeon_text(const char *text);
/* Whether bytes are this text. */
bool odeon_is(odeon_bytes bytes, const char *text);
/* Free what was given. Nothing is freed where nothing is there, or twice. */
void odeon_bytes_free(odeon_bytes *bytes);
void odeon_list_free(odeon_list *list);
void odeon_pids_free(odeon_pids *pids);

/* ---- Messages: docs/messages.md ---- */

/* Writes one value. Begin with {0}; an array or a map is followed by its items. */
typedef struct { uint8_t *ptr; size_t length, capacity; } odeon_writer;

void odeon_write_null(odeon_writer *writer);
void odeon_write_bool(odeon_writer *writer, bool value);
void odeon_write_int(odeon_writer *writer, int64_t value);
void odeon_write_uint(odeon_writer *writer, uint64_t value);
void odeon_write_double(odeon_writer *writer, double value);
void odeon_write_text(odeon_writer *writer, const char *text);
/* Text that is not of C; it must be UTF-8. */
void odeon_write_text_of(odeon_writer *writer, odeon_bytes text);
void odeon_write_bytes(odeon_writer *writer, odeon_bytes bytes);
void odeon_write_array(odeon_writer *writer, size_t items);
void odeon_write_map(odeon_writer *writer, size_t entries);
void odeon_write_pid(odeon_writer *writer, odeon_pid pid);
void odeon_write_ref(odeon_writer *writer, odeon_ref reference);
/* What was written, as bytes of the writer. */
odeon_bytes odeon_written(const odeon_writer *writer);
void odeon_writer_free(odeon_writer *writer);

/* Reads values from bytes that stay where they are. The first read that does not fit
 * sets `problem`, and all after it fail: so check once, at the end. */
typedef struct { const uint8_t *at, *end; const char *problem; } odeon_reader;

typedef enum {
    ODEON_IS_NOTHING, ODEON_IS_NULL, ODEON_IS_BOOL, ODEON_IS_UNSIGNED, ODEON_IS_NEGATIVE,
    ODEON_IS_DOUBLE, ODEON_IS_TEXT, ODEON_IS_BYTES, ODEON_IS_ARRAY, ODEON_IS_MAP
} odeon_kind;

/* Checks that the bytes are one value, whole and sound; `problem` says what is wrong. */
odeon_reader odeon_read(odeon_bytes body);
/* What comes next. */
odeon_kind odeon_next(const odeon_reader *reader);
bool odeon_read_null(odeon_reader *reader);
bool odeon_read_bool(odeon_reader *reader);
/* An integer beyond the type is a problem, never another number. */
int64_t odeon_read_int(odeon_reader *reader);
uint64_t odeon_read_uint(odeon_reader *reader);
/* Any number. */
double odeon_read_double(odeon_reader *reader);
/* Points into the message. */
odeon_bytes odeon_read_text(odeon_reader *reader);
odeon_bytes odeon_read_bytes(odeon_reader *reader);
/* How many items, or entries, follow. An empty body is an empty array. */
size_t odeon_read_array(odeon_reader *reader);
size_t odeon_read_map(odeon_reader *reader);
odeon_pid odeon_read_pid(odeon_reader *reader);
odeon_ref odeon_read_ref(odeon_reader *reader);
/* Passes over one value. */
void odeon_skip(odeon_reader *reader);
/* A reader of the field of a map that comes next, which stays unread. Absent: reads null. */
odeon_reader odeon_field(const odeon_reader *map, const char *name);

/* ---- Actors ---- */

/* The calling actor. */
odeon_pid odeon_me(void);
bool odeon_same(odeon_pid one, odeon_pid other);
bool odeon_same_ref(odeon_ref one, odeon_ref other);

#define ODEON_FOREVER (-1)
/* Waits for the oldest event; false if none came in time. 0 only looks. */
bool odeon_receive(odeon_event *event, int64_t timeout_ms);
/* Waits for the oldest event of a reference: its monitor, alias, timer or request. */
bool odeon_receive_of(odeon_event *event, odeon_ref reference, int64_t timeout_ms);
void odeon_event_free(odeon_event *event);

/* Sends; never fails, never waits. */
void odeon_send(odeon_pid to, odeon_bytes body);
/* Sends what was written, and frees the writer. */
void odeon_send_written(odeon_pid to, odeon_writer *writer);
/* Sends to anybody; false where nobody has that name on this node. */
bool odeon_send_to(odeon_destination to, odeon_bytes body);

odeon_destination odeon_to(odeon_pid pid);
odeon_destination odeon_to_name(const char *name);
odeon_destination odeon_to_name_on(const char *name, const char *node);
odeon_destination odeon_to_alias(odeon_ref alias);

/* What came of a spawn. On an error `error` says why, to be freed with
 * odeon_bytes_free(&spawned.error.text). */
typedef struct {
    bool is_error;
    union {
        struct { odeon_pid pid; odeon_option_ref monitor; };
        odeon_spawn_error error;
    };
} odeon_spawned;
/* An actor of this module on this node. */
odeon_spawned odeon_spawn(const char *function, odeon_bytes argument);
/* The same, linked with the caller. */
odeon_spawned odeon_spawn_link(const char *function, odeon_bytes argument);
/* With a say in everything: other modules, other nodes, names, limits. */
odeon_spawned odeon_spawn_with(const odeon_spawn_call *call);

/* Whether exit signals become ODEON_EXIT events. Gives the former value. */
bool odeon_trap_exit(bool on);
/* False if there is no such actor on this node and the caller does not trap exits. */
bool odeon_link(odeon_pid to);
void odeon_unlink(odeon_pid to);
/* One ODEON_DOWN event comes when it ends, or at once where it does not exist. */
odeon_ref odeon_monitor(odeon_destination of);
/* Ends a monitor, and drops its event if that waits. */
bool odeon_demonitor(odeon_ref monitor);
/* Sends an exit signal. */
void odeon_exit(odeon_pid to, odeon_reason reason);
/* Ends the calling actor; does not return. */
_Noreturn void odeon_stop(odeon_reason reason);
bool odeon_is_alive(odeon_pid pid);
/* An alias of the caller: others send to it until it is ended. */
odeon_ref odeon_alias(void);
bool odeon_unalias(odeon_ref alias);

typedef enum {
    ODEON_REGISTERED = -1, ODEON_BAD_NAME, ODEON_TAKEN, ODEON_NAMED, ODEON_NO_ACTOR
} odeon_registered;
/* Gives an actor of this node a name. */
odeon_registered odeon_register(const char *name, odeon_pid pid);
bool odeon_unregister(const char *name);
/* The actor of that name; false if there is none. */
bool odeon_whereis(const char *name, odeon_pid *pid);

/* Nanoseconds since the node started. */
uint64_t odeon_now(void);
void odeon_sleep(uint64_t ms);
/* An ODEON_TIMEOUT event comes after a time; false if there are too many timers. */
bool odeon_timer(uint64_t ms, odeon_ref *timer);
/* False if it has run out. */
bool odeon_timer_cancel(odeon_ref timer);

/* ---- Calls of functions ---- */

/* What came of a call: bytes, or why there are none; free with odeon_result_free. */
typedef struct {
    bool is_error;
    union { odeon_bytes bytes; odeon_call_error error; };
} odeon_result;
/* Calls a function and waits. */
odeon_result odeon_call_run(const odeon_call *call);
/* A function of this module on a node, as a call: node NULL is this one. */
odeon_call odeon_call_of(const char *node, const char *function, odeon_bytes argument);
/* Calls without waiting: an ODEON_CALL_REPLY event of the reference comes. */
odeon_ref odeon_call_begin(const odeon_call *call);
void odeon_result_free(odeon_result *result);
/* What the call of this actor gives, once it returns; frees the writer. */
void odeon_give(odeon_writer *writer);

/* ---- Output, input, the log ---- */

/* Prints through the group leader and waits until it is written; as printf. */
bool odeon_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Writes text that is ready, a line end behind it: without what printf weighs. */
bool odeon_put_line(const char *text);
bool odeon_put_bytes(odeon_bytes chars);
/* A line with its end, to be freed; false at the end of the input. */
bool odeon_get_line(const char *prompt, odeon_bytes *line);
/* For whoever runs the node. Level 0 is trace, 4 is error. */
void odeon_log(int level, const char *text);
odeon_pid odeon_group_leader(void);
void odeon_set_group_leader(odeon_pid leader, odeon_pid of);

/* ---- Ends ---- */

odeon_reason odeon_normal(void);
/* An error in words, which are copied. */
odeon_reason odeon_error(const char *text);
/* What is wrong with a reader, as an error. */
odeon_reason odeon_misread(const odeon_reader *reader);
/* A reason in a encoding of one's own. */
odeon_reason odeon_custom(odeon_bytes bytes);
/* Ends the actor by a trap whose reason has this text. */
_Noreturn void odeon_panic(const char *text);
#define ODEON_STRING_(x) #x
#define ODEON_STRING(x) ODEON_STRING_(x)
/* Ends the actor by a trap that says what does not hold, and where. */
#define ODEON_ASSERT(it) \
    ((it) ? (void)0 : odeon_panic("`" #it "` does not hold (" __FILE__ ":" ODEON_STRING(__LINE__) ")"))

/* ---- The functions at which actors start ---- */

typedef odeon_reason (*odeon_function)(odeon_reader *argument);
typedef struct { const char *name; odeon_function function; } odeon_actor;
extern const odeon_actor odeon_actors[];
extern const size_t odeon_actors_count;
/* Makes functions startable, under these names. Once in a module. */
#define ODEON_ACTORS(...) \
    const odeon_actor odeon_actors[] = {__VA_ARGS__}; \
    const size_t odeon_actors_count = sizeof odeon_actors / sizeof *odeon_actors;

/* Nodes, and names, groups and locks of the whole cluster. */
#include "odeon_cluster.h"

#endif
