/* Optional native code for eager calls on small arrays: threefry blocks, normal numbers, reductions of all elements, products of matrices.
 * What is done about each operation and about each call of a compiled program stands in _native_engine.c.
 *
 * numax works without it (numax/_engine/core/native.py); random numbers are the same bits with and without. No function
 * releases the GIL: each works for microseconds.
 */
#include "_native.h"
#include <math.h>
#include <stdint.h>

#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && defined(__linux__)
#define WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WIDE
#endif

/* ---- threefry2x32. Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011) ---- */

enum { LANES = 64 };

#define TURN(r)                                                                                     \
    for (int j = 0; j < LANES; j++) {                                                               \
        x0[j] += x1[j];                                                                             \
        x1[j] = (x1[j] << (r) | x1[j] >> (32 - (r))) ^ x0[j];                                       \
    }
#define ADD_KEYS(a, b, i)                                                                           \
    for (int j = 0; j < LANES; j++) {                                                               \
        x0[j] += (a);                                                                               \
        x1[j] += (b) + (i);                                                                         \
    }
#define FOUR_A TURN(13) TURN(15) TURN(26) TURN(6)
#define FOUR_B TURN(17) TURN(29) TURN(16) TURN(24)

/* The blocks of counters first ... first + LANES - 1. */
WIDE static void blocks(uint64_t key, uint64_t first, uint32_t *restrict x0, uint32_t *restrict x1) {
    const uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32), k2 = k0 ^ k1 ^ 0x1BD11BDAu;
    for (int j = 0; j < LANES; j++) {
        const uint64_t counter = first + (uint64_t)j;
        x0[j] = (uint32_t)(counter >> 32) + k0;
        x1[j] = (uint32_t)counter + k1;
    }
    FOUR_A ADD_KEYS(k1, k2, 1u)
    FOUR_B ADD_KEYS(k2, k0, 2u)
    FOUR_A ADD_KEYS(k0, k1, 3u)
    FOUR_B ADD_KEYS(k1, k2, 4u)
    FOUR_A ADD_KEYS(k2, k0, 5u)
}

/* One block. */
static void block(uint64_t key, uint64_t counter, uint32_t *out0, uint32_t *out1) {
    static const int turns[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
    const uint32_t keys[3] = {(uint32_t)key, (uint32_t)(key >> 32),
                              (uint32_t)key ^ (uint32_t)(key >> 32) ^ 0x1BD11BDAu};
    uint32_t x0 = (uint32_t)(counter >> 32) + keys[0], x1 = (uint32_t)counter + keys[1];
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 4; j++) {
            const int r = turns[i % 2][j];
            x0 += x1;
            x1 = (x1 << r | x1 >> (32 - r)) ^ x0;
        }
        x0 += keys[(i + 1) % 3];
        x1 += keys[(i + 2) % 3] + (uint32_t)(i + 1);
    }
    *out0 = x0;
    *out1 = x1;
}

static void fill(uint64_t key, uint64_t count, int joined, void *out) {
    uint32_t x0[LANES], x1[LANES];
    uint32_t *narrow = out;
    uint64_t *wide = out;
    uint64_t i = 0;
    for (; i + LANES / 4 < count; i += LANES) {
        const int n = count - i < LANES ? (int)(count - i) : LANES;
        blocks(key, i, x0, x1);
        for (int j = 0; j < n; j++) {
            if (joined)
                wide[i + j] = (uint64_t)x0[j] | (uint64_t)x1[j] << 32;
            else
                narrow[i + j] = x0[j] ^ x1[j];
        }
    }
    for (; i < count; i++) {
        block(key, i, x0, x1);
        if (joined)
            wide[i] = (uint64_t)x0[0] | (uint64_t)x1[0] << 32;
        else
            narrow[i] = x0[0] ^ x1[0];
    }
}

PyDoc_STRVAR(stream_doc,
             "stream(keys, count, joined)\n--\n\nBlocks 0 ... count - 1 of each key of a uint64 array, one after the other: both words as a "
             "uint64, or their exclusive or as a uint32. Returns an array of one dimension.");

