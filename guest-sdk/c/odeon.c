/* Odeon actors in C: what odeon.h declares, over odeon_abi.h. Needs malloc, string.h
 * and, for odeon_print alone, vsnprintf. */
#include "odeon_abi.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(odeon_event) == 72, "the layout of the canonical ABI");
_Static_assert(sizeof(odeon_spawn_call) == 200, "the layout of the canonical ABI");
_Static_assert(sizeof(odeon_call) == 152, "the layout of the canonical ABI");
_Static_assert(sizeof(odeon_destination) == 24, "the layout of the canonical ABI");
_Static_assert(sizeof(odeon_reason) == 12, "the layout of the canonical ABI");
_Static_assert(sizeof(odeon_spawned) == 48, "the layout of the canonical ABI");

/* ---- Bytes ---- */

odeon_bytes odeon_text(const char *text) { return (odeon_bytes){text, strlen(text)}; }

bool odeon_is(odeon_bytes bytes, const char *text) {
    return bytes.length == strlen(text) && memcmp(bytes.ptr, text, bytes.length) == 0;
}

/* ---- Words, flattened ---- */

/* The parameters that a destination is. */
#define FLAT(to) \
    (to).tag, \
    (to).tag == ODEON_TO_PID || (to).tag == ODEON_TO_ALIAS ? (to).pid.node : (uint32_t)(to).name.ptr, \
    (to).tag == ODEON_TO_PID || (to).tag == ODEON_TO_ALIAS ? (to).pid.serial : (to).name.length, \
    (to).tag == ODEON_TO_NODE_NAME ? (uint32_t)(to).node_name.node.ptr : 0, \
    (to).tag == ODEON_TO_NODE_NAME ? (to).node_name.node.length : 0

/* The parameters that a reason is. */
#define WHY(reason) \
    (reason).tag, \
    (reason).tag == ODEON_EXIT_CODE ? (reason).code : (uint32_t)(reason).text.ptr, \
    (reason).text.length

odeon_destination odeon_to(odeon_pid pid) {
    return (odeon_destination){.tag = ODEON_TO_PID, .pid = pid};
}

odeon_destination odeon_to_name(const char *name) {
    return (odeon_destination){.tag = ODEON_TO_NAME, .name = odeon_text(name)};
}

odeon_destination odeon_to_name_on(const char *name, const char *node) {
    return (odeon_destination){.tag = ODEON_TO_NODE_NAME,
                               .node_name = {odeon_text(name), odeon_text(node)}};
}

odeon_destination odeon_to_alias(odeon_ref alias) {
    return (odeon_destination){.tag = ODEON_TO_ALIAS, .alias = alias};
}

/* ---- Actors ---- */

odeon_pid odeon_me(void) {
    odeon_pid pid;
    odeon_abi_me(&pid);
    return pid;
}

bool odeon_same(odeon_pid one, odeon_pid other) {
    return one.node == other.node && one.serial == other.serial;
}

bool odeon_same_ref(odeon_ref one, odeon_ref other) {
    return one.node == other.node && one.serial == other.serial;
}

static bool receive(odeon_event *event, uint32_t filter, odeon_ref of, int64_t timeout_ms) {
    struct { bool is_some; odeon_event event; } given;
    odeon_abi_receive(filter, of.node, of.serial, timeout_ms >= 0, (uint64_t)timeout_ms, &given);
    if (given.is_some) *event = given.event;
    return given.is_some;
}

bool odeon_receive(odeon_event *event, int64_t timeout_ms) {
    return receive(event, 0, (odeon_ref){0}, timeout_ms);
}

bool odeon_receive_of(odeon_event *event, odeon_ref reference, int64_t timeout_ms) {
    return receive(event, 1, reference, timeout_ms);
}

void odeon_send(odeon_pid to, odeon_bytes body) {
    odeon_abi_send(to.node, to.serial, body.ptr, body.length);
}

void odeon_send_written(odeon_pid to, odeon_writer *writer) {
    odeon_send(to, odeon_written(writer));
    odeon_writer_free(writer);
}

bool odeon_send_to(odeon_destination to, odeon_bytes body) {
    struct { bool is_error; struct { uint8_t tag; uint64_t most; } error; } outcome;
    odeon_abi_send_to(FLAT(to), body.ptr, body.length, 0, &outcome);
    return !outcome.is_error;
}

odeon_spawned odeon_spawn_with(const odeon_spawn_call *call) {
    odeon_spawned spawned;
    odeon_abi_spawn_with(call, &spawned);
    if (spawned.is_error && spawned.error.tag == ODEON_SPAWN_NOCONNECTION)
        spawned.error.text = (odeon_bytes){0};
    return spawned;
}

