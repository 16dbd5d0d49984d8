/* c-bits/bits runs circuits that only exchange basis states, exactly: a whole Ketch plugin in C.
 *
 *     cc -std=c11 -O2 -shared -fPIC -I ../../core/abi/include -o libketch_provider_c-bits.so bits.c
 *
 * The host asks for the backends and their configurations, and hands over one experiment at a time
 * as a Qobj in JSON. It has checked that there are no other instructions than those that the
 * configuration lists, and does jobs, waiting and cancelling itself. */
#include "ketch_plugin.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

KETCH_MANIFEST("{\"schema\":\"ketch.plugin/1\",\"id\":\"c-bits\",\"version\":\"0.1.0\",\"abi\":1,"
               "\"target\":\"x86_64-linux\",\"description\":\"Classical circuits, in C\","
               "\"license\":\"MIT OR Apache-2.0\",\"status\":\"static\",\"rerun\":\"safe\"}");

static const char CONFIGURATION[] =
    "{\"backend_name\":\"bits\",\"backend_version\":\"0.1.0\",\"n_qubits\":64,"
    "\"basis_gates\":[\"id\",\"x\",\"cx\",\"ccx\",\"swap\"],\"gates\":[],\"local\":true,"
    "\"simulator\":true,\"conditional\":false,\"open_pulse\":false,\"memory\":false,"
    "\"max_shots\":1000000,\"description\":\"Basis states, exactly\"}";

/* A reply is memory of ours until the host gives it back. */
static int32_t answer(ketch_bytes *reply, int32_t code, const char *text) {
    reply->length = strlen(text);
    reply->data = malloc(reply->length + 1);
    if (reply->data == NULL) {
        reply->length = 0;
        return KETCH_FAILED;
    }
    memcpy(reply->data, text, reply->length + 1);
    return code;
}

/* The numbers of the list behind a key such as "\"qubits\":[", within one instruction. Returns how
 * many there are, at most `most`. */
static size_t numbers(const char *from, const char *end, const char *key, uint64_t *found,
                      size_t most) {
    const char *list = strstr(from, key);
    if (list == NULL || list >= end) {
        return 0;
    }
    list += strlen(key);
    size_t count = 0;
    while (count < most && *list >= '0' && *list <= '9') {
        char *rest;
        found[count++] = strtoull(list, &rest, 10);
        list = *rest == ',' ? rest + 1 : rest;
    }
    return count;
}

/* Every gate exchanges basis states, so that a bit for each qubit is the whole state. The text is
 * one experiment, written by the host without blanks; in a text of JSON a key with its quotes can
 * stand nowhere else. Returns 0 if it was cancelled or is no circuit for 64 bits. */
static int simulate(const char *text, const ketch_call *call, uint64_t *outcome) {
    uint64_t state = 0;
    *outcome = 0;
    const char *at = strstr(text, "\"instructions\":[");
    if (at == NULL) {
        return 0;
    }
    at += strlen("\"instructions\":[");
    for (unsigned done = 0; *at == '{'; done++) {
        if (done % 4096 == 0 && call->is_cancelled(call->context)) {
            return 0;
        }
        const char *end = strchr(at, '}');
        if (end == NULL) {
            return 0;
        }
        /* Barriers and measurements may be of all 64 bits at once. */
        uint64_t qubits[64], clbits[64];
        size_t n_qubits = numbers(at, end, "\"qubits\":[", qubits, 64);
        for (size_t i = 0; i < n_qubits; i++) {
            if (qubits[i] >= 64) {
                return 0;
            }
        }
        const char *name = strstr(at, "\"name\":\"");
        if (name == NULL || name >= end) {
            return 0;
        }
        name += strlen("\"name\":\"");
        if (strncmp(name, "measure\"", 8) == 0) {
            size_t n_clbits = numbers(at, end, "\"memory\":[", clbits, 64);
            for (size_t i = 0; i < n_clbits && i < n_qubits; i++) {
                if (clbits[i] >= 64) {
                    return 0;
                }
                uint64_t bit = state >> qubits[i] & 1;
                *outcome = (*outcome & ~(UINT64_C(1) << clbits[i])) | bit << clbits[i];
            }
        } else if (strncmp(name, "swap\"", 5) == 0 && n_qubits == 2) {
            uint64_t differ = (state >> qubits[0] ^ state >> qubits[1]) & 1;
            state ^= differ << qubits[0] | differ << qubits[1];
        } else if (strncmp(name, "x\"", 2) == 0 || strncmp(name, "cx\"", 3) == 0 ||
                   strncmp(name, "ccx\"", 4) == 0) {
            uint64_t flip = n_qubits > 0;
            for (size_t i = 0; i + 1 < n_qubits; i++) {
                flip &= state >> qubits[i] & 1;
            }
            if (n_qubits > 0) {
                state ^= flip << qubits[n_qubits - 1];
            }
        }
        at = end[1] == ',' ? end + 2 : end + 1;
    }
    return 1;
}

static int32_t run(const ketch_call *call, ketch_slice request, ketch_bytes *reply) {
    char *text = malloc(request.length + 1);
    if (text == NULL) {
        return answer(reply, KETCH_FAILED, "no memory for the request");
    }
    memcpy(text, request.data, request.length);
    text[request.length] = '\0';
    const char *shots_at = strstr(text, "\"shots\":");
    uint64_t shots = shots_at == NULL ? 1024 : strtoull(shots_at + strlen("\"shots\":"), NULL, 10);
    uint64_t outcome;
    int done = simulate(text, call, &outcome);
    free(text);
    if (!done) {
        return answer(reply, KETCH_FAILED, "cancelled, or more than 64 qubits or clbits");
    }
    char result[160];
    snprintf(result, sizeof result,
             "{\"success\":true,\"shots\":%" PRIu64 ",\"data\":{\"counts\":{\"0x%" PRIx64
             "\":%" PRIu64 "}}}",
             shots, outcome, shots);
    return answer(reply, KETCH_OK, result);
}

static int32_t create(void **provider, ketch_bytes *reply) {
    (void)reply;
    *provider = NULL; /* There is nothing to remember from call to call. */
    return KETCH_OK;
}

static int32_t call(void *provider, const ketch_call *call, const char *method,
                    const char *backend, ketch_slice request, ketch_bytes *reply) {
    (void)provider;
    if (strcmp(method, "backends") == 0) {
        return answer(reply, KETCH_OK, "[\"bits\"]");
    }
    if (strcmp(backend, "bits") != 0) {
        return answer(reply, KETCH_FAILED, "there is no such backend");
    }
    if (strcmp(method, "configuration") == 0) {
        return answer(reply, KETCH_OK, CONFIGURATION);
    }
    if (strcmp(method, "run") == 0) {
        return run(call, request, reply);
    }
    return KETCH_UNKNOWN_METHOD;
}

static void free_bytes(void *provider, ketch_bytes bytes) {
    (void)provider;
    free(bytes.data);
}

KETCH_EXPORT const ketch_plugin ketch_plugin_c_v1 = {
    .size = sizeof(ketch_plugin),
    .version = KETCH_C_VERSION,
    .create = create,
    .call = call,
    .free_bytes = free_bytes,
    .destroy = NULL,
};
