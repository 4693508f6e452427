/* Optional kernels for compiled programs on CPUs, behind XLA's FFI: extremes that keep nans, running sums and products,
 * scattered sums, range checks, transpositions. XLA's own code for them loses nans, or takes several times as long.
 *
 * numax works without them (numax/_engine/ops/kernels.py). Results do not depend on the number of threads.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xla/ffi/api/c_api.h>

#if !defined(__GNUC__)
#error "needs a compiler with GNU C's vectors: GCC or Clang"
#endif

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("arch=x86-64-v4", "avx2", "default")))
#else
#define WIDE
#endif
#define INLINE __attribute__((always_inline)) inline

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- work in pieces, on the threads of the program ---- */

typedef void piece_function(const void *state, int64_t first, int64_t last);

enum { PIECE = 1 << 15, MOST_PIECES = 64 }; /* elements worth another thread; pieces, which are taken one by one */

typedef struct {
    piece_function *function;
    const void *state; /* on the caller's stack: untouched once every piece is done */
    int64_t units, pieces;
    _Atomic int64_t next, done;
    _Atomic int users;
} job;

static void work(job *j) {
    int64_t piece;
    while ((piece = atomic_fetch_add(&j->next, 1)) < j->pieces) {
        j->function(j->state, piece * j->units / j->pieces, (piece + 1) * j->units / j->pieces);
        atomic_fetch_add(&j->done, 1);
    }
}

static void leave(job *j) {
    if (atomic_fetch_sub(&j->users, 1) == 1) free(j);
}

static void help(void *data) {
    work(data);
    leave(data);
}

static int good(XLA_FFI_CallFrame *frame, XLA_FFI_Error *error) {
    if (!error) return 1;
    XLA_FFI_Error_Destroy_Args args = {XLA_FFI_Error_Destroy_Args_STRUCT_SIZE, NULL, error};
    frame->api->XLA_FFI_Error_Destroy(&args);
    return 0;
}

static int64_t threads_of(XLA_FFI_CallFrame *frame) {
    int64_t count = 1;
    XLA_FFI_ThreadPool_NumThreads_Args args = {XLA_FFI_ThreadPool_NumThreads_Args_STRUCT_SIZE, NULL, frame->ctx, &count};
    return good(frame, frame->api->XLA_FFI_ThreadPool_NumThreads(&args)) ? count : 1;
}

/* function(state, first, last) for all of 0 ... units - 1, `size` elements in all, here and by helpers. Nobody waits for a helper
 * that has not begun, so that calls inside the pool cannot wait for each other. */
static void in_pieces(XLA_FFI_CallFrame *frame, piece_function *function, const void *state, int64_t units, int64_t size) {
    const int64_t pieces = least(units, least(1 + size / PIECE, MOST_PIECES));
    const int64_t helpers = pieces > 1 ? least(threads_of(frame), pieces) - 1 : 0;
    job *j = helpers > 0 ? malloc(sizeof(job)) : NULL;
    if (!j) {
        function(state, 0, units);
        return;
    }
    j->function = function;
    j->state = state;
    j->units = units;
    j->pieces = pieces;
    atomic_init(&j->next, 0);
    atomic_init(&j->done, 0);
    atomic_init(&j->users, 1);
    for (int64_t i = 0; i < helpers; i++) {
        atomic_fetch_add(&j->users, 1);
        XLA_FFI_ThreadPool_Schedule_Args args = {XLA_FFI_ThreadPool_Schedule_Args_STRUCT_SIZE, NULL, frame->ctx, help, j};
        if (!good(frame, frame->api->XLA_FFI_ThreadPool_Schedule(&args))) {
            leave(j);
            break;
        }
    }
    work(j);
    while (atomic_load(&j->done) < pieces) sched_yield();
    leave(j);
}

/* ---- what a handler is called with ---- */

/* Whether XLA only asks for the version of the interface. (Types' names, not their layout, differ between versions of its header.) */
static int is_question(XLA_FFI_CallFrame *frame) {
    const XLA_FFI_Metadata_Extension *question = (const void *)frame->extension_start;
    if (!question || question->extension_base.type != XLA_FFI_Extension_Metadata) return 0;
    question->metadata->api_version.major_version = XLA_FFI_API_MAJOR;
    question->metadata->api_version.minor_version = XLA_FFI_API_MINOR < 3 ? XLA_FFI_API_MINOR : 3; /* 3: of jaxlib 0.10, and enough */
    return 1;
}

static XLA_FFI_Error *fail(XLA_FFI_CallFrame *frame, const char *message) {
    XLA_FFI_Error_Create_Args args = {XLA_FFI_Error_Create_Args_STRUCT_SIZE, NULL, message, XLA_FFI_Error_Code_INVALID_ARGUMENT};
    return frame->api->XLA_FFI_Error_Create(&args);
}

static const XLA_FFI_Buffer *argument(XLA_FFI_CallFrame *frame, int64_t i) {
    return i < frame->args.size ? frame->args.args[i] : NULL;
}

static const XLA_FFI_Buffer *result(XLA_FFI_CallFrame *frame) { return frame->rets.size == 1 ? frame->rets.rets[0] : NULL; }

static int64_t size_of(const XLA_FFI_Buffer *buffer, int64_t first, int64_t last) {
    int64_t size = 1;
    for (int64_t i = first; i < last; i++) size *= buffer->dims[i];
    return size;
}

/* The attribute of a name and type. */
static const void *attribute(XLA_FFI_CallFrame *frame, const char *name, XLA_FFI_DataType dtype) {
    for (int64_t i = 0; i < frame->attrs.size; i++) {
        const XLA_FFI_ByteSpan *found = frame->attrs.names[i];
        if (found->len != strlen(name) || memcmp(found->ptr, name, found->len) || frame->attrs.types[i] != XLA_FFI_AttrType_SCALAR)
            continue;
        const XLA_FFI_Scalar *scalar = frame->attrs.attrs[i];
        return scalar->dtype == dtype ? scalar->value : NULL;
    }
    return NULL;
}

/* A number among the attributes, of 64 bits; -1 if it is not there. */
static int64_t number(XLA_FFI_CallFrame *frame, const char *name) {
    const int64_t *found = attribute(frame, name, XLA_FFI_DataType_S64);
    return found ? *found : -1;
}