static odeon_spawned spawn(const char *function, odeon_bytes argument, bool link) {
    odeon_spawn_call call = {0};
    call.start.entry.function = odeon_text(function);
    call.start.entry.argument = argument;
    call.options.link = link;
    return odeon_spawn_with(&call);
}

odeon_spawned odeon_spawn(const char *function, odeon_bytes argument) {
    return spawn(function, argument, false);
}

odeon_spawned odeon_spawn_link(const char *function, odeon_bytes argument) {
    return spawn(function, argument, true);
}

bool odeon_trap_exit(bool on) { return odeon_abi_trap_exit(on); }

bool odeon_link(odeon_pid to) {
    struct { bool is_error; uint8_t error; } outcome;
    odeon_abi_link(to.node, to.serial, false, &outcome);
    return !outcome.is_error;
}

void odeon_unlink(odeon_pid to) { odeon_abi_unlink(to.node, to.serial); }

odeon_ref odeon_monitor(odeon_destination of) {
    odeon_ref monitor;
    odeon_abi_monitor(FLAT(of), false, 0, false, NULL, 0, false, &monitor);
    return monitor;
}

bool odeon_demonitor(odeon_ref monitor) {
    struct { bool is_error, was_there; } outcome;
    odeon_abi_demonitor(monitor.node, monitor.serial, true, &outcome);
    return !outcome.is_error && outcome.was_there;
}

void odeon_exit(odeon_pid to, odeon_reason reason) {
    odeon_abi_exit(to.node, to.serial, WHY(reason));
}

_Noreturn void odeon_stop(odeon_reason reason) {
    odeon_abi_stop(WHY(reason));
    __builtin_trap();
}

bool odeon_is_alive(odeon_pid pid) { return odeon_abi_is_alive(pid.node, pid.serial); }

odeon_ref odeon_alias(void) {
    odeon_ref alias;
    odeon_abi_alias(0, false, &alias);
    return alias;
}

bool odeon_unalias(odeon_ref alias) { return odeon_abi_unalias(alias.node, alias.serial); }

odeon_registered odeon_register(const char *name, odeon_pid pid) {
    struct { bool is_error; uint8_t error; } outcome;
    odeon_abi_register(name, strlen(name), pid.node, pid.serial, &outcome);
    return outcome.is_error ? (odeon_registered)outcome.error : ODEON_REGISTERED;
}

bool odeon_unregister(const char *name) { return odeon_abi_unregister(name, strlen(name)); }

bool odeon_whereis(const char *name, odeon_pid *pid) {
    odeon_option_pid found;
    odeon_abi_whereis(name, strlen(name), &found);
    if (found.is_some) *pid = found.value;
    return found.is_some;
}

uint64_t odeon_now(void) { return odeon_abi_now(); }

void odeon_sleep(uint64_t ms) { odeon_abi_sleep(ms); }

bool odeon_timer(uint64_t ms, odeon_ref *timer) {
    struct { bool is_error; union { odeon_ref timer; struct { uint8_t tag; uint64_t most; } error; }; } outcome;
    odeon_abi_timer(ms, &outcome);
    if (!outcome.is_error) *timer = outcome.timer;
    return !outcome.is_error;
}

bool odeon_timer_cancel(odeon_ref timer) {
    odeon_option_u64 left;
    odeon_abi_timer_cancel(timer.node, timer.serial, &left);
    return left.is_some;
}

/* ---- Calls of functions ---- */

odeon_call odeon_call_of(const char *node, const char *function, odeon_bytes argument) {
    odeon_call call = {0};
    call.target.entry.function = odeon_text(function);
    call.target.entry.argument = argument;
    if (node) call.options.node = (odeon_option_bytes){true, odeon_text(node)};
    return call;
}

odeon_result odeon_call_run(const odeon_call *call) {
    odeon_result result;
    odeon_abi_call(call, &result);
    return result;
}

odeon_ref odeon_call_begin(const odeon_call *call) {
    odeon_ref request;
    odeon_abi_request(call, &request);
    return request;
}

void odeon_give(odeon_writer *writer) {
    odeon_abi_give_result(writer->ptr, writer->length);
    odeon_writer_free(writer);
}

/* ---- Output, input, the log ---- */

static void io_error_free(uint8_t tag, odeon_bytes *text) {
    if (tag == 3) odeon_bytes_free(text);
}

bool odeon_put_bytes(odeon_bytes chars) {
    struct { bool is_error; struct { uint8_t tag; odeon_bytes text; } error; } outcome;
    odeon_abi_put_chars(0, chars.ptr, chars.length, &outcome);
    if (outcome.is_error) io_error_free(outcome.error.tag, &outcome.error.text);
    return !outcome.is_error;
}

