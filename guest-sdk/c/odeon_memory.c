/* Memory: where the host puts what it gives, and how that is freed. */
#include "odeon_abi.h"

#include <stdlib.h>

void *odeon_abi_checked(void *memory) {
    if (!memory) odeon_panic("out of memory");
    return memory;
}

/* The host puts what it gives into memory from here. */
__attribute__((export_name("cabi_realloc")))
void *odeon_abi_realloc(void *old, size_t old_size, size_t align, size_t new_size) {
    (void)old_size;
    /* malloc's are aligned to 8 at least, and nothing of the contract needs more. */
    return new_size ? odeon_abi_checked(realloc(old, new_size)) : (void *)align;
}

/* The host gives no memory for what is empty, and says so by an address that is none. */
static void free_given(const void *ptr, size_t length) {
    if (length) free((void *)ptr);
}

void odeon_bytes_free(odeon_bytes *bytes) {
    free_given(bytes->ptr, bytes->length);
    *bytes = (odeon_bytes){0};
}

void odeon_list_free(odeon_list *list) {
    for (size_t i = 0; i < list->length; i++) free_given(list->ptr[i].ptr, list->ptr[i].length);
    free_given(list->ptr, list->length);
    *list = (odeon_list){0};
}

void odeon_pids_free(odeon_pids *pids) {
    free_given(pids->ptr, pids->length);
    *pids = (odeon_pids){0};
}

static void reason_free(odeon_reason *reason) {
    if (reason->tag == ODEON_ERROR || reason->tag == ODEON_TRAP || reason->tag == ODEON_LIMIT ||
        reason->tag == ODEON_CUSTOM)
        odeon_bytes_free(&reason->text);
}

static void call_error_free(odeon_call_error *error) {
    if (error->tag == ODEON_CALL_ENDED) reason_free(&error->reason);
    else if (error->tag < ODEON_CALL_NOCONNECTION) odeon_bytes_free(&error->text);
}

static void destination_free(odeon_destination *to) {
    if (to->tag == ODEON_TO_NAME) odeon_bytes_free(&to->name);
    if (to->tag == ODEON_TO_NODE_NAME) {
        odeon_bytes_free(&to->node_name.name);
        odeon_bytes_free(&to->node_name.node);
    }
}

static void io_request_free(odeon_event *event) {
    switch (event->io_request.request.tag) {
    case 0: odeon_bytes_free(&event->io_request.request.put_chars.chars); break;
    case 1: odeon_bytes_free(&event->io_request.request.get_line); break;
    case 2: odeon_bytes_free(&event->io_request.request.get_chars.prompt); break;
    case 4:
        for (size_t i = 0; i < event->io_request.request.set_options.length; i++)
            for (int j = 0; j < 2; j++) {
                odeon_bytes part = event->io_request.request.set_options.pairs[i][j];
                free_given(part.ptr, part.length);
            }
        free_given(event->io_request.request.set_options.pairs,
                   event->io_request.request.set_options.length);
        break;
    default: break;
    }
}

void odeon_event_free(odeon_event *event) {
    switch (event->tag) {
    case ODEON_MESSAGE: odeon_bytes_free(&event->message.body); break;
    case ODEON_EXIT: reason_free(&event->exit.reason); break;
    case ODEON_DOWN:
        destination_free(&event->down.object);
        reason_free(&event->down.reason);
        if (event->down.tag.is_some) odeon_bytes_free(&event->down.tag.value);
        break;
    case ODEON_SPAWN_REPLY:
        if (event->spawn_reply.outcome.is_error &&
            event->spawn_reply.outcome.error.tag != ODEON_SPAWN_NOCONNECTION)
            odeon_bytes_free(&event->spawn_reply.outcome.error.text);
        break;
    case ODEON_IO_REQUEST: io_request_free(event); break;
    case ODEON_NODE_UP:
    case ODEON_NODE_DOWN:
        odeon_bytes_free(&event->node_change.node);
        if (event->node_change.reason.is_some) odeon_bytes_free(&event->node_change.reason.value);
        break;
    case ODEON_CALL_REPLY:
        if (event->call_reply.outcome.is_error) call_error_free(&event->call_reply.outcome.error);
        else odeon_bytes_free(&event->call_reply.outcome.result);
        break;
    case ODEON_NAME_LOST: odeon_bytes_free(&event->name_lost.name); break;
    case ODEON_GROUP_CHANGE:
        odeon_bytes_free(&event->group_change.scope);
        odeon_bytes_free(&event->group_change.group);
        odeon_pids_free(&event->group_change.members);
        break;
    case ODEON_TIMEOUT: break;
    }
    event->tag = ODEON_TIMEOUT; /* which has nothing to free a second time */
}

void odeon_result_free(odeon_result *result) {
    if (result->is_error) call_error_free(&result->error);
    else odeon_bytes_free(&result->bytes);
    *result = (odeon_result){0};
}