/* A float64 among the attributes; 0 if it is not there. */
static double real(XLA_FFI_CallFrame *frame, const char *name) {
    const double *found = attribute(frame, name, XLA_FFI_DataType_F64);
    return found ? *found : 0.0;
}

/* ---- whether any float32 lies outside low ... high; a nan does not ---- */

typedef struct {
    const float *x;
    float low, high;
    _Atomic int found;
} range;

WIDE static int any_outside(const float *x, int64_t n, float low, float high) {
    int any = 0;
    for (int64_t i = 0; i < n; i++) any |= (x[i] < low) | (x[i] > high);
    return any;
}

static void range_pieces(const void *state, int64_t first, int64_t last) {
    range *r = (range *)state;
    enum { AT_ONCE = 4096 };
    for (; first < last && !atomic_load(&r->found); first += AT_ONCE)
        if (any_outside(r->x + first, least(AT_ONCE, last - first), r->low, r->high)) atomic_store(&r->found, 1);
}

static XLA_FFI_Error *outside(XLA_FFI_CallFrame *frame) {
    if (is_question(frame)) return NULL;
    const XLA_FFI_Buffer *x = argument(frame, 0), *out = result(frame);
    if (!x || !out || x->dtype != XLA_FFI_DataType_F32) return fail(frame, "numax_outside: wrong arguments.");
    const int64_t size = size_of(x, 0, x->rank);
    range r = {.x = x->data, .low = (float)real(frame, "low"), .high = (float)real(frame, "high")};
    in_pieces(frame, range_pieces, &r, size, size);
    *(uint8_t *)out->data = (uint8_t)atomic_load(&r.found);
    return NULL;
}

/* ---- extremes over the axes first ... last - 1: [outer, n, inner] to [outer, inner] ----
 *
 * Floats are ranked as integers: with the sign, the other bits turned over, so that -0 is below 0; for the least, all bits. Then the
 * nans of one sign lie above infinity, and those of the other at the very bottom: SPARE of them. Taken away from all ranks, they
 * wrap around to the top, and the largest rank tells of any nan. */

enum { LANES = 64, COLUMNS = 2048, SHORT = 128 }; /* SHORT: rows from here on are cut into lanes */

typedef struct {
    const void *x;
    void *out;
    int64_t outer, n, inner;
    int64_t parts;  /* of the n rows */
    int64_t groups; /* of the columns */
    int least;
    void *best, *place; /* [outer, parts, inner], where there are parts; of places, which are those in `place` */
} extremes;