static PyObject *stream(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 3 || !PyArray_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "stream: takes an array of keys, a count and a truth value.");
        return NULL;
    }
    PyArrayObject *keys = (PyArrayObject *)args[0];
    if (PyArray_TYPE(keys) != NPY_UINT64 || !PyArray_IS_C_CONTIGUOUS(keys) || !PyArray_ISALIGNED(keys)) {
        PyErr_SetString(PyExc_TypeError, "stream: keys must be contiguous uint64.");
        return NULL;
    }
    const Py_ssize_t count = PyLong_AsSsize_t(args[1]);
    if (count == -1 && PyErr_Occurred()) return NULL;
    const int joined = PyObject_IsTrue(args[2]);
    if (joined < 0) return NULL;
    const npy_intp number = PyArray_SIZE(keys);
    if (count < 0 || (number && count > NPY_MAX_INTP / 8 / number)) {
        PyErr_SetString(PyExc_ValueError, "stream: the count is out of range.");
        return NULL;
    }
    npy_intp total = number * count;
    PyObject *out = PyArray_SimpleNew(1, &total, joined ? NPY_UINT64 : NPY_UINT32);
    if (!out) return NULL;
    char *data = PyArray_BYTES((PyArrayObject *)out);
    const uint64_t *key = PyArray_DATA(keys);
    for (npy_intp i = 0; i < number; i++)
        fill(key[i], (uint64_t)count, joined, data + (size_t)(i * count) * (joined ? 8 : 4));
    return out;
}

static int key_and_count(const char *name, PyObject *const *args, Py_ssize_t nargs, uint64_t *key, Py_ssize_t *count) {
    if (nargs != 2) {
        PyErr_Format(PyExc_TypeError, "%s: takes a key and a count.", name);
        return 0;
    }
    *key = PyLong_AsUnsignedLongLong(args[0]);
    if (*key == (uint64_t)-1 && PyErr_Occurred()) return 0;
    *count = PyLong_AsSsize_t(args[1]);
    if (*count == -1 && PyErr_Occurred()) return 0;
    if (*count < 0) {
        PyErr_Format(PyExc_ValueError, "%s: the count is negative.", name);
        return 0;
    }
    return 1;
}

PyDoc_STRVAR(words_doc, "words(key, count)\n--\n\nThe first random words of 32 bits of a key, as a list of ints.");

static PyObject *words(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    uint64_t key;
    Py_ssize_t count;
    if (!key_and_count("words", args, nargs, &key, &count)) return NULL;
    PyObject *out = PyList_New(count);
    if (!out) return NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        uint32_t x0, x1;
        block(key, (uint64_t)i, &x0, &x1);
        PyObject *word = PyLong_FromUnsignedLong(x0 ^ x1);
        if (!word) {
            Py_DECREF(out);
            return NULL;
        }
        PyList_SET_ITEM(out, i, word);
    }
    return out;
}

PyDoc_STRVAR(block_doc, "block(key, counter)\n--\n\nOne block of a key, both words as an int of 64 bits.");

static PyObject *one_block(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    uint64_t key;
    Py_ssize_t counter;
    uint32_t x0, x1;
    if (!key_and_count("block", args, nargs, &key, &counter)) return NULL;
    block(key, (uint64_t)counter, &x0, &x1);
    return PyLong_FromUnsignedLongLong((uint64_t)x0 | (uint64_t)x1 << 32);
}

/* Set by `set_polynomials`: M. Giles, "Approximating the erfinv function", 2010, highest power first. */
static double near_[9], far_[9];

static int read_row(PyObject *row, double *out) {
    PyObject *items = PySequence_Fast(row, "set_polynomials: rows must be sequences.");
    if (!items) return 0;
    int good = PySequence_Fast_GET_SIZE(items) == 9;
    for (int i = 0; good && i < 9; i++) {
        out[i] = PyFloat_AsDouble(PySequence_Fast_GET_ITEM(items, i));
        good = !PyErr_Occurred();
    }
    Py_DECREF(items);
    if (!good && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "set_polynomials: a row has nine numbers.");
    return good;
}

