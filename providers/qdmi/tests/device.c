/* A QDMI device for the tests: five sites in a line, or 65,535 that are all alike, of version 1.4
 * or 1.3. It runs circuits of x, cx and measure, and misbehaves as the session's `custom1` says:
 *
 *   deny      does not begin a session            fail     jobs fail, with a line on stderr
 *   hang      jobs run until they are cancelled   short    outcomes are of one bit
 *   stubborn  jobs run for ever, and whoever frees one waits
 *   keeps     jobs are given back by their ids, in the queue behind two others until then
 *
 * PREFIX, VERSION, and OLD, ALIKE and NO_PROGRAMS if they are defined, are the compiler's. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GLUE(a, b) a##_QDMI_device_##b
#define NAME(a, b) GLUE(a, b)
#define EXPORT(name) __attribute__((visibility("default"))) NAME(PREFIX, name)

enum { OK = 0, FATAL = -1, NOT_FOUND = -5, INVALID = -7, DENIED = -8, UNSUPPORTED = -9, STATE = -10 };
enum { WAITING = 2, RUNNING = 3, DONE = 4, CANCELLED = 5, FAILED = 6 };
enum { X, CX, MEASURE, OPERATIONS };

#ifdef ALIKE
#define SITES 65535
#else
#define SITES 5
#endif

struct session { char mode[32]; int begun; };
struct job {
    struct session *session;
    char id[32], program[4096];
    int format, state, looks;
    size_t shots;
};

static char sites[SITES], operations[OPERATIONS];
static int initialized;
static struct job kept[64];
static size_t n_kept, last_id;

/* Answers a question for a value: its size, the value, or that the place is too small. */
static int tell(const void *value, size_t length, size_t size, void *place, size_t *needed) {
    if (needed != NULL) *needed = length;
    if (place == NULL) return OK;
    if (size < length) return INVALID;
    memcpy(place, value, length);
    return OK;
}

static int text(const char *value, size_t size, void *place, size_t *needed) {
    return tell(value, strlen(value) + 1, size, place, needed);
}

static int number(uint64_t value, size_t size, void *place, size_t *needed) {
    return tell(&value, sizeof value, size, place, needed);
}

#ifndef ALIKE
static int real(double value, size_t size, void *place, size_t *needed) {
    return tell(&value, sizeof value, size, place, needed);
}
#endif

int EXPORT(initialize)(void) {
    /* The interface promises that it is called once. */
    return initialized++ ? FATAL : OK;
}

int EXPORT(finalize)(void) { return OK; }

int EXPORT(session_alloc)(struct session **session) {
    *session = calloc(1, sizeof **session);
    return OK;
}

int EXPORT(session_set_parameter)(struct session *session, int which, size_t size,
                                  const void *value) {
    if (which != 999999995) return UNSUPPORTED;
    if (session->begun) return STATE;
    if (value == NULL) return OK;
    if (size > sizeof session->mode) return INVALID;
    memcpy(session->mode, value, size);
    return OK;
}

static int is(const struct session *session, const char *mode) {
    return strcmp(session->mode, mode) == 0;
}

int EXPORT(session_init)(struct session *session) {
    if (is(session, "deny")) return DENIED;
    session->begun = 1;
    return OK;
}

void EXPORT(session_free)(struct session *session) { free(session); }

int EXPORT(session_query_device_property)(struct session *session, int which, size_t size,
                                          void *place, size_t *needed) {
    static const int formats[] = {0, 1}, idle = 1;
    void *handles[SITES > 8 ? SITES : 8];
    if (!session->begun) return STATE;
    switch (which) {
    case 0: return text("a fake", size, place, needed);
    case 1: return text("2.1.0", size, place, needed);
    case 2: return tell(&idle, sizeof idle, size, place, needed);
    case 3: return text(VERSION, size, place, needed);
    case 4: return number(SITES, size, place, needed);
    case 5:
        for (size_t i = 0; i < SITES; i++) handles[i] = &sites[i];
        return tell(handles, SITES * sizeof *handles, size, place, needed);
    case 6:
        for (size_t i = 0; i < OPERATIONS; i++) handles[i] = &operations[i];
        return tell(handles, OPERATIONS * sizeof *handles, size, place, needed);
#ifndef ALIKE
    case 7:
        for (size_t i = 0; i < 4; i++) {
            handles[2 * i] = &sites[i];
            handles[2 * i + 1] = &sites[i + 1];
        }
        return tell(handles, 8 * sizeof *handles, size, place, needed);
    case 12: return text("us", size, place, needed);
    case 13: return real(0.5, size, place, needed);
#endif
#ifndef NO_PROGRAMS
    case 15: return tell(formats, sizeof formats, size, place, needed);
#endif
    /* Some answer so where the header asks for "not supported". */
    default: (void)formats; return INVALID;
    }
}