#define EXTREMES(NAME, S, U, INFINITE)                                                                                \
    enum { NAME##_SHIFT = 8 * sizeof(S) - 1 };                                                                        \
    static const S NAME##_ALL = (S)(((U)1 << NAME##_SHIFT) - 1), NAME##_LOWEST = (S)((U)1 << NAME##_SHIFT);           \
    static const S NAME##_SPARE = (S)((((U)1 << NAME##_SHIFT) - 1) - (U)(INFINITE));                                  \
    static INLINE S NAME##_rank(S bits, S turn) {                                                                     \
        return (S)(U)((U)(S)((bits ^ ((bits >> NAME##_SHIFT) & NAME##_ALL)) ^ turn) - (U)NAME##_SPARE);               \
    }                                                                                                                 \
    static INLINE S NAME##_over(S a, S b) { return a > b ? a : b; }                                                   \
    static INLINE void NAME##_rows(const S *restrict x, int64_t rows, int64_t stride, int64_t step, int64_t lanes, S turn,\
                                   S *restrict best) {                                                                \
        int64_t i = 0;                                                                                                \
        for (; i + 4 <= rows; i += 4, x += 4 * stride)                                                                \
            for (int64_t k = 0; k < lanes; k++) {                                                                     \
                const S *from = x + k * step;                                                                         \
                const S ab = NAME##_over(NAME##_rank(from[0], turn), NAME##_rank(from[stride], turn));                \
                const S cd = NAME##_over(NAME##_rank(from[2 * stride], turn), NAME##_rank(from[3 * stride], turn));   \
                best[k] = NAME##_over(best[k], NAME##_over(ab, cd));                                                  \
            }                                                                                                         \
        for (; i < rows; i++, x += stride)                                                                            \
            for (int64_t k = 0; k < lanes; k++) best[k] = NAME##_over(best[k], NAME##_rank(x[k * step], turn));       \
    }                                                                                                                 \
    static INLINE void NAME##_clear(int64_t lanes, S *best) {                                                         \
        for (int64_t k = 0; k < lanes; k++) best[k] = NAME##_LOWEST;                                                  \
    }                                                                                                                 \
    static INLINE void NAME##_fold(int64_t lanes, int64_t kept, S *best) {                                            \
        for (int64_t many = lanes / kept; many > 1; many -= many / 2) { /* the last half onto the first */            \
            const int64_t half = many / 2 * kept;                                                                     \
            const S *restrict from = best + (many - many / 2) * kept;                                                 \
            for (int64_t k = 0; k < half; k++) best[k] = NAME##_over(best[k], from[k]);                               \
        }                                                                                                             \
    }                                                                                                                 \
    static INLINE S NAME##_value(S best, S turn) {                                                                    \
        const S key = (S)((S)(U)((U)best + (U)NAME##_SPARE) ^ turn), bits = (S)(key ^ ((key >> NAME##_SHIFT) & NAME##_ALL));\
        const S nan = (S)((INFINITE) | ((INFINITE) & ~((INFINITE) << 1)) >> 1);                                       \
        return best > (S)((INFINITE) - NAME##_SPARE) ? nan : bits;                                                    \
    }                                                                                                                 \
    /* Outer rows from first to last, each short: LANES of them side by side. */                                      \
    WIDE static void NAME##_short(const extremes *e, int64_t first, int64_t last) {                                   \
        const S *x = e->x, turn = e->least ? (S)-1 : 0;                                                               \
        S *out = e->out, b[LANES];                                                                                    \
        for (; first < last; first += LANES) {                                                                        \
            const int64_t lanes = least(LANES, last - first);                                                         \
            NAME##_clear(LANES, b);                                                                                   \
            if (lanes == LANES)                                                                                       \
                NAME##_rows(x + first * e->n, e->n, 1, e->n, LANES, turn, b);                                         \
            else                                                                                                      \
                NAME##_rows(x + first * e->n, e->n, 1, e->n, lanes, turn, b);                                         \
            for (int64_t k = 0; k < lanes; k++) out[first + k] = NAME##_value(b[k], turn);                            \
        }                                                                                                             \
    }                                                                                                                 \
    /* Some rows of one outer row, some columns: the result, or where there are parts, their ranks. */                \
    WIDE static void NAME##_block(const extremes *e, int64_t outer, int64_t part, int64_t group) {                    \
        const int alone = e->parts == 1; /* divisions take as long as a hundred elements */                           \
        const int64_t from = alone ? 0 : part * e->n / e->parts, inner = e->inner;                                    \
        const int64_t rows = alone ? e->n : (part + 1) * e->n / e->parts - from;                                      \
        const S *x = (const S *)e->x + (outer * e->n + from) * inner, turn = e->least ? (S)-1 : 0;                    \
        S b[COLUMNS];                                                                                                 \
        int64_t left = 0, wide = inner;                                                                               \
        if (inner < LANES) { /* as many rows side by side as fit */                                            \
            const int64_t beside = (inner == 1 ? LANES : 4 * LANES) / inner, lanes = beside * inner, times = rows / beside;\
            NAME##_clear(lanes, b);                                                                                   \
            NAME##_rows(x, times, lanes, 1, lanes, turn, b);                                                          \
            NAME##_rows(x + times * lanes, 1, 0, 1, rows * inner - times * lanes, turn, b);                           \
            NAME##_fold(lanes, inner, b);                                                                             \
        } else {                                                                                                      \
            left = group * COLUMNS;                                                                                   \
            wide = least(COLUMNS, inner - left);                                                                      \
            NAME##_clear(wide, b);                                                                                    \
            NAME##_rows(x + left, rows, inner, 1, wide, turn, b);                                                     \
        }                                                                                                             \
        if (alone) {                                                                                                  \
            S *out = (S *)e->out + outer * inner + left;                                                              \
            for (int64_t k = 0; k < wide; k++) out[k] = NAME##_value(b[k], turn);                                     \
        } else {                                                                                                      \
            memcpy((S *)e->best + (outer * e->parts + part) * inner + left, b, (size_t)wide * sizeof(S));             \
        }                                                                                                             \
    }                                                                                                                 \
    WIDE static void NAME##_end(const extremes *e) {                                                                  \
        const S turn = e->least ? (S)-1 : 0;                                                                          \
        const int64_t inner = e->inner;                                                                               \
        for (int64_t i = 0; i < e->outer; i++) {                                                                      \
            S *out = (S *)e->out + i * inner, *best = (S *)e->best + i * e->parts * inner;                            \
            NAME##_fold(e->parts * inner, inner, best);                                                               \
            for (int64_t k = 0; k < inner; k++) out[k] = NAME##_value(best[k], turn);                                 \
        }                                                                                                             \
    }

EXTREMES(narrow, int16_t, uint16_t, 0x7C00) /* float16 */
EXTREMES(brain, int16_t, uint16_t, 0x7F80)  /* bfloat16 */
EXTREMES(single, int32_t, uint32_t, 0x7F800000)
EXTREMES(wide, int64_t, uint64_t, INT64_C(0x7FF0000000000000))

/* ---- places of extremes, [outer, n, inner] to int32 [outer, inner]: of the first nan, or else of the first extreme ----
 *
 * With nans above all else, and -0 as 0. Rows are looked at side by side, so that each lane keeps its first place. */

#define PLACES(NAME, S, U, INFINITE)                                                                                  \
    static INLINE S NAME##_order(S bits, S turn) {                                                                     \
        const S key = (S)(bits ^ ((bits >> NAME##_SHIFT) & NAME##_ALL));\
        const S ordered = (S)((key + (key == -1)) ^ turn);                                                            \
        return (U)((U)bits << 1) > (U)((U)(INFINITE) << 1) ? NAME##_ALL : ordered;                                           \
    }                                                                                                                 \
    static INLINE void NAME##_seek(const S *restrict x, int64_t rows, int64_t stride, int64_t step, int64_t lanes, int32_t from, S turn,\
                                   S *restrict best, int32_t *restrict place) {                                       \
        for (int64_t i = 0; i < rows; i++, x += stride)                                                               \
            for (int64_t k = 0; k < lanes; k++) {                                                                     \
                const S rank = NAME##_order(x[k * step], turn);                                                        \
                const int better = rank > best[k];                                                                    \
                best[k] = better ? rank : best[k];                                                                    \
                place[k] = better ? (int32_t)(from + i) : place[k];                                                   \
            }                                                                                                         \
    }                                                                                                                 \
    static INLINE void NAME##_begin(int64_t lanes, S *best, int32_t *place) {                                         \
        for (int64_t k = 0; k < lanes; k++) {                                                                         \
            best[k] = (S)((U)1 << NAME##_SHIFT);                                                                      \
            place[k] = 0;                                                                                             \
        }                                                                                                             \
    }                                                                                                                 \
    WIDE static void NAME##_short_places(const extremes *e, int64_t first, int64_t last) {                            \
        const S *x = e->x, turn = e->least ? (S)-1 : 0;                                                               \
        S b[LANES];                                                                                                   \
        int32_t p[LANES];                                                                                             \
        for (; first < last; first += LANES) {                                                                        \
            const int64_t lanes = least(LANES, last - first);                                                         \
            NAME##_begin(LANES, b, p);                                                                                \
            if (lanes == LANES)                                                                                       \
                NAME##_seek(x + first * e->n, e->n, 1, e->n, LANES, 0, turn, b, p);                                   \
            else                                                                                                      \
                NAME##_seek(x + first * e->n, e->n, 1, e->n, lanes, 0, turn, b, p);                                   \
            memcpy((int32_t *)e->out + first, p, (size_t)lanes * sizeof(int32_t));                                    \
        }                                                                                                             \
    }                                                                                                                 \
    WIDE static void NAME##_places(const extremes *e, int64_t outer, int64_t part, int64_t group) {                   \
        const int alone = e->parts == 1;                                                                              \
        const int64_t from = alone ? 0 : part * e->n / e->parts, inner = e->inner;                                    \
        const int64_t rows = alone ? e->n : (part + 1) * e->n / e->parts - from;                                      \
        const S *x = (const S *)e->x + (outer * e->n + from) * inner, turn = e->least ? (S)-1 : 0;                    \
        S b[COLUMNS];                                                                                                 \
        int32_t p[COLUMNS];                                                                                           \
        int64_t left = 0, wide = inner;                                                                               \
        if (inner < LANES) { /* as many rows side by side as fit; of equal lanes the first place counts */            \
            const int64_t beside = inner == 1 ? LANES : 4 * LANES / inner, lanes = beside * inner, times = rows / beside;\
            NAME##_begin(lanes, b, p);                                                                                \
            if (inner == 1)                                                                                           \
                NAME##_seek(x, times, LANES, 1, LANES, 0, turn, b, p);                                                \
            else                                                                                                      \
                NAME##_seek(x, times, lanes, 1, lanes, 0, turn, b, p);                                                \
            if (inner == 1)                                                                                           \
                for (int k = 0; k < LANES; k++) p[k] = (int32_t)(p[k] * LANES + k);                                   \
            else                                                                                                      \
                for (int64_t row = 0, k = 0; row < beside; row++)                                                     \
                    for (int64_t to = 0; to < inner; to++, k++) p[k] = (int32_t)(p[k] * beside + row);                \
            for (int64_t row = inner; row < lanes; row += inner)                                                      \
                for (int64_t k = 0; k < inner; k++)                                                                   \
                    if (b[row + k] > b[k] || (b[row + k] == b[k] && p[row + k] < p[k])) b[k] = b[row + k], p[k] = p[row + k];\
            for (int64_t i = times * beside; i < rows; i++)                                                           \
                for (int64_t k = 0; k < inner; k++) {                                                                 \
                    const S rank = NAME##_order(x[i * inner + k], turn);                                               \
                    if (rank > b[k]) b[k] = rank, p[k] = (int32_t)i;                                                  \
                }                                                                                                     \
            for (int64_t k = 0; k < inner; k++) p[k] += (int32_t)from;                                                \
        } else {                                                                                                      \
            left = group * COLUMNS;                                                                                   \
            wide = least(COLUMNS, inner - left);                                                                      \
            NAME##_begin(wide, b, p);                                                                                 \
            NAME##_seek(x + left, rows, inner, 1, wide, (int32_t)from, turn, b, p);                                   \
        }                                                                                                             \
        const int64_t at = (outer * e->parts + part) * inner + left;                                                  \
        if (!alone) memcpy((S *)e->best + at, b, (size_t)wide * sizeof(S));                                           \
        memcpy((alone ? (int32_t *)e->out : (int32_t *)e->place) + at, p, (size_t)wide * sizeof(int32_t));             \
    }                                                                                                                 \
    static void NAME##_first(const extremes *e) {                                                                     \
        const int64_t inner = e->inner;                                                                               \
        for (int64_t i = 0; i < e->outer; i++)                                                                        \
            for (int64_t k = 0; k < inner; k++) {                                                                     \
                const S *best = (const S *)e->best + i * e->parts * inner + k;                                        \
                const int32_t *place = (const int32_t *)e->place + i * e->parts * inner + k;                           \
                int64_t found = 0;                                                                                    \
                for (int64_t part = 1; part < e->parts; part++)                                                       \
                    if (best[part * inner] > best[found]) found = part * inner;                                       \
                ((int32_t *)e->out)[i * inner + k] = place[found];                                                    \
            }                                                                                                         \
    }

