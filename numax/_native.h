/* What the sources of the native extension share. */
#ifndef NUMAX_NATIVE_H
#define NUMAX_NATIVE_H
#define PY_SSIZE_T_CLEAN
#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL numax_array_api
#define PY_UFUNC_UNIQUE_SYMBOL numax_ufunc_api
#include <Python.h>
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#define FAST(name, doc) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL, doc}

extern PyMethodDef numax_engine_methods[];
int numax_start_engine(void);
PyObject *numax_product(PyArrayObject *x, PyArrayObject *y);

#endif
