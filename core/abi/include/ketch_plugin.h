/* ketch_plugin.h: the plain C entry of Ketch plugins, version 1.
 *
 * A plugin is a shared library that exports `ketch_plugin_c_v1` and has a manifest, which
 * KETCH_MANIFEST puts where it is read without running the library. `call` knows these methods;
 * requests and replies are JSON in UTF-8:
 *
 *   method         of         request         reply
 *   backends       provider   empty           a list of the backends' names
 *   configuration  a backend  empty           Qiskit's backend_configuration document
 *   status         a backend  empty           Qiskit's backend_status document; optional
 *   properties     a backend  empty           Qiskit's backend_properties document; optional
 *   run            a backend  a Qobj of one   one of the `results` of Qiskit's result document,
 *                             experiment      of which is read what stands below
 *
 * The request of `run` is {"schema": "ketch.c_run/1", "qobj": ...}. Of its reply are read:
 *
 *   success        true, or the experiment failed
 *   status         why it failed, a text
 *   data.counts    {"0x3": 512, ...}; they add up to the shots. May be missing only where the circuit
 *                  measures nothing
 *   data.memory    ["0x3", ...], one for each shot, where the Qobj's config says `memory`; may be
 *                  missing
 *
 * Outcomes are numbers in hexadecimal, clbit 0 the lowest bit. What does not add up fails the
 * experiment.
 *
 * What is optional, and what comes later, is answered by KETCH_UNKNOWN_METHOD where it is not known.
 * `run` blocks until the work is done; the host calls it on a thread of its own, and does jobs,
 * waiting, time-outs and several experiments itself. It has checked the Qobj against the
 * configuration before. An error is KETCH_FAILED with a reply that is either a text or a document
 * {"code": ..., "message": ..., "hint": ...}.
 *
 * No exception of C++, no panic and no longjmp may leave a function: that is undefined, and nothing
 * sees to it. Catch them in the plugin and return KETCH_FAILED.
 *
 * Generated from core/abi/src/c.rs.
 */
#ifndef KETCH_PLUGIN_H
#define KETCH_PLUGIN_H

#include <stdint.h>

#define KETCH_C_VERSION 1u

#define KETCH_OK 0
#define KETCH_FAILED 1
#define KETCH_UNKNOWN_METHOD 2

/* The manifest, once in a library: a JSON object in quotes, such as
 * "{\"schema\":\"ketch.plugin/1\",\"id\":\"mylab\",\"version\":\"0.1.0\",\"abi\":1,"
 * "\"target\":\"x86_64-linux\"}" */
#define KETCH_MANIFEST(text)                                                                      \
    __attribute__((section(".ketch.manifest"), used)) static const struct {                       \
        char json[sizeof(text) - 1];                                                              \
    } ketch_manifest = {text}

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes that are lent for the time of a call. Text is UTF-8 and has no final NUL. */
typedef struct ketch_slice {
    /* The first byte; may be null if there is none. */
    const uint8_t *data;
    /* How many there are. */
    uint64_t length;
} ketch_slice;

/* Bytes that the plugin made, and that it gets back by `free_bytes`. */
typedef struct ketch_bytes {
    /* The first byte; null if there is none. */
    uint8_t *data;
    /* How many there are. */
    uint64_t length;
} ketch_bytes;

/* What a plugin can ask and tell its host while it is called. Gone when the call returns. */
typedef struct ketch_call {
    /* The size of this struct in bytes: what lies behind it is not there. */
    uint32_t size;
    /* The version of the host's side, 1. */
    uint32_t version;
    /* The host's own. */
    const void *context;
    /* Not 0 as soon as the work should stop. Ask every 50 ms or more often, with `context` and */
    /* from any thread, until the call returns. */
    int32_t (*is_cancelled)(const void *context);
} ketch_call;

/* The plugin: exported as a constant under the name `ketch_plugin_c_v1`. */
typedef struct ketch_plugin {
    /* The size of this struct in bytes. */
    uint32_t size;
    /* KETCH_C_VERSION. */
    uint32_t version;
    /* Makes the provider, once; `provider` is handed to all other functions. It may be null, and */
    /* there is none if the code is not KETCH_OK. */
    int32_t (*create)(void **provider, ketch_bytes *reply);
    /* Calls a method, of a backend by its name or of the provider if that is empty. Is called */
    /* from any thread, and from several at once. */
    int32_t (*call)(void *provider, const ketch_call *call, const char *method,
                    const char *backend, ketch_slice request, ketch_bytes *reply);
    /* Gives bytes of a reply back to the plugin: once for each reply whose `data` is not null, */
    /* whatever the code, as soon as they are read. From any thread. */
    void (*free_bytes)(void *provider, ketch_bytes bytes);
    /* Gives the provider back that `create` made, when nobody calls it any more; a process that */
    /* ends need not come to that. May be null. */
    void (*destroy)(void *provider);
} ketch_plugin;

/* Export the struct with this in front of it, whatever the compiler hides. */
#define KETCH_EXPORT __attribute__((visibility("default")))

extern KETCH_EXPORT const ketch_plugin ketch_plugin_c_v1;

#ifdef __cplusplus
}
#endif

#endif