PLACES(narrow, int16_t, uint16_t, 0x7C00)
PLACES(brain, int16_t, uint16_t, 0x7F80)
PLACES(single, int32_t, uint32_t, 0x7F800000)
PLACES(wide, int64_t, uint64_t, INT64_C(0x7FF0000000000000))

typedef struct {
    extremes e;
    void (*short_rows)(const extremes *, int64_t, int64_t);
    void (*block)(const extremes *, int64_t, int64_t, int64_t);
    void (*end)(const extremes *);
    size_t size;
} extremes_job;

static void short_pieces(const void *state, int64_t first, int64_t last) {
    const extremes_job *j = state;
    j->short_rows(&j->e, first * LANES, least(last * LANES, j->e.outer));
}

static void block_pieces(const void *state, int64_t first, int64_t last) {
    const extremes_job *j = state;
    const extremes *e = &j->e;
    for (int64_t i = first; i < last; i++) {
        const int64_t rest = e->groups == 1 ? i : i / e->groups;
        if (e->parts == 1)
            j->block(e, rest, 0, i - rest * e->groups);
        else
            j->block(e, rest / e->parts, rest % e->parts, i - rest * e->groups);
    }
}

/* Values, or with `places` where they are. */
static XLA_FFI_Error *extreme(XLA_FFI_CallFrame *frame) {
    if (is_question(frame)) return NULL;
    const XLA_FFI_Buffer *x = argument(frame, 0), *out = result(frame);
    const int64_t first = number(frame, "first"), last = number(frame, "last"), smallest = number(frame, "least");
    const int64_t places = number(frame, "places");
    if (!x || !out || first < 0 || last <= first || last > x->rank || smallest < 0 || places < 0)
        return fail(frame, "numax_extreme: wrong arguments.");
    extremes_job j = {.e = {x->data, out->data, size_of(x, 0, first), size_of(x, first, last), size_of(x, last, x->rank), 1, 1,
                            smallest != 0, NULL, NULL}};
    switch (x->dtype) {
#define TYPE(CODE, NAME, SIZE)                                                                                          \
    case XLA_FFI_DataType_##CODE:                                                                                       \
        j.short_rows = places ? NAME##_short_places : NAME##_short;                                                     \
        j.block = places ? NAME##_places : NAME##_block;                                                                \
        j.end = places ? NAME##_first : NAME##_end;                                                                     \
        j.size = SIZE;                                                                                                  \
        break;
        TYPE(F16, narrow, 2) TYPE(BF16, brain, 2) TYPE(F32, single, 4) TYPE(F64, wide, 8)
#undef TYPE
    default: return fail(frame, "numax_extreme: takes floats of 16, 32 or 64 bits.");
    }
    extremes *e = &j.e;
    const int64_t size = e->outer * e->n * e->inner, wanted = least(1 + size / PIECE, 8);
    if (!size) return fail(frame, "numax_extreme: there are no elements.");
    if (places && e->n > INT32_MAX) return fail(frame, "numax_extreme: too many elements.");
    if (e->inner == 1 && e->n < SHORT) {
        in_pieces(frame, short_pieces, &j, (e->outer + LANES - 1) / LANES, size);
        return NULL;
    }
    e->groups = e->inner < LANES ? 1 : (e->inner + COLUMNS - 1) / COLUMNS;
    if (e->outer * e->groups < wanted) e->parts = least(1 + wanted / (e->outer * e->groups), 1 + e->n / (2 * SHORT));
    if (e->parts > 1) {
        const size_t kept = (size_t)(e->outer * e->parts * e->inner);
        e->best = malloc(kept * (j.size + (places ? sizeof(int32_t) : 0)));
        if (!e->best) return fail(frame, "numax_extreme: no memory.");
        e->place = (char *)e->best + kept * j.size;
    }
    in_pieces(frame, block_pieces, &j, e->outer * e->parts * e->groups, size);
    if (e->parts > 1) j.end(e);
    free(e->best);
    return NULL;
}

