/* Optional native code for eager calls on small arrays (threefry blocks, normal numbers, reductions of all elements), for what is
 * done about each operation (Primitive.bind), and about each call of a compiled program.
 *
 * numax works without it (numax/_engine/core/native.py); random numbers are the same bits with and without. No function
 * releases the GIL: each works for microseconds.
 */
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#include <Python.h>
#include <math.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>
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

/* ---- arrays' types ---- */

enum { MOST_KNOWN = 1 << 13 }; /* entries of a cache, which is emptied when it is full */

static PyObject *shaped_array; /* the class of abstract values */
static PyObject *avals;        /* (element type, shape) -> the abstract value */
static PyObject *str_dtype, *str_weak, *str_aval, *str_fetch;

static PyObject *shape_of_array(PyObject *x) {
    PyObject *value = SLOT(x, np_at);
    if (value && PyArray_Check(value)) return shape_of((PyArrayObject *)value);
    if (value && value != Py_None) return PyObject_GetAttrString(value, "shape");
    PyObject *shape = SLOT(x, shape_at);
    if (!shape) PyErr_SetString(PyExc_AttributeError, "shape");
    return Py_XNewRef(shape);
}

static int keep(PyObject *cache, PyObject *key, PyObject *value) {
    if (PyDict_GET_SIZE(cache) >= MOST_KNOWN) PyDict_Clear(cache);
    return PyDict_SetItem(cache, key, value);
}

/* (element type, shape) of an Array. */
static PyObject *type_and_shape(PyObject *x) {
    PyObject *type = SLOT(x, type_at), *shape = shape_of_array(x);
    if (!shape) return NULL;
    PyObject *pair = type ? PyTuple_Pack(2, type, shape) : NULL;
    if (!type) PyErr_SetString(PyExc_AttributeError, "_t");
    Py_DECREF(shape);
    return pair;
}

static PyObject *aval_of_array(PyObject *x) {
    PyObject *key = type_and_shape(x);
    if (!key) return NULL;
    PyObject *found = Py_XNewRef(PyDict_GetItemWithError(avals, key));
    if (!found && !PyErr_Occurred()) {
        PyObject *type = PyTuple_GET_ITEM(key, 0), *dtype = PyObject_GetAttr(type, str_dtype);
        PyObject *weak = dtype ? PyObject_GetAttr(type, str_weak) : NULL;
        if (weak) found = PyObject_CallFunctionObjArgs(shaped_array, PyTuple_GET_ITEM(key, 1), dtype, weak, NULL);
        Py_XDECREF(dtype);
        Py_XDECREF(weak);
        if (found && keep(avals, key, found) < 0) Py_CLEAR(found);
    }
    Py_DECREF(key);
    return found;
}

static PyObject *aval_of(PyObject *x) { return Py_IS_TYPE(x, array_type) ? aval_of_array(x) : PyObject_GetAttr(x, str_aval); }

static PyObject *get_shape(PyObject *x, void *unused) { return shape_of_array(x); }
static PyObject *get_aval(PyObject *x, void *unused) { return aval_of_array(x); }

