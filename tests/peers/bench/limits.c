/* What the machine can do at most: `limits THREADS` prints one JSON object.
 *
 * Rates are medians of several passes with all threads at work: bytes read and written in place,
 * from memory and within caches, and multiply-adds that need no memory at all. The vectors are
 * GCC's and Clang's own, so that the compiler takes the widest instructions of this machine.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { PASSES = 7, UNROLLED = 12 };
static const size_t MEMORY = (size_t)512 << 20;
static const size_t HUGE = (size_t)2 << 20;

typedef double doubles __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(64)));

static int threads;

typedef struct {
    void (*work)(int index, void *with);
    int index;
    void *with;
} Task;

static void *start(void *task) {
    Task *t = task;
    t->work(t->index, t->with);
    return NULL;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

/* The seconds of one pass of all threads. */
static double pass(void (*work)(int, void *), void *with) {
    pthread_t handles[256];
    Task tasks[256];
    double begun = now();
    for (int i = 0; i < threads; i++) {
        tasks[i] = (Task){work, i, with};
        if (pthread_create(&handles[i], NULL, start, &tasks[i]) != 0) exit(1);
    }
    for (int i = 0; i < threads; i++) pthread_join(handles[i], NULL);
    return now() - begun;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(void (*work)(int, void *), void *with) {
    double seconds[PASSES];
    pass(work, with);
    for (int i = 0; i < PASSES; i++) seconds[i] = pass(work, with);
    qsort(seconds, PASSES, sizeof *seconds, ascending);
    return seconds[PASSES / 2];
}

static void scale(doubles *x, size_t n) {
    for (size_t i = 0; i < n; i++) x[i] *= 1.0000001;
}

static void scale_share(int index, void *with) {
    size_t n = MEMORY / threads / sizeof(doubles);
    scale((doubles *)with + index * n, n);
}

typedef struct {
    doubles *memory;
    size_t bytes;
    long times;
} Block;

/* Each thread over and over through a block of its own. */
static void scale_block(int index, void *with) {
    Block *block = with;
    size_t n = block->bytes / sizeof(doubles);
    for (long i = 0; i < block->times; i++) {
        scale(block->memory + index * n, n);
        __asm__ volatile("" ::: "memory");
    }
}

static const long MULTIPLY_ADDS = 20000000;
static volatile double sink;

#define MULTIPLY_ADD(NAME, VECTOR)                                                  \
    static void NAME(int index, void *with) {                                       \
        VECTOR a[UNROLLED], b, c;                                                   \
        (void)with;                                                                 \
        for (int j = 0; j < UNROLLED; j++)                                          \
            for (size_t k = 0; k < sizeof(VECTOR) / sizeof(a[0][0]); k++)           \
                a[j][k] = j + index;                                                \
        for (size_t k = 0; k < sizeof(VECTOR) / sizeof(a[0][0]); k++)               \
            b[k] = 0.999999, c[k] = 1e-7;                                           \
        for (long i = 0; i < MULTIPLY_ADDS; i++) {                                  \
            _Pragma("GCC unroll 12") for (int j = 0; j < UNROLLED; j++)             \
                a[j] = a[j] * b + c;                                                \
        }                                                                           \
        for (int j = 1; j < UNROLLED; j++) a[0] += a[j];                            \
        sink = a[0][0];                                                             \
    }
MULTIPLY_ADD(multiply_add_double, doubles)
MULTIPLY_ADD(multiply_add_single, floats)

int main(int argc, char **argv) {
    threads = argc == 2 ? atoi(argv[1]) : 0;
    if (threads < 1 || threads > 256) {
        fprintf(stderr, "usage: limits THREADS, 1 to 256\n");
        return 2;
    }
    char *mapped = mmap(NULL, MEMORY + HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                        -1, 0);
    if (mapped == MAP_FAILED) {
        perror("mapping memory");
        return 1;
    }
    doubles *memory = (doubles *)(((uintptr_t)mapped + HUGE - 1) & ~(uintptr_t)(HUGE - 1));
    madvise(memory, MEMORY, MADV_HUGEPAGE);
    memset(memory, 0, MEMORY);

    printf("{\"threads\": %d, \"bandwidth\": [", threads);
    for (size_t bytes = (size_t)256 << 10; bytes <= (size_t)16 << 20; bytes *= 2) {
        Block block = {memory, bytes, (long)(((size_t)1 << 30) / bytes)};
        if (bytes * threads > MEMORY) break;
        double moved = 2.0 * bytes * block.times * threads;
        printf("[%zu, %.4g], ", bytes * threads, moved / median(scale_block, &block));
    }
    printf("[%zu, %.4g]]", MEMORY, 2.0 * MEMORY / median(scale_share, memory));

    double operations = 2.0 * MULTIPLY_ADDS * UNROLLED * threads;
    printf(", \"double\": %.4g, \"single\": %.4g}\n",
           operations * 8 / median(multiply_add_double, NULL),
           operations * 16 / median(multiply_add_single, NULL));
    return 0;
}