/* ---- running sums and products along an axis: [outer, n, inner] ---- */

enum { CHAINS = 4, BLOCK = 2000 }; /* BLOCK is no power of two: chains would share a cache set */

typedef struct {
    const void *x;
    void *out;
    int64_t outer, n, inner;
    int64_t blocks; /* of a row, for sums */
    int reverse;
    double *starts;  /* [outer, blocks], of sums of floats; as uint64_t, of integers */
} running;

/* The block's place in memory: its first element in running order. */
#define AT(r, i) ((r)->reverse ? (r)->n - 1 - (i) : (i))

#define RUNNING(NAME, T, WIDER, OP, NEUTRAL)                                                                            \
    /* `chains` rows side by side, `apart` from each other, from `state`: sums of float32 add up in float64. */       \
    static INLINE void NAME##_chains(const T *x, T *out, int64_t chains, int64_t apart, int64_t n, int64_t step, WIDER *state) {\
        for (int64_t i = 0; i < n; i++, x += step, out += step)                                                       \
            for (int64_t k = 0; k < chains; k++) {                                                                    \
                state[k] = (WIDER)(state[k] OP(WIDER) x[k * apart]);                                                  \
                out[k * apart] = (T)state[k];                                                                         \
            }                                                                                                         \
    }                                                                                                                 \
    static void NAME##_lines(const running *r, int64_t first, int64_t last) {                                           \
        const int64_t step = r->reverse ? -1 : 1;                                                                       \
        while (first < last) {                                                                                          \
            const T *x = (const T *)r->x + first * r->n + AT(r, 0);                                                     \
            T *out = (T *)r->out + first * r->n + AT(r, 0);       \
            WIDER state[CHAINS] = {NEUTRAL, NEUTRAL, NEUTRAL, NEUTRAL};                                               \
            if (last - first >= CHAINS) {                                                                               \
                NAME##_chains(x, out, CHAINS, r->n, r->n, step, state);                                                 \
                first += CHAINS;                                                                                        \
            } else {                                                                                                    \
                NAME##_chains(x, out, 1, 0, r->n, step, state);                                                         \
                first++;                                                                                                \
            }                                                                                                           \
        }                                                                                                               \
    }                                                                                                                   \
    /* Some columns of one outer row. */                                                                                \
    WIDE static void NAME##_columns(const running *r, int64_t outer, int64_t left, int64_t right) {                     \
        const int64_t inner = r->inner, step = r->reverse ? -inner : inner;                                             \
        const T *x = (const T *)r->x + (outer * r->n + AT(r, 0)) * inner;                                               \
        T *restrict out = (T *)r->out + (outer * r->n + AT(r, 0)) * inner;                                              \
        for (int64_t k = left; k < right; k++) out[k] = (T)((T)(NEUTRAL)OP x[k]);                                       \
        for (int64_t i = 1; i < r->n; i++) {                                                                            \
            const T *before = out;                                                                                      \
            x += step, out += step;                                                                                     \
            for (int64_t k = left; k < right; k++) out[k] = (T)(before[k] OP x[k]);                                     \
        }                                                                                                               \
    }

#define RUNNING_SUM(NAME, T, WIDER)                                                                                     \
    RUNNING(NAME, T, WIDER, +, 0)                                                                                       \
    WIDE static void NAME##_total(const running *r, int64_t row, int64_t block) {                                       \
        const int64_t from = block * BLOCK, n = least(BLOCK, r->n - from);                                              \
        const T *x = (const T *)r->x + row * r->n + (r->reverse ? r->n - from - n : from);                              \
        WIDER part[32] = {0}, total = 0;                                                                                \
        int64_t i = 0;                                                                                                  \
        for (; i + 32 <= n; i += 32)                                                                                    \
            for (int k = 0; k < 32; k++) part[k] += (WIDER)x[i + k];                                                    \
        for (; i < n; i++) total += (WIDER)x[i];                                                                        \
        for (int k = 0; k < 32; k++) total += part[k];                                                                  \
        ((WIDER *)r->starts)[row * r->blocks + block] = total;                                                          \
    }                                                                                                                   \
    static void NAME##_starts(const running *r) {                                                                       \
        WIDER *starts = (WIDER *)r->starts;                                                                             \
        for (int64_t row = 0; row < r->outer; row++) {                                                                  \
            WIDER sum = 0;                                                                                              \
            for (int64_t k = 0; k < r->blocks; k++, starts++) {                                                         \
                const WIDER next = sum + *starts;                                                                       \
                *starts = sum;                                                                                          \
                sum = next;                                                                                             \
            }                                                                                                           \
        }                                                                                                               \
    }                                                                                                                   \
    static void NAME##_blocks(const running *r, int64_t row, int64_t first, int64_t last) {                           \
        const int64_t step = r->reverse ? -1 : 1;                                                                     \
        const WIDER *starts = (const WIDER *)r->starts + row * r->blocks;                                             \
        while (first < last) {                                                                                        \
            const int64_t from = first * BLOCK, n = least(BLOCK, r->n - from);                                        \
            const T *x = (const T *)r->x + row * r->n + AT(r, from);                                                  \
            T *out = (T *)r->out + row * r->n + AT(r, from);                                                          \
            WIDER state[CHAINS];                                                                                      \
            if (last - first >= CHAINS && from + CHAINS * BLOCK <= r->n) {                                            \
                for (int k = 0; k < CHAINS; k++) state[k] = starts[first + k];                                        \
                NAME##_chains(x, out, CHAINS, step * BLOCK, BLOCK, step, state);                                      \
                first += CHAINS;                                                                                      \
            } else {                                                                                                  \
                state[0] = starts[first];                                                                             \
                NAME##_chains(x, out, 1, 0, n, step, state);                                                          \
                first++;                                                                                              \
            }                                                                                                         \
        }                                                                                                             \
    }