/* The properties of Array that everything asks for; the docstrings are those of numax/_engine/core/array.py. */
static PyGetSetDef properties[] = {
    {"shape", get_shape, NULL, "The sizes of the axes.", NULL},
    {"aval", get_aval, NULL, "The abstract value: shape, dtype and weak type.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyDoc_STRVAR(set_array_doc, "set_array(Array, ShapedArray)\n--\n\nThe class of arrays, whose slots are _np, _buf, _shape and _t, and that of abstract values. "
                            "Array gets the properties shape and aval.");

static PyObject *set_array(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2 || !PyType_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "set_array: takes two classes.");
        return NULL;
    }
    PyObject *type = args[0];
    if (!find_slot(type, "_np", &np_at) || !find_slot(type, "_buf", &buf_at) || !find_slot(type, "_shape", &shape_at) ||
        !find_slot(type, "_t", &type_at))
        return NULL;
    Py_XSETREF(array_type, (PyTypeObject *)Py_NewRef(type));
    Py_XSETREF(shaped_array, Py_NewRef(args[1]));
    for (PyGetSetDef *property = properties; property->name; property++) {
        PyObject *descriptor = PyDescr_NewGetSet(array_type, property);
        if (!descriptor) return NULL;
        const int failed = PyObject_SetAttrString(type, property->name, descriptor);
        Py_DECREF(descriptor);
        if (failed) return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- binding operations: numax/_engine/core/primitive.py, dispatch.py, transforms/jvp.py say what is done here ---- */

enum { MOST_OPERANDS = 8 };

static PyTypeObject *primitive_type, *tracer_type, *trace_type, *mode_type;
static PyObject *current, *no_rules, *evaluator, *on_device;
static Py_ssize_t host_at, impl_at, compile_from_at, multiple_at, jvp_at, infer_at, split_at; /* of Primitive */
static Py_ssize_t trace_at, level_at, alive_at, mode_level_at, rules_at;
static PyObject *results, *quiet, *wrap_any; /* of the dispatcher: known results' types; quiet.run; wrap_any */
static PyTypeObject *jvp_trace, *jvp_tracer, *zero, *not_differentiable;
static PyObject *zero_tangent, *zeros;
static Py_ssize_t primal_at, tangent_at, tracer_aval_at, place_at;
static PyObject *str_trace, *str_level, *str_run, *str_process, *str_tangent, *str_physical;

static int level_of(PyObject *trace, long *level) {
    PyObject *found;
    if (Py_IS_TYPE(trace, mode_type))
        found = Py_XNewRef(SLOT(trace, mode_level_at));
    else if (PyObject_TypeCheck(trace, trace_type))
        found = Py_XNewRef(SLOT(trace, level_at));
    else
        found = PyObject_GetAttr(trace, str_level);
    if (!found) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_AttributeError, "level");
        return 0;
    }
    *level = PyLong_AsLong(found);
    Py_DECREF(found);
    return *level != -1 || !PyErr_Occurred();
}

/* The trace of a value, or None; a new reference. */
static PyObject *trace_of(PyObject *x) {
    if (PyObject_TypeCheck(x, tracer_type) && SLOT(x, trace_at)) return Py_NewRef(SLOT(x, trace_at));
    return PyObject_GetAttr(x, str_trace);
}

static PyObject *keywords(PyObject *const *values, PyObject *names) {
    PyObject *dict = PyDict_New();
    for (Py_ssize_t i = 0; dict && names && i < PyTuple_GET_SIZE(names); i++)
        if (PyDict_SetItem(dict, PyTuple_GET_ITEM(names, i), values[i]) < 0) Py_CLEAR(dict);
    return dict;
}

static PyObject *tuple_of(PyObject *const *items, Py_ssize_t count) {
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple && i < count; i++) PyTuple_SET_ITEM(tuple, i, Py_NewRef(items[i]));
    return tuple;
}

/* `object.name(prim, args, params)` */
static PyObject *in_python(PyObject *object, PyObject *name, PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    PyObject *out = NULL, *params = keywords(args + nargs, names), *packed = params ? tuple_of(args, nargs) : NULL;
    if (packed) {
        PyObject *const stack[] = {object, prim, packed, params};
        out = PyObject_VectorcallMethod(name, stack, 4, NULL);
    }
    Py_XDECREF(packed);
    Py_XDECREF(params);
    return out;
}

/* What an operation's result type depends on; NULL without an error where it is not kept. `shapes`: whether it depends on them. */
static PyObject *operation_key(PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names, int shapes) {
    const Py_ssize_t given = names ? PyTuple_GET_SIZE(names) : 0;
    PyObject *key = PyTuple_New(1 + nargs * (1 + shapes) + given + (given > 0));
    if (!key) return NULL;
    Py_ssize_t at = 0;
    PyTuple_SET_ITEM(key, at++, Py_NewRef(prim));
    for (Py_ssize_t i = 0; i < nargs; i++) {
        PyObject *type = SLOT(args[i], type_at), *shape = shapes ? shape_of_array(args[i]) : NULL;
        if (!type || (shapes && !shape)) {
            Py_XDECREF(shape);
            Py_DECREF(key);
            return NULL;
        }
        PyTuple_SET_ITEM(key, at++, Py_NewRef(type));
        if (shapes) PyTuple_SET_ITEM(key, at++, shape);
    }
    if (given) {
        PyTuple_SET_ITEM(key, at++, Py_NewRef(names));
        for (Py_ssize_t i = 0; i < given; i++) PyTuple_SET_ITEM(key, at++, Py_NewRef(args[nargs + i]));
    }
    return key;
}

