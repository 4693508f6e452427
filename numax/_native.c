/* Optional native code for eager calls on small arrays (threefry blocks, normal numbers, reductions of all elements), and for what is
 * done about each call of a compiled program.
 *
 * numax works without it (numax/_engine/core/native.py); random numbers are the same bits with and without. No function
 * releases the GIL: each works for microseconds.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/arrayobject.h>
#include <stdint.h>
#include <structmember.h>
#ifdef __linux__
#include <pthread.h>
#include <unistd.h>
#endif

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

PyDoc_STRVAR(normals_doc, "normals(key, count, root)\n--\n\nStandard normal numbers of a key, float32: `root`, the square root of 2, times "
                          "erf_inv of uniform numbers strictly between -1 and 1. Returns an array of one dimension.");

static PyObject *normals(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    uint64_t key;
    Py_ssize_t count;
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "normals: takes a key, a count and a float.");
        return NULL;
    }
    if (!key_and_count("normals", args, 2, &key, &count)) return NULL;
    const double root_wide = PyFloat_AsDouble(args[2]);
    if (root_wide == -1.0 && PyErr_Occurred()) return NULL;
    const float root = (float)root_wide;
    npy_intp size = count;
    PyObject *out = PyArray_SimpleNew(1, &size, NPY_FLOAT32);
    if (!out) return NULL;
    float *data = PyArray_DATA((PyArrayObject *)out);
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

/* ---- calls of compiled programs ---- */

static PyTypeObject *array_type; /* numax's Array, and where its slots are */
static Py_ssize_t np_at, buf_at, shape_at, type_at;
static PyObject *consume; /* a method's name */
static int ending;        /* the interpreter is about to end: `call` leaves everything to the general way */

#define SLOT(object, at) (*(PyObject **)((char *)(object) + (at)))

static int find_slot(PyObject *type, const char *name, Py_ssize_t *at) {
    PyObject *member = PyObject_GetAttrString(type, name);
    if (!member) return 0;
    const int good = Py_IS_TYPE(member, &PyMemberDescr_Type);
    if (good)
        *at = ((PyMemberDescrObject *)member)->d_member->offset;
    else
        PyErr_Format(PyExc_TypeError, "set_array: %s is no slot.", name);
    Py_DECREF(member);
    return good;
}

PyDoc_STRVAR(set_array_doc, "set_array(Array)\n--\n\nThe class of arrays, whose slots are _np, _buf, _shape and _t.");

static PyObject *set_array(PyObject *self, PyObject *type) {
    if (!PyType_Check(type)) {
        PyErr_SetString(PyExc_TypeError, "set_array: takes a class.");
        return NULL;
    }
    if (!find_slot(type, "_np", &np_at) || !find_slot(type, "_buf", &buf_at) || !find_slot(type, "_shape", &shape_at) ||
        !find_slot(type, "_t", &type_at))
        return NULL;
    Py_INCREF(type);
    Py_XSETREF(array_type, (PyTypeObject *)type);
    Py_RETURN_NONE;
}

static PyObject *shape_of(PyArrayObject *x) {
    const int ndim = PyArray_NDIM(x);
    PyObject *shape = PyTuple_New(ndim);
    for (int i = 0; shape && i < ndim; i++) {
        PyObject *n = PyLong_FromSsize_t(PyArray_DIM(x, i));
        if (!n)
            Py_CLEAR(shape);
        else
            PyTuple_SET_ITEM(shape, i, n);
    }
    return shape;
}

/* The structure (or NULL), then each array's type and shape, as a tuple; NULL without an error if a leaf is no Array. */
static PyObject *key_of(PyObject *structure, PyObject *const *leaves, Py_ssize_t count) {
    const Py_ssize_t before = structure != NULL;
    for (Py_ssize_t i = 0; i < count; i++)
        if (!Py_IS_TYPE(leaves[i], array_type)) return NULL;
    PyObject *key = PyTuple_New(before + 2 * count);
    if (!key) return NULL;
    if (structure) PyTuple_SET_ITEM(key, 0, Py_NewRef(structure));
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *value = SLOT(leaves[i], np_at), *shape;
        if (value && PyArray_Check(value))
            shape = shape_of((PyArrayObject *)value);
        else
            shape = Py_XNewRef(SLOT(leaves[i], shape_at));
        PyObject *type = Py_XNewRef(SLOT(leaves[i], type_at));
        if (!shape || !type) {
            Py_XDECREF(shape);
            Py_XDECREF(type);
            Py_DECREF(key);
            return NULL;
        }
        PyTuple_SET_ITEM(key, before + 2 * i, type);
        PyTuple_SET_ITEM(key, before + 2 * i + 1, shape);
    }
    return key;
}