bool odeon_put_line(const char *text) {
    size_t length = strlen(text);
    char *line = odeon_abi_checked(malloc(length + 1));
    memcpy(line, text, length);
    line[length] = '\n';
    bool done = odeon_put_bytes((odeon_bytes){line, length + 1});
    free(line);
    return done;
}

bool odeon_print(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (length < 0) return false;
    char *text = odeon_abi_checked(malloc((size_t)length + 1));
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    bool done = odeon_put_bytes((odeon_bytes){text, (size_t)length});
    free(text);
    return done;
}

bool odeon_get_line(const char *prompt, odeon_bytes *line) {
    struct {
        bool is_error;
        union { odeon_option_bytes line; struct { uint8_t tag; odeon_bytes text; } error; };
    } outcome;
    odeon_abi_get_line(prompt, strlen(prompt), &outcome);
    if (outcome.is_error) {
        io_error_free(outcome.error.tag, &outcome.error.text);
        return false;
    }
    if (outcome.line.is_some) *line = outcome.line.value;
    return outcome.line.is_some;
}

void odeon_log(int level, const char *text) { odeon_abi_log((uint32_t)level, text, strlen(text)); }

odeon_pid odeon_group_leader(void) {
    odeon_pid pid;
    odeon_abi_group_leader(&pid);
    return pid;
}

void odeon_set_group_leader(odeon_pid leader, odeon_pid of) {
    odeon_abi_set_group_leader(leader.node, leader.serial, of.node, of.serial);
}

/* ---- Ends ---- */

odeon_reason odeon_normal(void) { return (odeon_reason){.tag = ODEON_NORMAL}; }

/* Reasons outlive the function that makes them; the actor ends, so nobody frees them. */
static odeon_bytes kept(const void *ptr, size_t length) {
    if (!length) return (odeon_bytes){0};
    return (odeon_bytes){memcpy(odeon_abi_checked(malloc(length)), ptr, length), length};
}

odeon_reason odeon_error(const char *text) {
    return (odeon_reason){.tag = ODEON_ERROR, .text = kept(text, strlen(text))};
}

odeon_reason odeon_custom(odeon_bytes bytes) {
    return (odeon_reason){.tag = ODEON_CUSTOM, .text = kept(bytes.ptr, bytes.length)};
}

/* Texts one behind the other, as an error. */
static odeon_reason error_of(size_t count, const odeon_bytes *parts) {
    size_t length = 0;
    for (size_t i = 0; i < count; i++) length += parts[i].length;
    char *text = odeon_abi_checked(malloc(length + 1)), *at = text;
    for (size_t i = 0; i < count; i++) {
        memcpy(at, parts[i].ptr, parts[i].length);
        at += parts[i].length;
    }
    return (odeon_reason){.tag = ODEON_ERROR, .text = {text, length}};
}

odeon_reason odeon_misread(const odeon_reader *reader) {
    const char *problem = reader->problem ? reader->problem : "nothing is wrong with it";
    odeon_bytes parts[] = {odeon_text("message not understood: "), odeon_text(problem)};
    return error_of(2, parts);
}

_Noreturn void odeon_panic(const char *text) {
    odeon_abi_panic(text, strlen(text));
    __builtin_trap();
}

/* ---- The door by which a host starts functions ---- */

static odeon_reason unknown(odeon_bytes function) {
    odeon_bytes parts[3 + 2 * odeon_actors_count];
    size_t count = 0;
    parts[count++] = odeon_text("no function `");
    parts[count++] = function;
    parts[count++] = odeon_text("` in this module; it has ");
    for (size_t i = 0; i < odeon_actors_count; i++) {
        if (i) parts[count++] = odeon_text(", ");
        parts[count++] = odeon_text(odeon_actors[i].name);
    }
    return error_of(count, parts);
}

static odeon_reason start(odeon_bytes function, odeon_bytes argument) {
    for (size_t i = 0; i < odeon_actors_count; i++) {
        if (!odeon_is(function, odeon_actors[i].name)) continue;
        odeon_reader reader = odeon_read(argument);
        if (!reader.problem) {
            odeon_reason reason = odeon_actors[i].function(&reader);
            if (!reader.problem || reason.tag != ODEON_NORMAL) return reason;
        }
        odeon_bytes parts[] = {odeon_text("argument of the start function: "),
                               odeon_text(reader.problem)};
        return error_of(2, parts);
    }
    return unknown(function);
}

__attribute__((export_name("odeon:actor/entry@0.1.0#start")))
const void *odeon_abi_start(void *function, size_t function_length, void *argument,
                            size_t argument_length) {
    static struct { bool is_error; odeon_reason reason; } outcome;
    outcome.reason = start((odeon_bytes){function, function_length},
                           (odeon_bytes){argument, argument_length});
    outcome.is_error = outcome.reason.tag != ODEON_NORMAL;
    return &outcome;
}