static PyObject *numbers_of(PyObject *x) {
    PyObject *value = SLOT(x, np_at);
    return value && PyArray_Check(value) ? Py_NewRef(value) : PyObject_CallMethodNoArgs(x, str_fetch);
}

static PyObject *new_array(PyObject *value, PyObject *type) {
    PyObject *out = array_type->tp_alloc(array_type, 0);
    if (!out) return NULL;
    SLOT(out, np_at) = Py_NewRef(value);
    SLOT(out, buf_at) = Py_NewRef(Py_None);
    SLOT(out, type_at) = Py_NewRef(type);
    return out;
}

/* quiet.run(host, *numbers, **params), as an Array of the given element type. */
static PyObject *run_host(PyObject *host, PyObject *type, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    const Py_ssize_t given = names ? PyTuple_GET_SIZE(names) : 0;
    PyObject *stack[2 + 2 * MOST_OPERANDS], *out = NULL, *run = PyObject_GetAttr(quiet, str_run);
    if (!run) return NULL;
    stack[1] = host;
    Py_ssize_t made = 0;
    while (made < nargs && (stack[2 + made] = numbers_of(args[made]))) made++;
    if (made == nargs) {
        for (Py_ssize_t i = 0; i < given; i++) stack[2 + nargs + i] = args[nargs + i];
        PyObject *value = PyObject_Vectorcall(run, stack + 1, (1 + nargs) | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
        if (value) {
            PyObject *physical = PyArray_CheckExact(value) ? PyObject_GetAttr(type, str_physical) : NULL;
            if (physical && (PyObject *)PyArray_DESCR((PyArrayObject *)value) == physical)
                out = new_array(value, type);
            else if (!PyErr_Occurred())
                out = PyObject_CallFunctionObjArgs(wrap_any, value, type, NULL);
            Py_XDECREF(physical);
            Py_DECREF(value);
        }
    }
    for (Py_ssize_t i = 0; i < made; i++) Py_DECREF(stack[2 + i]);
    Py_DECREF(run);
    return out;
}

static int equal_or_none(PyObject *const *args, Py_ssize_t nargs) {
    if (nargs < 2) return 1;
    PyObject *a = SLOT(args[0], np_at), *b = SLOT(args[1], np_at);
    if (!a || !b || !PyArray_Check(a) || !PyArray_Check(b)) return 0;
    PyArrayObject *x = (PyArrayObject *)a, *y = (PyArrayObject *)b;
    return PyArray_NDIM(x) == 0 || PyArray_NDIM(y) == 0 || PyArray_SAMESHAPE(x, y);
}

/* Whether results may be kept by a parameter's value: it has a plain hash and holds no program or array. */
static int plain_value(PyObject *x) {
    if (x == Py_None || PyBool_Check(x) || PyLong_CheckExact(x) || PyFloat_CheckExact(x) || PyUnicode_CheckExact(x) ||
        PyArray_DescrCheck(x))
        return 1;
    if (!PyTuple_Check(x)) return 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(x); i++)
        if (!plain_value(PyTuple_GET_ITEM(x, i))) return 0;
    return 1;
}