RUNNING_SUM(sum_f32, float, double)
RUNNING_SUM(sum_f64, double, double)
RUNNING_SUM(sum_i32, uint32_t, uint64_t)
RUNNING_SUM(sum_i64, uint64_t, uint64_t)
RUNNING(product_f32, float, float, *, 1)
RUNNING(product_f64, double, double, *, 1)
RUNNING(product_i32, uint32_t, uint32_t, *, 1)
RUNNING(product_i64, uint64_t, uint64_t, *, 1)

typedef struct {
    running r;
    void (*lines)(const running *, int64_t, int64_t);
    void (*columns)(const running *, int64_t, int64_t, int64_t);
    void (*total)(const running *, int64_t, int64_t);
    void (*begin)(const running *);
    void (*blocks)(const running *, int64_t, int64_t, int64_t);
} running_job;

static int64_t groups_of(int64_t count, int64_t size) { return (count + size - 1) / size; }

static void line_pieces(const void *state, int64_t first, int64_t last) {
    const running_job *j = state;
    j->lines(&j->r, first * CHAINS, least(last * CHAINS, j->r.outer));
}

static void column_pieces(const void *state, int64_t first, int64_t last) {
    const running_job *j = state;
    const int64_t groups = groups_of(j->r.inner, COLUMNS);
    for (int64_t i = first; i < last; i++) {
        const int64_t left = i % groups * COLUMNS;
        j->columns(&j->r, i / groups, left, least(left + COLUMNS, j->r.inner));
    }
}

static void total_pieces(const void *state, int64_t first, int64_t last) {
    const running_job *j = state;
    for (int64_t i = first; i < last; i++) j->total(&j->r, i / j->r.blocks, i % j->r.blocks);
}

static void chain_pieces(const void *state, int64_t first, int64_t last) {
    const running_job *j = state;
    const int64_t groups = groups_of(j->r.blocks, CHAINS);
    for (int64_t i = first; i < last; i++) {
        const int64_t block = i % groups * CHAINS;
        j->blocks(&j->r, i / groups, block, least(block + CHAINS, j->r.blocks));
    }
}

static XLA_FFI_Error *cumulate(XLA_FFI_CallFrame *frame) {
    if (is_question(frame)) return NULL;
    const XLA_FFI_Buffer *x = argument(frame, 0), *out = result(frame);
    const int64_t axis = number(frame, "axis"), reverse = number(frame, "reverse"), product = number(frame, "product");
    if (!x || !out || axis < 0 || axis >= x->rank || reverse < 0 || product < 0) return fail(frame, "numax_cumulate: wrong arguments.");
    running_job j = {.r = {x->data, out->data, size_of(x, 0, axis), x->dims[axis], size_of(x, axis + 1, x->rank), 1, reverse != 0,
                           NULL}};
    switch (x->dtype) {
#define TYPE(NAME)                                                                                                      \
    if (product)                                                                                                        \
        j.lines = product_##NAME##_lines, j.columns = product_##NAME##_columns;                                         \
    else                                                                                                                \
        j.lines = sum_##NAME##_lines, j.columns = sum_##NAME##_columns, j.total = sum_##NAME##_total,                   \
        j.begin = sum_##NAME##_starts, j.blocks = sum_##NAME##_blocks;                                                  \
    break;
    case XLA_FFI_DataType_F32: TYPE(f32)
    case XLA_FFI_DataType_F64: TYPE(f64)
    case XLA_FFI_DataType_S32:
    case XLA_FFI_DataType_U32: TYPE(i32)
    case XLA_FFI_DataType_S64:
    case XLA_FFI_DataType_U64: TYPE(i64)
#undef TYPE
    default: return fail(frame, "numax_cumulate: takes numbers of 32 or 64 bits.");
    }
    running *r = &j.r;
    const int64_t size = r->outer * r->n * r->inner;
    if (!size) return NULL;
    if (r->inner > 1) {
        in_pieces(frame, column_pieces, &j, r->outer * groups_of(r->inner, COLUMNS), size);
    } else if (!product && r->n > 2 * CHAINS * BLOCK && r->outer < 4 * CHAINS) { /* long rows, and few: in blocks */
        r->blocks = groups_of(r->n, BLOCK);
        r->starts = malloc((size_t)(r->outer * r->blocks) * sizeof(double));
        if (!r->starts) return fail(frame, "numax_cumulate: no memory.");
        in_pieces(frame, total_pieces, &j, r->outer * r->blocks, size);
        j.begin(r);
        in_pieces(frame, chain_pieces, &j, r->outer * groups_of(r->blocks, CHAINS), size);
        free(r->starts);
    } else {
        in_pieces(frame, line_pieces, &j, groups_of(r->outer, CHAINS), size);
    }
    return NULL;
}

/* ---- sums scattered into a row: operand [n], places int32 [...], updates [...], or one for all ----
 *
 * Updates at places out of bounds are left out, or with `clip` go to the ends. The updates are summed in PARTS tables, whatever the number of threads. */

enum { PARTS = 4, APART = 64, PLACES = 1024 }; /* APART: elements between tables, or two threads would write to one cache line */

typedef struct {
    void *out;
    const int32_t *places;
    const void *updates;
    int64_t n, count, stride; /* stride 0: one update for all */
    void *tables;             /* PARTS of n elements */
    int clip;
} scattered;

WIDE static void clipped(const int32_t *restrict places, int64_t count, int32_t last, int32_t *restrict out) {
    for (int64_t i = 0; i < count; i++) {
        const int32_t place = places[i] < 0 ? 0 : places[i];
        out[i] = place > last ? last : place;
    }
}