int EXPORT(session_query_site_property)(struct session *session, void *site, int which, size_t size,
                                        void *place, size_t *needed) {
    (void)session;
    (void)site;
#ifndef ALIKE
    if (which == 1) return number(100 + (uint64_t)((char *)site - sites), size, place, needed);
    if (which == 2) return number(60, size, place, needed);
#endif
    (void)which, (void)size, (void)place, (void)needed;
    return UNSUPPORTED;
}

int EXPORT(session_query_operation_property)(struct session *session, void *operation, size_t count,
                                             void **on, size_t n_parameters,
                                             const double *parameters, int which, size_t size,
                                             void *place, size_t *needed) {
    static const char *names[] = {"x", "cx", "measure"};
    static const double fidelities[] = {0.999, 0.99, 0.97};
    size_t number_of = (size_t)((char *)operation - operations);
    (void)session, (void)on, (void)n_parameters, (void)parameters, (void)fidelities;
    switch (which) {
    case 0: return text(names[number_of], size, place, needed);
    case 1: return number(number_of == CX ? 2 : 1, size, place, needed);
    case 2: return number(0, size, place, needed);
#ifndef ALIKE
    case 3: return count == 0 ? UNSUPPORTED : number(40, size, place, needed);
    case 4: return count == 0 ? UNSUPPORTED : real(fidelities[number_of], size, place, needed);
    case 9: {
        void *handles[8];
        size_t n = number_of == CX ? 8 : 5;
        for (size_t i = 0; i < n; i++) handles[i] = &sites[number_of == CX ? (i + 1) / 2 : i];
        return tell(handles, n * sizeof *handles, size, place, needed);
    }
#endif
    default: (void)count; return UNSUPPORTED;
    }
}

int EXPORT(session_create_device_job)(struct session *session, struct job **job) {
    *job = calloc(1, sizeof **job);
    (*job)->session = session;
    (*job)->shots = 1000;
    snprintf((*job)->id, sizeof(*job)->id, "fake-%zu", ++last_id);
    return OK;
}

static int set_program(struct job *job, size_t size, const void *program) {
    if (size > sizeof job->program || ((const char *)program)[size - 1] != 0) return INVALID;
    memcpy(job->program, program, size);
    return OK;
}

int EXPORT(job_set_parameter)(struct job *job, int which, size_t size, const void *value) {
    if (which == 2 && size == sizeof job->shots) memcpy(&job->shots, value, size);
#ifdef OLD
    else if (which == 0 && size == sizeof job->format) memcpy(&job->format, value, size);
    else if (which == 1) return set_program(job, size, value);
#endif
    else return INVALID;
    return OK;
}

#ifndef OLD
int EXPORT(job_set_programs)(struct job *job, int format, size_t count, const size_t *lengths,
                             const void *const *programs) {
    if (count != 1) return UNSUPPORTED;
    job->format = format;
    return set_program(job, lengths[0], programs[0]);
}

int EXPORT(session_retrieve_device_job_by_id)(struct session *session, const char *id,
                                              struct job **job) {
    if (!is(session, "keeps")) return UNSUPPORTED;
    for (size_t i = 0; i < n_kept; i++) {
        if (strcmp(kept[i].id, id) != 0) continue;
        *job = malloc(sizeof **job);
        **job = kept[i];
        (*job)->session = session;
        (*job)->state = RUNNING;
        return OK;
    }
    return NOT_FOUND;
}
#endif

int EXPORT(job_submit)(struct job *job) {
    const struct session *session = job->session;
    job->state = is(session, "keeps") ? WAITING : RUNNING;
    if (is(session, "keeps") && n_kept < 64) kept[n_kept++] = *job;
    if (is(session, "fail")) {
        fprintf(stderr, "fake device: a program that is wrong\n");
        job->state = FAILED;
    }
    return OK;
}

int EXPORT(job_check)(struct job *job, int *state) {
    int endless = is(job->session, "hang") || is(job->session, "stubborn");
    if (job->state == RUNNING && !endless && ++job->looks > 2) job->state = DONE;
    *state = job->state;
    return OK;
}

int EXPORT(job_cancel)(struct job *job) {
    if (is(job->session, "stubborn")) return FATAL;
    job->state = CANCELLED;
    return OK;
}