/* An operation on known arrays. The types of results are kept, so that the next call of the kind asks only the host rule. */
static PyObject *evaluate(PyObject *top, PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    PyObject *key = NULL, *host = SLOT(prim, host_at);
    const Py_ssize_t given = names ? PyTuple_GET_SIZE(names) : 0;
    int kept = results && Py_IS_TYPE(top, mode_type) && SLOT(top, rules_at) != no_rules && host != on_device &&
               SLOT(prim, impl_at) == Py_None && SLOT(prim, compile_from_at) == Py_None && SLOT(prim, multiple_at) == Py_False &&
               nargs <= MOST_OPERANDS && given <= MOST_OPERANDS;
    for (Py_ssize_t i = 0; kept && i < nargs; i++) kept = Py_IS_TYPE(args[i], array_type);
    for (Py_ssize_t i = 0; kept && i < given; i++) kept = plain_value(args[nargs + i]);
    if (kept) {
        const int plain = Py_IS_TYPE(host, &PyUFunc_Type) && !given && nargs < 3 && equal_or_none(args, nargs);
        key = operation_key(prim, args, nargs, names, !plain);
        PyObject *type = key ? PyDict_GetItemWithError(results, key) : NULL;
        if (type) {
            Py_DECREF(key);
            return run_host(host, type, args, nargs, names);
        }
        if (PyErr_Occurred()) {
            Py_XDECREF(key);
            return NULL;
        }
    }
    PyObject *out = in_python(evaluator, str_run, prim, args, nargs, names);
    if (out && key && Py_IS_TYPE(out, array_type) && keep(results, key, SLOT(out, type_at)) < 0) Py_CLEAR(out);
    Py_XDECREF(key);
    return out;
}

static PyObject *zero_of(PyObject *x) {
    const int known = Py_IS_TYPE(x, array_type);
    PyObject *key = known ? type_and_shape(x) : NULL;
    if (known && !key) return NULL;
    PyObject *found = key ? Py_XNewRef(PyDict_GetItemWithError(zeros, key)) : NULL;
    if (!found && !PyErr_Occurred()) {
        PyObject *aval = aval_of(x), *tangent = aval ? PyObject_CallMethodNoArgs(aval, str_tangent) : NULL;
        if (tangent) found = PyObject_CallOneArg((PyObject *)zero, tangent);
        Py_XDECREF(aval);
        Py_XDECREF(tangent);
        if (found && key && keep(zeros, key, found) < 0) Py_CLEAR(found);
    }
    Py_XDECREF(key);
    return found;
}

static PyObject *bind(PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names);

/* Primals and tangents of the operands; 0 where one was leaked, or with an error. */
static int halves(PyObject *trace, PyObject *const *args, Py_ssize_t nargs, PyObject *primals, PyObject *tangents) {
    for (Py_ssize_t i = 0; i < nargs; i++) {
        PyObject *x = args[i], *primal = x, *tangent;
        if (Py_IS_TYPE(x, jvp_tracer) && SLOT(x, trace_at) == trace) {
            primal = SLOT(x, primal_at);
            tangent = Py_NewRef(SLOT(x, tangent_at));
        } else {
            if (!Py_IS_TYPE(x, array_type)) {
                PyObject *its = trace_of(x);
                if (!its) return 0;
                const int leaked = its != Py_None && !(PyObject_TypeCheck(its, trace_type) && SLOT(its, alive_at) == Py_True);
                Py_DECREF(its);
                if (leaked) return 0;
            }
            if (!(tangent = zero_of(x))) return 0;
        }
        PyList_SET_ITEM(primals, i, Py_NewRef(primal));
        PyList_SET_ITEM(tangents, i, tangent);
    }
    return 1;
}

static PyObject *jvp_tracer_of(PyObject *trace, PyObject *primal, PyObject *tangent) {
    PyObject *aval = aval_of(primal), *out = aval ? jvp_tracer->tp_alloc(jvp_tracer, 0) : NULL;
    if (!out) {
        Py_XDECREF(aval);
        return NULL;
    }
    SLOT(out, trace_at) = Py_NewRef(trace);
    SLOT(out, place_at) = Py_NewRef(Py_None);
    SLOT(out, primal_at) = Py_NewRef(primal);
    SLOT(out, tangent_at) = Py_NewRef(tangent);
    SLOT(out, tracer_aval_at) = aval;
    return out;
}