PyDoc_STRVAR(set_doc, "set_polynomials(near, far)\n--\n\nThe coefficients that `normals` uses.");

static PyObject *set_polynomials(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "set_polynomials: takes two rows.");
        return NULL;
    }
    if (!read_row(args[0], near_) || !read_row(args[1], far_)) return NULL;
    Py_RETURN_NONE;
}

/* `count` normal numbers of a key: `root`, the square root of 2, times erf_inv of uniform numbers strictly between -1 and 1. */
static void draw_normals(uint64_t key, Py_ssize_t count, float root, float *data) {
    for (Py_ssize_t i = 0; i < count; i++) {
        uint32_t x0, x1;
        block(key, (uint64_t)i, &x0, &x1);
        /* 2 u - 1, from just above -1; x**2 is rounded to float32, as in the compiled form: in the tails that shows */
        const double x = (double)((x0 ^ x1) >> 9) * 0x1p-22 - (1.0 - 0x1p-24);
        const double w = log1p((double)(float)(-x * x));
        const double *c = w >= -5.0 ? near_ : far_;
        const double t = w >= -5.0 ? -2.5 - w : sqrt(-w) - 3.0;
        double y = 0.0;
        for (int k = 0; k < 9; k++) y = y * t + c[k];
        data[i] = (float)(y * x) * root;
    }
}

PyDoc_STRVAR(normals_doc, "normals(key, shape, root, most)\n--\n\nStandard normal numbers of a key, float32: `root`, the square root of 2, times "
                          "erf_inv of uniform numbers strictly between -1 and 1. None if the key is neither one uint64 nor two uint32, shape is no "
                          "tuple of ints, or there are none or more than `most`.");

static PyObject *normals(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 4) {
        PyErr_SetString(PyExc_TypeError, "normals: takes a key, a shape, a float and an int.");
        return NULL;
    }
    const double root = PyFloat_AsDouble(args[2]);
    const Py_ssize_t most = PyLong_AsSsize_t(args[3]);
    if (PyErr_Occurred()) return NULL;
    if (!PyArray_CheckExact(args[0]) || !PyTuple_CheckExact(args[1])) Py_RETURN_NONE;
    PyArrayObject *words = (PyArrayObject *)args[0];
    const int wide = PyArray_TYPE(words) == NPY_UINT64 && PyArray_SIZE(words) == 1;
    const int pair = PyArray_TYPE(words) == NPY_UINT32 && PyArray_SIZE(words) == 2 && PyArray_NDIM(words) == 1;
    if (!(wide || pair) || !PyArray_ISCARRAY_RO(words)) Py_RETURN_NONE;
    uint64_t key;
    memcpy(&key, PyArray_DATA(words), sizeof key);
    npy_intp dims[NPY_MAXDIMS], count = 1;
    const Py_ssize_t ndim = PyTuple_GET_SIZE(args[1]);
    if (ndim > NPY_MAXDIMS) Py_RETURN_NONE;
    for (Py_ssize_t i = 0; i < ndim; i++) {
        PyObject *size = PyTuple_GET_ITEM(args[1], i);
        if (!PyLong_CheckExact(size)) Py_RETURN_NONE;
        int over;
        const long long n = PyLong_AsLongLongAndOverflow(size, &over);
        if (over || n < 1 || n > most || (count *= n) > most) Py_RETURN_NONE;
        dims[i] = n;
    }
    PyObject *out = PyArray_SimpleNew((int)ndim, dims, NPY_FLOAT32);
    if (out) draw_normals(key, count, (float)root, PyArray_DATA((PyArrayObject *)out));
    return out;
}

/* ---- reductions of all elements of small arrays ---- */

enum { MOST = 512 };
enum operation { SUM, MEAN, MAX, MIN, VAR, STD };

static double total_of(const double *v, npy_intp n) {
    double part[4] = {0.0, 0.0, 0.0, 0.0};
    npy_intp i = 0;
    for (; i + 4 <= n; i += 4)
        for (int k = 0; k < 4; k++) part[k] += v[i + k];
    for (; i < n; i++) part[0] += v[i];
    return (part[0] + part[1]) + (part[2] + part[3]);
}

