/* What the native extension does about each operation (Primitive.bind), about Arrays' types, about each call of a compiled program, and at
 * the end of the process. The Python that says what is done: numax/_engine/core/{primitive,array,stage}.py, dispatch.py,
 * transforms/{jvp,linearize}.py, runtime/shutdown.py, api/jit.py. */
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#include "_native.h"
#include <structmember.h>
#ifdef __linux__
#include <pthread.h>
#include <unistd.h>
#endif

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
static PyObject *results, *quiet, *wrap_any; /* known results' types; what runs NumPy's functions; of the dispatcher */
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

PyDoc_STRVAR(set_quiet_doc, "set_quiet(quiet)\n--\n\nWhat calls NumPy's functions, by its attribute run.");

static PyObject *set_quiet(PyObject *self, PyObject *object) {
    Py_XSETREF(quiet, Py_NewRef(object));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(set_dispatcher_doc, "set_dispatcher(results, wrap_any)\n--\n\nThe dict in which the types of results are kept, and what makes Arrays of results of "
                                 "other dtypes.");

static PyObject *set_dispatcher(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 2 || !PyDict_CheckExact(args[0]) || !quiet) {
        PyErr_SetString(PyExc_TypeError, "set_dispatcher: takes a dict and a function, after set_quiet.");
        return NULL;
    }
    Py_XSETREF(wrap_any, Py_NewRef(args[1]));
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

/* ---- elementwise functions, at once: numax/_engine/eager.py says when ---- */

/* quiet.run(ufunc, *operands) as an Array; NotImplemented where the general way says what is wrong. */
static PyObject *elementwise(PyObject *ufunc, PyObject *type, PyObject *x, PyObject *y) {
    PyObject *run = PyObject_GetAttr(quiet, str_run), *stack[] = {NULL, ufunc, x, y};
    if (!run) return NULL;
    PyObject *value = PyObject_Vectorcall(run, stack + 1, (y ? 3 : 2) | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL), *out = NULL;
    Py_DECREF(run);
    if (value && !PyArray_CheckExact(value)) Py_SETREF(value, PyArray_FROM_O(value));
    if (value) {
        out = new_array(value, type);
        Py_DECREF(value);
    } else if (PyErr_ExceptionMatches(PyExc_ValueError) || PyErr_ExceptionMatches(PyExc_OverflowError)) {
        PyErr_Clear();
        out = Py_NewRef(Py_NotImplemented);
    }
    return out;
}

/* The table of rules, borrowed; NULL where operations do not run at once, or with an error. */
static PyObject *rules_now(void) {
    PyObject *top, *rules = NULL;
    if (!quiet || PyContextVar_Get(current, NULL, &top) < 0) return NULL;
    if (top && Py_IS_TYPE(top, mode_type)) rules = SLOT(top, rules_at);
    Py_XDECREF(top); /* the context variable, or its default, keeps it */
    return rules && rules != no_rules && PyDict_CheckExact(rules) ? rules : NULL;
}

/* What rules are found by; NULL for what is neither an Array nor a Python number. */
static PyObject *kind_of(PyObject *x) {
    if (Py_IS_TYPE(x, array_type)) return SLOT(x, type_at);
    PyTypeObject *type = Py_TYPE(x);
    return type == &PyFloat_Type || type == &PyLong_Type || type == &PyBool_Type || type == &PyComplex_Type ? (PyObject *)type : NULL;
}

static PyObject *operand(PyObject *x) { return Py_IS_TYPE(x, array_type) ? numbers_of(x) : Py_NewRef(x); }

PyDoc_STRVAR(unary_doc, "unary(name, ufunc, x)\n--\n\nufunc of an Array, if there is a rule for its type; else NotImplemented.");

static PyObject *unary(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 3) {
        PyErr_SetString(PyExc_TypeError, "unary: takes a name, a function and an operand.");
        return NULL;
    }
    PyObject *x = args[2], *rules = array_type && Py_IS_TYPE(x, array_type) ? rules_now() : NULL, *kind = rules ? kind_of(x) : NULL;
    if (PyErr_Occurred()) return NULL;
    if (!kind) Py_RETURN_NOTIMPLEMENTED;
    PyObject *key = PyTuple_Pack(2, args[0], kind), *type = key ? PyDict_GetItemWithError(rules, key) : NULL, *out = NULL;
    Py_XDECREF(key);
    if (!type || type == Py_None) {
        if (PyErr_Occurred()) return NULL;
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_INCREF(type);
    PyObject *a = numbers_of(x);
    if (a) out = elementwise(args[1], type, a, NULL);
    Py_XDECREF(a);
    Py_DECREF(type);
    return out;
}

PyDoc_STRVAR(binary_doc, "binary(name, ufunc, of_number, x, y)\n--\n\nufunc of two operands, Arrays or one of them a Python number, if there is a rule for their "
                         "types; else NotImplemented. of_number: computes it where y is a number.");

static PyObject *binary(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    if (nargs != 5) {
        PyErr_SetString(PyExc_TypeError, "binary: takes a name, two functions and two operands.");
        return NULL;
    }
    PyObject *x = args[3], *y = args[4];
    if (!array_type || (!Py_IS_TYPE(x, array_type) && !Py_IS_TYPE(y, array_type))) Py_RETURN_NOTIMPLEMENTED;
    PyObject *rules = rules_now(), *left = rules ? kind_of(x) : NULL, *right = left ? kind_of(y) : NULL;
    if (PyErr_Occurred()) return NULL;
    if (!right) Py_RETURN_NOTIMPLEMENTED;
    PyObject *key = PyTuple_Pack(3, args[0], left, right), *type = key ? PyDict_GetItemWithError(rules, key) : NULL, *out = NULL;
    Py_XDECREF(key);
    if (!type || type == Py_None) {
        if (PyErr_Occurred()) return NULL;
        Py_RETURN_NOTIMPLEMENTED;
    }
    Py_INCREF(type);
    PyObject *a = operand(x), *b = a ? operand(y) : NULL;
    if (b) out = elementwise(Py_IS_TYPE(y, array_type) ? args[1] : args[2], type, a, b);
    Py_XDECREF(a);
    Py_XDECREF(b);
    Py_DECREF(type);
    return out;
}

PyDoc_STRVAR(matmul_doc, "matmul(x, y)\n--\n\nThe matrix product of two Arrays, where both are small matrices of one type, float32 or float64, and "
                         "operations run at once; else NotImplemented.");

static PyObject *matmul(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    PyObject *top, *type, *x, *y;
    if (nargs != 2 || !Py_IS_TYPE(args[0], array_type) || !Py_IS_TYPE(args[1], array_type) || !mode_type) Py_RETURN_NOTIMPLEMENTED;
    type = SLOT(args[0], type_at), x = SLOT(args[0], np_at), y = SLOT(args[1], np_at);
    if (!type || SLOT(args[1], type_at) != type || !x || !y || !PyArray_CheckExact(x) || !PyArray_CheckExact(y)) Py_RETURN_NOTIMPLEMENTED;
    if (PyContextVar_Get(current, NULL, &top) < 0) return NULL;
    const int at_once = top && Py_IS_TYPE(top, mode_type) && SLOT(top, rules_at) != no_rules;
    Py_XDECREF(top);
    if (!at_once) Py_RETURN_NOTIMPLEMENTED;
    PyObject *value = numax_product((PyArrayObject *)x, (PyArrayObject *)y);
    if (!value) return NULL;
    PyObject *out = value == Py_None ? Py_NewRef(Py_NotImplemented) : new_array(value, type);
    Py_DECREF(value);
    return out;
}

PyMethodDef numax_engine_methods[] = {
    FAST(set_array, set_array_doc),
    FAST(set_engine, set_engine_doc),
    {"set_quiet", set_quiet, METH_O, set_quiet_doc},
    FAST(set_dispatcher, set_dispatcher_doc),
    FAST(set_stage, set_stage_doc),
    FAST(set_linear, set_linear_doc),
    FAST(set_jvp, set_jvp_doc),
    FAST(call, call_doc),
    FAST(matmul, matmul_doc),
    FAST(unary, unary_doc),
    FAST(binary, binary_doc),
    {"end", end, METH_O, end_doc},
    {NULL, NULL, 0, NULL},
};

int numax_start_engine(void) {
    static const struct {
        PyObject **where;
        const char *name;
    } names[] = {{&consume, "consume_with_handlers"}, {&str_dtype, "dtype"}, {&str_weak, "weak"}, {&str_aval, "aval"},
                 {&str_fetch, "numpy_"}, {&str_trace, "_trace"}, {&str_level, "level"}, {&str_run, "run"}, {&str_process, "process"},
                 {&str_tangent, "tangent"}, {&str_physical, "physical"}, {&str_atom, "atom"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!(*names[i].where = PyUnicode_InternFromString(names[i].name))) return 0;
    return (avals = PyDict_New()) && (zeros = PyDict_New());
}