/* JVPTrace.process; what fails or is rare goes its way. */
static PyObject *differentiate(PyObject *trace, PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    PyObject *rule = SLOT(prim, jvp_at), *out = NULL;
    const Py_ssize_t given = names ? PyTuple_GET_SIZE(names) : 0;
    if (SLOT(trace, alive_at) != Py_True || SLOT(prim, multiple_at) != Py_False || Py_IS_TYPE(rule, not_differentiable) ||
        nargs > MOST_OPERANDS || given > MOST_OPERANDS)
        return in_python(trace, str_process, prim, args, nargs, names);
    PyObject *primals = PyList_New(nargs), *tangents = PyList_New(nargs);
    if (!primals || !tangents) goto done;
    if (!halves(trace, args, nargs, primals, tangents)) {
        if (!PyErr_Occurred()) out = in_python(trace, str_process, prim, args, nargs, names);
        goto done;
    }
    PyObject *stack[2 + 2 * MOST_OPERANDS];
    if (rule == zero_tangent) {
        for (Py_ssize_t i = 0; i < nargs; i++) stack[i] = PyList_GET_ITEM(primals, i);
        for (Py_ssize_t i = 0; i < given; i++) stack[nargs + i] = args[nargs + i];
        out = bind(prim, stack, nargs, names);
        goto done;
    }
    stack[0] = primals;
    stack[1] = tangents;
    for (Py_ssize_t i = 0; i < given; i++) stack[2 + i] = args[nargs + i];
    PyObject *pair = PyObject_Vectorcall(rule, stack, 2, names);
    if (!pair) goto done;
    if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2)
        PyErr_SetString(PyExc_TypeError, "jvp: a rule gives a value and its tangent.");
    else if (Py_IS_TYPE(PyTuple_GET_ITEM(pair, 1), zero))
        out = Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    else
        out = jvp_tracer_of(trace, PyTuple_GET_ITEM(pair, 0), PyTuple_GET_ITEM(pair, 1));
    Py_DECREF(pair);
done:
    Py_XDECREF(primals);
    Py_XDECREF(tangents);
    return out;
}

/* The user's code and place in it: numax/_engine/core/source.py, here. */
static PyObject *ours, *is_ours;

static PyObject *here(void) {
    PyFrameObject *frame = (PyFrameObject *)Py_XNewRef((PyObject *)PyEval_GetFrame());
    while (frame) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        PyObject *known = Py_XNewRef(PyDict_GetItemWithError(ours, (PyObject *)code));
        if (!known && !PyErr_Occurred()) known = PyObject_CallOneArg(is_ours, (PyObject *)code);
        if (!known || known != Py_True) {
            PyObject *place = known ? Py_BuildValue("Oi", code, PyFrame_GetLasti(frame)) : NULL;
            Py_XDECREF(known);
            Py_DECREF(code);
            Py_DECREF(frame);
            return place;
        }
        Py_DECREF(known);
        Py_DECREF(code);
        Py_SETREF(frame, PyFrame_GetBack(frame));
    }
    Py_RETURN_NONE;
}

static PyTypeObject *stage_trace, *stage_tracer, *linear_trace, *linear_tracer, *var_type, *eqn_type;
static Py_ssize_t stage_eqns_at, stage_var_at, stage_aval_at, note_at, linear_eqns_at, linear_var_at, linear_aval_at, aval_at;
static Py_ssize_t eqn_primitive_at, eqn_invars_at, eqn_params_at, eqn_outvars_at, eqn_place_at;
static PyObject *str_atom;

static PyObject *var_of(PyObject *aval) {
    PyObject *var = var_type->tp_alloc(var_type, 0);
    if (var) SLOT(var, aval_at) = Py_NewRef(aval);
    return var;
}

/* Append `var = prim[params](*ins)` to a list of equations. Takes over `params`. */
static int append(PyObject *eqns, PyObject *prim, PyObject *ins, PyObject *params, PyObject *var, PyObject *place) {
    PyObject *outs = params ? PyList_New(1) : NULL, *eqn = outs ? eqn_type->tp_alloc(eqn_type, 0) : NULL;
    if (!eqn) {
        Py_XDECREF(params);
        Py_XDECREF(outs);
        return 0;
    }
    PyList_SET_ITEM(outs, 0, Py_NewRef(var));
    SLOT(eqn, eqn_primitive_at) = Py_NewRef(prim);
    SLOT(eqn, eqn_invars_at) = Py_NewRef(ins);
    SLOT(eqn, eqn_params_at) = params;
    SLOT(eqn, eqn_outvars_at) = outs;
    SLOT(eqn, eqn_place_at) = Py_NewRef(place);
    const int failed = PyList_Append(eqns, eqn);
    Py_DECREF(eqn);
    return !failed;
}