/* The largest, or with sign -1 the smallest; nan if one is; 0 is above -0. */
static double extreme_of(const double *v, npy_intp n, double sign) {
    double best = v[0];
    for (npy_intp i = 0; i < n; i++) {
        const double x = v[i];
        if (x != x) return x;
        if (sign * x > sign * best || (x == best && x == 0.0 && signbit(sign * best))) best = x;
    }
    return best;
}

static double variance_of(const double *v, npy_intp n) {
    double squares[MOST];
    const double mean = total_of(v, n) / (double)n;
    for (npy_intp i = 0; i < n; i++) squares[i] = (v[i] - mean) * (v[i] - mean);
    return total_of(squares, n) / (double)n;
}

static PyObject *reduce(PyObject *arg, enum operation operation) {
    if (!PyArray_CheckExact(arg)) Py_RETURN_NONE;
    PyArrayObject *x = (PyArrayObject *)arg;
    const npy_intp n = PyArray_SIZE(x);
    const int type = PyArray_TYPE(x);
    if ((type != NPY_FLOAT32 && type != NPY_FLOAT64) || n < 1 || n > MOST || !PyArray_ISONESEGMENT(x) || !PyArray_ISBEHAVED_RO(x))
        Py_RETURN_NONE;
    double copy[MOST];
    const double *v = copy;
    if (type == NPY_FLOAT32) {
        const float *narrow = PyArray_DATA(x);
        for (npy_intp i = 0; i < n; i++) copy[i] = (double)narrow[i];
    } else {
        v = PyArray_DATA(x);
    }
    double result = 0.0;
    switch (operation) {
    case SUM: result = total_of(v, n); break;
    case MEAN: /* the rounded sum, divided: as numax.lax would */
        result = total_of(v, n);
        result = type == NPY_FLOAT32 ? (double)((float)result / (float)n) : result / (double)n;
        break;
    case MAX: result = extreme_of(v, n, 1.0); break;
    case MIN: result = extreme_of(v, n, -1.0); break;
    case VAR: result = variance_of(v, n); break;
    case STD: result = sqrt(variance_of(v, n)); break;
    }
    PyObject *out = PyArray_SimpleNew(0, NULL, type);
    if (!out) return NULL;
    if (type == NPY_FLOAT32)
        *(float *)PyArray_DATA((PyArrayObject *)out) = (float)result;
    else
        *(double *)PyArray_DATA((PyArrayObject *)out) = result;
    return out;
}

#define REDUCTION(name, operation)                                                                  \
    static PyObject *name(PyObject *self, PyObject *x) { return reduce(x, operation); }
#define REDUCTION_DOC(what)                                                                         \
    PyDoc_STR("(x)\n--\n\n" what " of all elements, computed in float64, as an array without dimensions; None if x is not "  \
              "float32 or float64, not contiguous, empty, or has more than 512 elements.")

REDUCTION(sum_all, SUM)
REDUCTION(mean_all, MEAN)
REDUCTION(max_all, MAX)
REDUCTION(min_all, MIN)
REDUCTION(var_all, VAR)
REDUCTION(std_all, STD)

/* ---- products of small matrices ---- */

enum { MOST_SUMMED = 64, MOST_PRODUCTS = 4096 }; /* above them BLAS is faster, and sums more exactly */

/* Rows of x may lie anywhere; those of y are brought together first. */
#define PRODUCT(name, type)                                                                                              \
    WIDE static void name(const char *x, npy_intp x0, npy_intp x1, const char *y, npy_intp y0, npy_intp y1,              \
                          type *restrict out, npy_intp m, npy_intp k, npy_intp n) {                                      \
        type rows[MOST_PRODUCTS];                                                                                        \
        if (y1 != sizeof(type) || y0 != n * (npy_intp)sizeof(type)) {                                                    \
            for (npy_intp l = 0; l < k; l++)                                                                             \
                for (npy_intp j = 0; j < n; j++) rows[l * n + j] = *(const type *)(y + l * y0 + j * y1);                 \
            y = (const char *)rows;                                                                                      \
        }                                                                                                                \
        const type *restrict right = (const type *)y;                                                                    \
        for (npy_intp i = 0; i < m; i++) {                                                                               \
            type *restrict row = out + i * n;                                                                            \
            for (npy_intp l = 0; l < k; l++) {                                                                           \
                const type a = *(const type *)(x + i * x0 + l * x1);                                                     \
                if (l == 0)                                                                                              \
                    for (npy_intp j = 0; j < n; j++) row[j] = a * right[j];                                              \
                else                                                                                                     \
                    for (npy_intp j = 0; j < n; j++) row[j] += a * right[l * n + j];                                     \
            }                                                                                                            \
        }                                                                                                                \
    }