#define SCATTERED(NAME, T)                                                                                            \
    static void NAME##_table(const scattered *s, int64_t part) {                                                      \
        const int64_t first = part * s->count / PARTS, last = (part + 1) * s->count / PARTS;                          \
        const uint32_t n = (uint32_t)s->n;                                                                            \
        const T *updates = s->updates, all = *updates;                                                                \
        const int single = s->stride == 0;                                                                            \
        T *table = (T *)s->tables + part * (s->n + APART);                                                            \
        memset(table, 0, (size_t)s->n * sizeof(T));                                                                   \
        for (int64_t at = first; at < last; at += PLACES) {                                                           \
            const int64_t count = least(PLACES, last - at);                                                           \
            int32_t inside[PLACES];                                                                                   \
            const int32_t *places = s->places + at;                                                                   \
            if (s->clip) clipped(places, count, (int32_t)(n - 1), inside), places = inside;                           \
            for (int64_t i = 0; i < count; i++) {                                                                     \
                const uint32_t place = (uint32_t)places[i];                                                           \
                if (place < n) table[place] = (T)(table[place] + (single ? all : updates[at + i]));                   \
            }                                                                                                         \
        }                                                                                                             \
    }                                                                                                                 \
    WIDE static void NAME##_join(const scattered *s) {                                                                \
        T *restrict out = s->out;                                                                                     \
        const T *table = s->tables;                                                                                   \
        const int64_t next = s->n + APART;                                                                            \
        for (int64_t i = 0; i < s->n; i++)                                                                            \
            out[i] = (T)(out[i] + (T)((T)(table[i] + table[i + next]) + (T)(table[i + 2 * next] + table[i + 3 * next])));\
    }

SCATTERED(scatter_f32, float)
SCATTERED(scatter_f64, double)
SCATTERED(scatter_i32, uint32_t)
SCATTERED(scatter_i64, uint64_t)

typedef struct {
    scattered s;
    void (*table)(const scattered *, int64_t);
    void (*join)(const scattered *);
} scattered_job;

static void table_pieces(const void *state, int64_t first, int64_t last) {
    const scattered_job *j = state;
    for (int64_t i = first; i < last; i++) j->table(&j->s, i);
}

static XLA_FFI_Error *scatter_add(XLA_FFI_CallFrame *frame) {
    if (is_question(frame)) return NULL;
    const XLA_FFI_Buffer *x = argument(frame, 0), *places = argument(frame, 1), *updates = argument(frame, 2), *out = result(frame);
    if (!x || !places || !updates || !out || x->rank != 1 || x->dims[0] > INT32_MAX || places->dtype != XLA_FFI_DataType_S32)
        return fail(frame, "numax_scatter_add: wrong arguments.");
    const int64_t n = x->dims[0], count = size_of(places, 0, places->rank), given = size_of(updates, 0, updates->rank);
    const int clip = number(frame, "clip") == 1 && n > 0;
    if (given != 1 && given != count) return fail(frame, "numax_scatter_add: wrong number of updates.");
    scattered_job j = {.s = {out->data, places->data, updates->data, n, count, given == count, NULL, clip}};
    size_t size = 8;
    switch (x->dtype) {
#define TYPE(NAME, SIZE)                                                                                                \
    j.table = scatter_##NAME##_table, j.join = scatter_##NAME##_join, size = SIZE;                                      \
    break;
    case XLA_FFI_DataType_F32: TYPE(f32, 4)
    case XLA_FFI_DataType_F64: TYPE(f64, 8)
    case XLA_FFI_DataType_S32:
    case XLA_FFI_DataType_U32: TYPE(i32, 4)
    case XLA_FFI_DataType_S64:
    case XLA_FFI_DataType_U64: TYPE(i64, 8)
#undef TYPE
    default: return fail(frame, "numax_scatter_add: takes numbers of 32 or 64 bits.");
    }
    j.s.tables = malloc((size_t)(PARTS * (n + APART)) * size);
    if (!j.s.tables) return fail(frame, "numax_scatter_add: no memory.");
    if (out->data != x->data) memcpy(out->data, x->data, (size_t)n * size);
    in_pieces(frame, table_pieces, &j, PARTS, count);
    j.join(&j.s);
    free(j.s.tables);
    return NULL;
}

/* ---- transpositions: out[k, a, b] = x[k, b, a], k in up to three axes ----
 *
 * Blocks of a cache line's width go through a small buffer, so that each line is read once and written once, whatever the distance of
 * the rows: one that is a power of two maps all of them to one set of the cache. */

enum { LINE = 64, TILE = 4 }; /* bytes; blocks of the last axis of x that one unit of work takes */

typedef struct {
    const char *x;
    char *out;
    int64_t a, b, x_row, out_row; /* sizes; from b to b + 1 in x, from a to a + 1 in out */
    int64_t outer[3], x_outer[3], out_outer[3];
    int64_t tiles;
} turning;

typedef uint32_t four __attribute__((vector_size(16), aligned(4), may_alias));
typedef uint64_t two __attribute__((vector_size(16), aligned(8), may_alias));
#if defined(__clang__) || __GNUC__ >= 12
#define PICK(x, y, a, b, c, d) __builtin_shufflevector(x, y, a, b, c, d)
#define PAIR(x, y, a, b) __builtin_shufflevector(x, y, a, b)
#else
#define PICK(x, y, a, b, c, d) __builtin_shuffle(x, y, (four){a, b, c, d})
#define PAIR(x, y, a, b) __builtin_shuffle(x, y, (two){a, b})
#endif

/* A whole block: rows of the buffer to columns. Of 32 bits, four by four; of 64, two by two. */
#define TURN_BLOCK(T)                                                                                                   \
    for (int i = 0; i < M; i++)                                                                                         \
        for (int j = 0; j < M; j++) out[i * out_row + j] = rows[j * M + i];
#define TURN_FOURS(T)                                                                                                   \
    for (int i = 0; i < M; i += 4)                                                                                      \
        for (int j = 0; j < M; j += 4) {                                                                                \
            const T *from = rows + j * M + i;                                                                           \
            const four p = *(const four *)from, q = *(const four *)(from + M), r = *(const four *)(from + 2 * M),       \
                       s = *(const four *)(from + 3 * M);                                                               \
            const four pq = PICK(p, q, 0, 4, 1, 5), rs = PICK(r, s, 0, 4, 1, 5), PQ = PICK(p, q, 2, 6, 3, 7),           \
                       RS = PICK(r, s, 2, 6, 3, 7);                                                                     \
            T *to = out + i * out_row + j;                                                                              \
            *(four *)to = PICK(pq, rs, 0, 1, 4, 5);                                                                     \
            *(four *)(to + out_row) = PICK(pq, rs, 2, 3, 6, 7);                                                         \
            *(four *)(to + 2 * out_row) = PICK(PQ, RS, 0, 1, 4, 5);                                                     \
            *(four *)(to + 3 * out_row) = PICK(PQ, RS, 2, 3, 6, 7);                                                     \
        }