/* StageTrace.process and LinearTrace.process; what fails or is rare goes their way. */
static PyObject *record(PyObject *trace, int staging, PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    const Py_ssize_t given = names ? PyTuple_GET_SIZE(names) : 0;
    PyObject *eqns = SLOT(trace, staging ? stage_eqns_at : linear_eqns_at);
    if (SLOT(trace, alive_at) != Py_True || SLOT(prim, multiple_at) != Py_False || (!staging && SLOT(prim, split_at) != Py_None) ||
        nargs > MOST_OPERANDS || given > MOST_OPERANDS || !eqns || !PyList_CheckExact(eqns))
        return in_python(trace, str_process, prim, args, nargs, names);
    PyTypeObject *tracer = staging ? stage_tracer : linear_tracer;
    const Py_ssize_t its_var = staging ? stage_var_at : linear_var_at, its_aval = staging ? stage_aval_at : linear_aval_at;
    PyObject *stack[1 + 2 * MOST_OPERANDS], **types = stack + 1, *aval = NULL, *var = NULL, *place = NULL, *out = NULL;
    PyObject *ins = PyList_New(nargs);
    Py_ssize_t made = 0;
    for (; ins && made < nargs; made++) {
        PyObject *x = args[made], *atom;
        if (Py_IS_TYPE(x, tracer) && SLOT(x, trace_at) == trace) {
            atom = Py_NewRef(SLOT(x, its_var));
            types[made] = Py_NewRef(SLOT(x, its_aval));
        } else {
            atom = staging ? PyObject_CallMethodOneArg(trace, str_atom, x) : Py_NewRef(x);
            types[made] = atom ? aval_of(atom) : NULL;
        }
        if (!types[made]) {
            Py_XDECREF(atom);
            break;
        }
        PyList_SET_ITEM(ins, made, atom);
    }
    if (!ins || made < nargs) goto done;
    for (Py_ssize_t i = 0; i < given; i++) types[nargs + i] = args[nargs + i];
    aval = PyObject_Vectorcall(SLOT(prim, infer_at), types, nargs | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    if (!aval) goto done;
    place = staging ? here() : Py_NewRef(Py_None);
    var = place ? var_of(aval) : NULL;
    if (!var || !append(eqns, prim, ins, keywords(args + nargs, names), var, place) || !(out = tracer->tp_alloc(tracer, 0))) goto done;
    SLOT(out, trace_at) = Py_NewRef(trace);
    SLOT(out, place_at) = Py_NewRef(place);
    SLOT(out, its_aval) = Py_NewRef(aval);
    SLOT(out, its_var) = Py_NewRef(var);
    if (staging) SLOT(out, note_at) = Py_NewRef(Py_None);
done:
    for (Py_ssize_t i = 0; i < made; i++) Py_DECREF(types[i]);
    Py_XDECREF(ins);
    Py_XDECREF(aval);
    Py_XDECREF(var);
    Py_XDECREF(place);
    return out;
}

PyDoc_STRVAR(bind_doc, "bind($self, /, *args, **params)\n--\n\nApply to Arrays and Tracers, in the highest trace among them.");

static PyObject *bind(PyObject *prim, PyObject *const *args, Py_ssize_t nargs, PyObject *names) {
    PyObject *top, *out = NULL;
    if (PyContextVar_Get(current, NULL, &top) < 0) return NULL;
    if (!top) {
        PyErr_SetObject(PyExc_LookupError, current);
        return NULL;
    }
    long level, other;
    if (!level_of(top, &level)) goto done;
    for (Py_ssize_t i = 0; i < nargs; i++) {
        if (Py_IS_TYPE(args[i], array_type)) continue;
        PyObject *trace = trace_of(args[i]);
        if (!trace) goto done;
        if (trace != Py_None) {
            if (!level_of(trace, &other)) {
                Py_DECREF(trace);
                goto done;
            }
            if (other > level) {
                level = other;
                Py_SETREF(top, Py_NewRef(trace));
            }
        }
        Py_DECREF(trace);
    }
    if (level < 0)
        out = evaluate(top, prim, args, nargs, names);
    else if (jvp_trace && Py_IS_TYPE(top, jvp_trace))
        out = differentiate(top, prim, args, nargs, names);
    else if (stage_trace && Py_IS_TYPE(top, stage_trace))
        out = record(top, 1, prim, args, nargs, names);
    else if (linear_trace && Py_IS_TYPE(top, linear_trace))
        out = record(top, 0, prim, args, nargs, names);
    else
        out = in_python(top, str_process, prim, args, nargs, names);
done:
    Py_DECREF(top);
    return out;
}

static PyMethodDef bind_method = {"bind", (PyCFunction)(void (*)(void))bind, METH_FASTCALL | METH_KEYWORDS, bind_doc};

static int is_class(PyObject *x) {
    if (!PyType_Check(x)) PyErr_SetString(PyExc_TypeError, "a class was expected.");
    return PyType_Check(x);
}

PyDoc_STRVAR(set_engine_doc, "set_engine(Primitive, Tracer, Trace, Mode, Evaluator, current, NO_RULES, on_device)\n--\n\nWhat operations are bound with. Primitive gets "
                             "the method bind.");

static PyObject *set_engine(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 8 || !PyContextVar_CheckExact(args[5])) {
        PyErr_SetString(PyExc_TypeError, "set_engine: takes five classes, a context variable, a dict and a function.");
        return NULL;
    }
    for (int i = 0; i < 5; i++)
        if (!is_class(args[i])) return NULL;
    PyObject *prim = args[0];
    if (!find_slot(prim, "host", &host_at) || !find_slot(prim, "infer", &infer_at) || !find_slot(prim, "split", &split_at) || !find_slot(prim, "impl", &impl_at) ||
        !find_slot(prim, "compile_from", &compile_from_at) || !find_slot(prim, "multiple_results", &multiple_at) ||
        !find_slot(prim, "jvp", &jvp_at) || !find_slot(args[1], "_trace", &trace_at) || !find_slot(args[1], "_place", &place_at) ||
        !find_slot(args[2], "level", &level_at) || !find_slot(args[2], "alive", &alive_at) ||
        !find_slot(args[3], "level", &mode_level_at) || !find_slot(args[3], "rules", &rules_at))
        return NULL;
    primitive_type = (PyTypeObject *)Py_NewRef(prim);
    tracer_type = (PyTypeObject *)Py_NewRef(args[1]);
    trace_type = (PyTypeObject *)Py_NewRef(args[2]);
    mode_type = (PyTypeObject *)Py_NewRef(args[3]);
    evaluator = Py_NewRef(args[4]);
    current = Py_NewRef(args[5]);
    no_rules = Py_NewRef(args[6]);
    on_device = Py_NewRef(args[7]);
    PyObject *method = PyDescr_NewMethod(primitive_type, &bind_method);
    if (!method || PyObject_SetAttrString(prim, "bind", method) < 0) {
        Py_XDECREF(method);
        return NULL;
    }
    Py_DECREF(method);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_dispatcher_doc, "set_dispatcher(results, quiet, wrap_any)\n--\n\nThe dict in which the types of results are kept, what runs host rules, and "
                                 "what makes Arrays of results of other dtypes.");