static PyObject *handles_of(PyObject *const *leaves, Py_ssize_t count, PyObject *plain, PyObject *to_device,
                            PyObject *device) {
    PyObject *handles = PyList_New(count);
    for (Py_ssize_t i = 0; handles && i < count; i++) {
        PyObject *handle = SLOT(leaves[i], buf_at), *found;
        if (handle && (PyObject *)Py_TYPE(handle) == plain)
            found = Py_NewRef(handle);
        else
            found = PyObject_CallFunctionObjArgs(to_device, leaves[i], device, NULL);
        if (!found)
            Py_CLEAR(handles);
        else
            PyList_SET_ITEM(handles, i, found);
    }
    return handles;
}

static PyObject *arrays_of(PyObject *handles, PyObject *types) {
    const Py_ssize_t count = PyTuple_GET_SIZE(types);
    if (!PyList_Check(handles) || PyList_GET_SIZE(handles) != count) {
        PyErr_SetString(PyExc_RuntimeError, "call: the program gave another number of results.");
        return NULL;
    }
    PyObject *outs = PyList_New(count);
    for (Py_ssize_t i = 0; outs && i < count; i++) {
        PyObject *out = array_type->tp_alloc(array_type, 0), *pair = PyTuple_GET_ITEM(types, i);
        if (!out) {
            Py_CLEAR(outs);
            break;
        }
        SLOT(out, np_at) = Py_NewRef(Py_None);
        SLOT(out, buf_at) = Py_NewRef(PyList_GET_ITEM(handles, i));
        SLOT(out, shape_at) = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
        SLOT(out, type_at) = Py_NewRef(PyTuple_GET_ITEM(pair, 1));
        PyList_SET_ITEM(outs, i, out);
    }
    return outs;
}

enum { COLLECT = 1024 }; /* runs: as in numax/_engine/runtime/execute.py */

/* A failure is forgotten: the general way runs the program again, and raises what the user is to see. */
static PyObject *leave_it(void) {
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_Exception)) return NULL;
        PyErr_Clear();
    }
    Py_RETURN_NOTIMPLEMENTED;
}

/* The results of a program. `known` says how to call it (numax/_engine/dispatch.py, Program.known) and what becomes of its results: None (the
 * one that it has), list, tuple, or a function of their list. */
static PyObject *run(PyObject *known, PyObject *const *leaves, Py_ssize_t count) {
    if (!PyTuple_Check(known) || PyTuple_GET_SIZE(known) != 8 || !PyTuple_Check(PyTuple_GET_ITEM(known, 3))) {
        PyErr_SetString(PyExc_TypeError, "call: a program is a tuple of eight.");
        return NULL;
    }
    PyObject *const *parts = PySequence_Fast_ITEMS(known);
    PyObject *execute = parts[0], *handlers = parts[1], *collect = parts[2], *types = parts[3], *plain = parts[4];
    PyObject *to_device = parts[5], *device = parts[6], *rebuild = parts[7];
    static unsigned calls;
    if (++calls % COLLECT == 0) {
        PyObject *nothing = PyObject_CallNoArgs(collect);
        if (!nothing) return NULL;
        Py_DECREF(nothing);
    }
    PyObject *handles = handles_of(leaves, count, plain, to_device, device);
    if (!handles) return NULL; /* a deleted array, or one that the device does not take: the error is the user's */
    PyObject *results = PyObject_CallOneArg(execute, handles);
    Py_DECREF(handles);
    if (!results) return leave_it();
    PyObject *made = PyObject_CallMethodOneArg(results, consume, handlers);
    Py_DECREF(results);
    if (!made) return leave_it();
    PyObject *outs = arrays_of(made, types);
    Py_DECREF(made);
    if (!outs) return NULL;
    if (rebuild == (PyObject *)&PyList_Type) return outs;
    PyObject *out;
    if (rebuild == Py_None)
        out = Py_NewRef(PyList_GET_ITEM(outs, 0));
    else if (rebuild == (PyObject *)&PyTuple_Type)
        out = PyList_AsTuple(outs);
    else
        out = PyObject_CallOneArg(rebuild, outs);
    Py_DECREF(outs);
    return out;
}

PyDoc_STRVAR(call_doc, "call(programs, flatten, args, kwargs)\n--\n\nThe results of the program for the arguments' structure, types and shapes, if all "
                       "leaves are Arrays and `programs` knows it; else NotImplemented.");