#define TURN_TWOS(T)                                                                                                    \
    for (int i = 0; i < M; i += 2)                                                                                      \
        for (int j = 0; j < M; j += 2) {                                                                                \
            const two p = *(const two *)(rows + j * M + i), q = *(const two *)(rows + (j + 1) * M + i);                 \
            T *to = out + i * out_row + j;                                                                              \
            *(two *)to = PAIR(p, q, 0, 2);                                                                              \
            *(two *)(to + out_row) = PAIR(p, q, 1, 3);                                                                  \
        }

#define TURNING(NAME, T, WHOLE)                                                                                         \
    static void NAME(const void *state, int64_t first, int64_t last) {                                                  \
        enum { M = LINE / sizeof(T) };                                                                                  \
        const turning *t = state;                                                                                       \
        const int64_t x_row = t->x_row, out_row = t->out_row;                                                           \
        for (int64_t unit = first; unit < last; unit++) {                                                               \
            int64_t k = unit / t->tiles, x_at = 0, out_at = 0;                                                          \
            for (int i = 2; i >= 0; i--) {                                                                              \
                x_at += k % t->outer[i] * t->x_outer[i];                                                                \
                out_at += k % t->outer[i] * t->out_outer[i];                                                            \
                k /= t->outer[i];                                                                                       \
            }                                                                                                           \
            const int64_t begin = unit % t->tiles * TILE * M, end = least(begin + TILE * M, t->a);                      \
            for (int64_t b = 0; b < t->b; b += M)                                                                       \
                for (int64_t a = begin; a < end; a += M) {                                                              \
                    const T *x = (const T *)t->x + x_at + b * x_row + a;                                                \
                    T *out = (T *)t->out + out_at + a * out_row + b;                                                    \
                    if (b + M <= t->b && a + M <= end) {                                                                \
                        T rows[M * M];                                                                                  \
                        for (int j = 0; j < M; j++) memcpy(rows + j * M, x + j * x_row, LINE);                          \
                        WHOLE(T)                                                                                        \
                    } else {                                                                                            \
                        const int64_t high = least(M, end - a), wide = least(M, t->b - b);                              \
                        for (int64_t i = 0; i < high; i++)                                                              \
                            for (int64_t j = 0; j < wide; j++) out[i * out_row + j] = x[j * x_row + i];                 \
                    }                                                                                                   \
                }                                                                                                       \
        }                                                                                                               \
    }

typedef struct {
    uint64_t low, high;
} sixteen;

TURNING(turn_1, uint8_t, TURN_BLOCK)
TURNING(turn_2, uint16_t, TURN_BLOCK)
TURNING(turn_4, uint32_t, TURN_FOURS)
TURNING(turn_8, uint64_t, TURN_TWOS)
TURNING(turn_16, sixteen, TURN_BLOCK)

static XLA_FFI_Error *transpose(XLA_FFI_CallFrame *frame) {
    static const char *const outer[] = {"outer0", "outer1", "outer2"}, *const x_outer[] = {"x0", "x1", "x2"},
                             *const out_outer[] = {"out0", "out1", "out2"};
    if (is_question(frame)) return NULL;
    const XLA_FFI_Buffer *x = argument(frame, 0), *out = result(frame);
    turning t = {.a = number(frame, "a"), .b = number(frame, "b"), .x_row = number(frame, "x_row"), .out_row = number(frame, "out_row")};
    int64_t count = 1;
    for (int i = 0; i < 3; i++) {
        t.outer[i] = number(frame, outer[i]);
        t.x_outer[i] = number(frame, x_outer[i]);
        t.out_outer[i] = number(frame, out_outer[i]);
        if (t.outer[i] < 1 || t.x_outer[i] < 0 || t.out_outer[i] < 0) return fail(frame, "numax_transpose: wrong axes.");
        count *= t.outer[i];
    }
    if (!x || !out || t.a < 1 || t.b < 1 || t.x_row < 1 || t.out_row < 1 || size_of(x, 0, x->rank) != count * t.a * t.b)
        return fail(frame, "numax_transpose: wrong arguments.");
    t.x = x->data;
    t.out = out->data;
    const int64_t bytes = number(frame, "bytes");
    piece_function *function = bytes == 1 ? turn_1 : bytes == 2 ? turn_2 : bytes == 4 ? turn_4 : bytes == 8 ? turn_8 : turn_16;
    if (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8 && bytes != 16) return fail(frame, "numax_transpose: wrong size of elements.");
    const int64_t rows = TILE * (LINE / bytes);
    t.tiles = (t.a + rows - 1) / rows;
    in_pieces(frame, function, &t, count * t.tiles, count * t.a * t.b);
    return NULL;
}

/* ---- the module ---- */

static PyObject *registrations(PyObject *self, PyObject *unused) {
    static const struct {
        const char *name;
        XLA_FFI_Handler *handler;
    } all[] = {{"numax_extreme", extreme}, {"numax_cumulate", cumulate}, {"numax_scatter_add", scatter_add}, {"numax_outside", outside},
             {"numax_transpose", transpose}};
    PyObject *out = PyDict_New();
    for (size_t i = 0; out && i < sizeof(all) / sizeof(all[0]); i++) {
        PyObject *capsule = PyCapsule_New((void *)(intptr_t)all[i].handler, "xla._CUSTOM_CALL_TARGET", NULL);
        if (!capsule || PyDict_SetItemString(out, all[i].name, capsule) < 0) Py_CLEAR(out);
        Py_XDECREF(capsule);
    }
    return out;
}

static PyMethodDef methods[] = {
    {"registrations", registrations, METH_NOARGS, PyDoc_STR("registrations()\n--\n\nName and capsule of each kernel.")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "numax._kernels", "Optional kernels for compiled programs on CPUs.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModule_Create(&module); }