static PyObject *set_dispatcher(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 3 || !PyDict_CheckExact(args[0])) {
        PyErr_SetString(PyExc_TypeError, "set_dispatcher: takes a dict, an object and a function.");
        return NULL;
    }
    Py_XSETREF(quiet, Py_NewRef(args[1]));
    Py_XSETREF(wrap_any, Py_NewRef(args[2]));
    Py_XSETREF(results, Py_NewRef(args[0]));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_jvp_doc, "set_jvp(JVPTrace, JVPTracer, Zero, not_differentiable, zero_tangent)\n--\n\nThe classes of forward-mode differentiation.");

static PyObject *set_jvp(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 5) {
        PyErr_SetString(PyExc_TypeError, "set_jvp: takes four classes and a function.");
        return NULL;
    }
    for (int i = 0; i < 4; i++)
        if (!is_class(args[i])) return NULL;
    if (!find_slot(args[1], "primal", &primal_at) || !find_slot(args[1], "tangent", &tangent_at) || !find_slot(args[1], "aval", &tracer_aval_at))
        return NULL;
    jvp_tracer = (PyTypeObject *)Py_NewRef(args[1]);
    zero = (PyTypeObject *)Py_NewRef(args[2]);
    not_differentiable = (PyTypeObject *)Py_NewRef(args[3]);
    zero_tangent = Py_NewRef(args[4]);
    jvp_trace = (PyTypeObject *)Py_NewRef(args[0]);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_stage_doc, "set_stage(StageTrace, StageTracer, Var, Eqn, ours, is_ours)\n--\n\nThe classes of recording, the dict of code objects that are "
                            "numax's or not, and the function that fills it.");