static PyObject *call(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 4 || !PyDict_Check(args[0]) || !PyTuple_Check(args[2]) || !PyDict_Check(args[3]) || !array_type) {
        PyErr_SetString(PyExc_TypeError, "call: takes a dict, a function, a tuple and a dict.");
        return NULL;
    }
    if (ending) Py_RETURN_NOTIMPLEMENTED;
    PyObject *positional = args[2], *flat = NULL, *structure = NULL;
    PyObject *const *leaves = PySequence_Fast_ITEMS(positional);
    Py_ssize_t count = PyTuple_GET_SIZE(positional);
    int plain = PyDict_GET_SIZE(args[3]) == 0;
    for (Py_ssize_t i = 0; plain && i < count; i++) plain = Py_IS_TYPE(leaves[i], array_type);
    if (!plain) {
        if (PyDict_GET_SIZE(args[3])) {
            PyObject *whole = PyTuple_Pack(2, positional, args[3]);
            if (!whole) return NULL;
            flat = PyObject_CallOneArg(args[1], whole);
            Py_DECREF(whole);
        } else {
            flat = PyObject_CallOneArg(args[1], positional);
        }
        if (!flat) return leave_it();
        if (!PyTuple_Check(flat) || PyTuple_GET_SIZE(flat) != 2 || !PyList_Check(PyTuple_GET_ITEM(flat, 0))) {
            Py_DECREF(flat);
            Py_RETURN_NOTIMPLEMENTED;
        }
        structure = PyTuple_GET_ITEM(flat, 1);
        leaves = PySequence_Fast_ITEMS(PyTuple_GET_ITEM(flat, 0));
        count = PyList_GET_SIZE(PyTuple_GET_ITEM(flat, 0));
    }
    PyObject *out = NULL, *key = key_of(structure, leaves, count);
    PyObject *known = key ? PyDict_GetItemWithError(args[0], key) : NULL;
    if (known) {
        Py_INCREF(known);
        out = run(known, leaves, count);
        Py_DECREF(known);
    } else if (!PyErr_Occurred()) {
        out = Py_NewRef(Py_NotImplemented);
    }
    Py_XDECREF(key);
    Py_XDECREF(flat);
    return out;
}

/* ---- the end of the process ---- */

/* Until Python 3.14, a daemon thread that asks for the lock of an ending interpreter is ended there, by unwinding its stack. Where that is
 * C++ that may not throw (the destructor of one of jaxlib's handles), C++ ends the whole process. The thread may as well rest. */
#ifdef __linux__
typedef void (*handler)(void);
static handler usual;
static pthread_t last_thread;

static void rest(void) {
    while (!pthread_equal(pthread_self(), last_thread)) pause();
    if (usual) usual();
    abort();
}
#endif

PyDoc_STRVAR(end_doc, "end(set_terminate)\n--\n\nThe interpreter is about to end, in this thread: from now on, `call` gives NotImplemented, and with the "
                      "address of C++'s std::set_terminate (0: unknown), another thread that C++ would end the process for rests instead.");

static PyObject *end(PyObject *self, PyObject *address) {
    void *set_terminate = PyLong_AsVoidPtr(address);
    if (!set_terminate && PyErr_Occurred()) return NULL;
    ending = 1;
#ifdef __linux__
    if (set_terminate && !usual) {
        last_thread = pthread_self();
        usual = ((handler (*)(handler))set_terminate)(rest);
    }
#endif
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"end", end, METH_O, end_doc},
    {"stream", (PyCFunction)(void (*)(void))stream, METH_FASTCALL, stream_doc},
    {"block", (PyCFunction)(void (*)(void))one_block, METH_FASTCALL, block_doc},
    {"words", (PyCFunction)(void (*)(void))words, METH_FASTCALL, words_doc},
    {"normals", (PyCFunction)(void (*)(void))normals, METH_FASTCALL, normals_doc},
    {"set_array", set_array, METH_O, set_array_doc},
    {"call", (PyCFunction)(void (*)(void))call, METH_FASTCALL, call_doc},
    {"set_polynomials", (PyCFunction)(void (*)(void))set_polynomials, METH_FASTCALL, set_doc},
    {"sum", sum_all, METH_O, REDUCTION_DOC("The sum")},
    {"mean", mean_all, METH_O, REDUCTION_DOC("The mean")},
    {"max", max_all, METH_O, REDUCTION_DOC("The largest (nan if one is nan)")},
    {"min", min_all, METH_O, REDUCTION_DOC("The smallest (nan if one is nan)")},
    {"var", var_all, METH_O, REDUCTION_DOC("The variance")},
    {"std", std_all, METH_O, REDUCTION_DOC("The standard deviation")},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {
    PyModuleDef_HEAD_INIT, "numax._native", "Optional native code for eager calls on small arrays.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__native(void) {
    import_array();
    consume = PyUnicode_InternFromString("consume_with_handlers");
    return consume ? PyModule_Create(&module) : NULL;
}