PRODUCT(product_32, float)
PRODUCT(product_64, double)

/* x @ y of matrices of one type, float32 or float64; None if they are not such, do not fit, or BLAS is faster. */
PyObject *numax_product(PyArrayObject *x, PyArrayObject *y) {
    const int type = PyArray_TYPE(x);
    if ((type != NPY_FLOAT32 && type != NPY_FLOAT64) || PyArray_TYPE(y) != type || PyArray_NDIM(x) != 2 || PyArray_NDIM(y) != 2 ||
        !PyArray_ISBEHAVED_RO(x) || !PyArray_ISBEHAVED_RO(y))
        Py_RETURN_NONE;
    const npy_intp m = PyArray_DIM(x, 0), k = PyArray_DIM(x, 1), n = PyArray_DIM(y, 1), most = MOST_PRODUCTS;
    if (PyArray_DIM(y, 0) != k || k < 1 || k > MOST_SUMMED || m > most || n > most || m * k > most || k * n > most || m * k * n > most)
        Py_RETURN_NONE;
    npy_intp dims[] = {m, n};
    PyObject *out = PyArray_SimpleNew(2, dims, type);
    if (!out) return NULL;
    const npy_intp *s = PyArray_STRIDES(x), *t = PyArray_STRIDES(y);
    void *data = PyArray_DATA((PyArrayObject *)out);
    if (type == NPY_FLOAT32)
        product_32(PyArray_DATA(x), s[0], s[1], PyArray_DATA(y), t[0], t[1], data, m, k, n);
    else
        product_64(PyArray_DATA(x), s[0], s[1], PyArray_DATA(y), t[0], t[1], data, m, k, n);
    return out;
}

PyDoc_STRVAR(product_doc, "product(x, y)\n--\n\nThe matrix product of two small matrices of float32 or float64; None for others.");

static PyObject *product(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2) {
        PyErr_SetString(PyExc_TypeError, "product: takes two arrays.");
        return NULL;
    }
    if (!PyArray_CheckExact(args[0]) || !PyArray_CheckExact(args[1])) Py_RETURN_NONE;
    return numax_product((PyArrayObject *)args[0], (PyArrayObject *)args[1]);
}

static PyMethodDef methods[] = {
    FAST(stream, stream_doc),
    {"block", (PyCFunction)(void (*)(void))one_block, METH_FASTCALL, block_doc},
    FAST(words, words_doc),
    FAST(normals, normals_doc),
    FAST(set_polynomials, set_doc),
    FAST(product, product_doc),
    {"sum", sum_all, METH_O, REDUCTION_DOC("The sum")},
    {"mean", mean_all, METH_O, REDUCTION_DOC("The mean")},
    {"max", max_all, METH_O, REDUCTION_DOC("The largest (nan if one is nan)")},
    {"min", min_all, METH_O, REDUCTION_DOC("The smallest (nan if one is nan)")},
    {"var", var_all, METH_O, REDUCTION_DOC("The variance")},
    {"std", std_all, METH_O, REDUCTION_DOC("The standard deviation")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "numax._native", "Optional native code: eager calls on small arrays, operations, calls of programs.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) {
    import_array();
    import_umath();
    if (!numax_start_engine()) return NULL;
    PyObject *made = PyModule_Create(&module);
    if (made && PyModule_AddFunctions(made, numax_engine_methods) < 0) Py_CLEAR(made);
    return made;
}