static PyObject *set_stage(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 6 || !PyDict_CheckExact(args[4])) {
        PyErr_SetString(PyExc_TypeError, "set_stage: takes four classes, a dict and a function.");
        return NULL;
    }
    for (int i = 0; i < 4; i++)
        if (!is_class(args[i])) return NULL;
    PyObject *eqn = args[3];
    if (!find_slot(args[0], "eqns", &stage_eqns_at) || !find_slot(args[1], "_var", &stage_var_at) ||
        !find_slot(args[1], "aval", &stage_aval_at) || !find_slot(args[1], "note", &note_at) || !find_slot(args[2], "aval", &aval_at) ||
        !find_slot(eqn, "primitive", &eqn_primitive_at) || !find_slot(eqn, "invars", &eqn_invars_at) ||
        !find_slot(eqn, "params", &eqn_params_at) || !find_slot(eqn, "outvars", &eqn_outvars_at) || !find_slot(eqn, "place", &eqn_place_at))
        return NULL;
    stage_tracer = (PyTypeObject *)Py_NewRef(args[1]);
    var_type = (PyTypeObject *)Py_NewRef(args[2]);
    eqn_type = (PyTypeObject *)Py_NewRef(eqn);
    ours = Py_NewRef(args[4]);
    is_ours = Py_NewRef(args[5]);
    stage_trace = (PyTypeObject *)Py_NewRef(args[0]);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_linear_doc, "set_linear(LinearTrace, LinearTracer)\n--\n\nThe classes of tapes; set_stage comes first.");

static PyObject *set_linear(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2 || !is_class(args[0]) || !is_class(args[1])) {
        if (!PyErr_Occurred()) PyErr_SetString(PyExc_TypeError, "set_linear: takes two classes.");
        return NULL;
    }
    if (!find_slot(args[0], "eqns", &linear_eqns_at) || !find_slot(args[1], "_var", &linear_var_at) ||
        !find_slot(args[1], "aval", &linear_aval_at))
        return NULL;
    linear_tracer = (PyTypeObject *)Py_NewRef(args[1]);
    linear_trace = (PyTypeObject *)Py_NewRef(args[0]);
    Py_RETURN_NONE;
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
    {"set_array", (PyCFunction)(void (*)(void))set_array, METH_FASTCALL, set_array_doc},
    {"set_engine", (PyCFunction)(void (*)(void))set_engine, METH_FASTCALL, set_engine_doc},
    {"set_dispatcher", (PyCFunction)(void (*)(void))set_dispatcher, METH_FASTCALL, set_dispatcher_doc},
    {"set_stage", (PyCFunction)(void (*)(void))set_stage, METH_FASTCALL, set_stage_doc},
    {"set_linear", (PyCFunction)(void (*)(void))set_linear, METH_FASTCALL, set_linear_doc},
    {"set_jvp", (PyCFunction)(void (*)(void))set_jvp, METH_FASTCALL, set_jvp_doc},
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
    import_umath();
    static const struct {
        PyObject **where;
        const char *name;
    } names[] = {{&consume, "consume_with_handlers"}, {&str_dtype, "dtype"}, {&str_weak, "weak"}, {&str_aval, "aval"},
                 {&str_fetch, "numpy_"}, {&str_trace, "_trace"}, {&str_level, "level"}, {&str_run, "run"}, {&str_process, "process"},
                 {&str_tangent, "tangent"}, {&str_physical, "physical"}, {&str_atom, "atom"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(*names[i].where = PyUnicode_InternFromString(names[i].name))) return NULL;
    if (!(avals = PyDict_New()) || !(zeros = PyDict_New())) return NULL;
    return PyModule_Create(&module);
}