int EXPORT(job_wait)(struct job *job, size_t timeout) {
    (void)job, (void)timeout;
    return FATAL;
}

int EXPORT(job_query_property)(struct job *job, int which, size_t size, void *place,
                               size_t *needed) {
    if (which == 0) return text(job->id, size, place, needed);
    if (which == 4 && job->state == WAITING) return number(2, size, place, needed);
    return UNSUPPORTED;
}

/* The classical registers of a program: their names, and where their bits begin. */
struct registers { char name[8][32]; int start[8], size[8], count, width; };

static int start_of(const struct registers *all, const char *name, int *size) {
    for (int i = 0; i < all->count; i++)
        if (strcmp(all->name[i], name) == 0) return *size = all->size[i], all->start[i];
    return *size = 0;
}

/* Runs the program on |0…0>; bits of qubits and clbits, the lowest first. */
static int run(const char *program, uint64_t *qubits, uint64_t *clbits, int *width, int *readout) {
    struct registers all = {0};
    char name[32];
    unsigned a, b;
    int n, first;
    *qubits = *clbits = 0, *width = *readout = 0;
    if (strncmp(program, "OPENQASM 2.0;\n", 14) != 0) return FATAL;
    for (const char *line = program; line != NULL && *line != 0; line = strchr(line, '\n')) {
        if (*line == '\n') line++;
        if (sscanf(line, "qreg q[%d]", &n) == 1) {
            *width = n;
#ifndef ALIKE
            /* Only so the program's qubits are the device's. */
            if (n != SITES) return FATAL;
#endif
        } else if (sscanf(line, "creg %31[^[][%d]", name, &n) == 2 && all.count < 8) {
            strcpy(all.name[all.count], name);
            all.start[all.count] = all.width, all.size[all.count++] = n;
            all.width += n;
        } else if (sscanf(line, "x q[%u]", &a) == 1) *qubits ^= (uint64_t)1 << a;
        else if (sscanf(line, "cx q[%u],q[%u]", &a, &b) == 2) *qubits ^= (*qubits >> a & 1) << b;
        else if (sscanf(line, "measure q[%u] -> %31[^[][%u]", &a, name, &b) == 3) {
            first = start_of(&all, name, &n) + (int)b;
            *clbits = (*clbits & ~((uint64_t)1 << first)) | (*qubits >> a & 1) << first;
        } else if (sscanf(line, "measure q -> %31[^;]", name) == 1) {
            first = start_of(&all, name, &n);
            *clbits |= *qubits << first;
        }
    }
    *readout = all.width;
    return OK;
}

static int result(struct job *job, int which, size_t size, void *place, size_t *needed) {
    static char shots[1 << 16];
    uint64_t qubits, clbits;
    int width, readout;
    char key[65];
    if (job->state != DONE) return STATE;
    if (run(job->program, &qubits, &clbits, &width, &readout) != OK) return FATAL;
    if (is(job->session, "short")) readout = 1;
    for (int i = 0; i < readout; i++) key[i] = (char)('0' + (clbits >> (readout - 1 - i) & 1));
    key[readout] = 0;
    if (which <= 2 && job->shots == 0) return INVALID;
    switch (which) {
#ifndef OLD
    case 0:
        if (job->shots * ((size_t)readout + 1) > sizeof shots) return FATAL;
        shots[0] = 0;
        for (size_t i = 0, end = 0; i < job->shots; i++)
            end += (size_t)sprintf(shots + end, i ? ",%s" : "%s", key);
        return text(shots, size, place, needed);
#endif
    case 1: return text(key, size, place, needed);
    case 2: return number(job->shots, size, place, needed);
    case 3: {
        double state[2 * 64] = {0};
        (void)shots;
#ifdef OLD
        if (job->shots > 0) return INVALID;
#endif
        if (width > 6) return UNSUPPORTED;
        state[2 * qubits] = 1;
        return tell(state, (sizeof *state * 2) << width, size, place, needed);
    }
    default: return UNSUPPORTED;
    }
}

#ifdef OLD
int EXPORT(job_get_results)(struct job *job, int which, size_t size, void *place, size_t *needed) {
    return result(job, which, size, place, needed);
}
#else
int EXPORT(job_get_results)(struct job *job, size_t program, int which, size_t size, void *place,
                            size_t *needed) {
    return program == 0 ? result(job, which, size, place, needed) : -6;
}
#endif

void EXPORT(job_free)(struct job *job) {
    while (is(job->session, "stubborn")) pause();
    free(job);
}
