"""The special cases of the array API standard, as data: one line a function, one entry a rule.

`arguments:result`. Letters stand for several numbers (GROUPS); `~` before a result leaves its sign open, `x` and `y` are
the arguments themselves. Complex numbers are written as two parts; `cis` is the number on the unit circle at the angle of
the second part.
"""

import itertools
import math

GROUPS = {
    "Z": ["0", "-0"],
    "I": ["inf", "-inf"],
    "P": ["0.5", "1", "2", "3.5"],  # positive finite
    "N": ["-0.5", "-1", "-2", "-3.5"],
    "F": ["0.5", "-0.5", "1", "-2", "3"],  # finite, not zero
    "G": ["0", "-0", "0.5", "-0.5", "1", "-2"],  # finite
    "Q": ["0", "0.5", "2"],  # finite, of positive sign
    "A": ["0", "-0", "1", "-2", "inf", "-inf"],  # not nan
    "L": ["1.5", "-1.5", "4", "-4"],  # |x| > 1
    "S": ["0.5", "-0.5", "0", "-0"],  # |x| < 1
    "O": ["1", "3", "5"],  # odd
    "E": ["2", "0.5", "4", "2.5"],  # positive, no odd integer
    "o": ["-1", "-3"],
    "e": ["-2", "-0.5", "-2.5"],
    "R": ["0.5", "-0.5", "1.5", "-2.5"],  # no integer
}
_NAMED = {
    **{f"{s}{k}pi/{d}": (-1.0 if s else 1.0) * (int(k or 1)) * math.pi / d for s in ("", "-") for k in ("", "3") for d in (2, 4)},
    "pi": math.pi,
    "-pi": -math.pi,
}  # fmt: skip

REAL = """
abs         nan:nan Z:0 I:inf N:-x
acos        nan:nan 1:0 1.5:nan -1.5:nan I:nan
acosh       nan:nan 0.5:nan -2:nan 1:0 inf:inf -inf:nan
asin        nan:nan 1.5:nan -1.5:nan I:nan Z:x
asinh       nan:nan Z:x I:x
atan        nan:nan Z:x inf:pi/2 -inf:-pi/2
atanh       nan:nan 1.5:nan -1.5:nan 1:inf -1:-inf Z:x I:nan
ceil        nan:nan Z:x I:x 2:2 -0.5:-0 1.5:2 -1.5:-1
cos         nan:nan Z:1 I:nan
cosh        nan:nan Z:1 I:inf
exp         nan:nan Z:1 inf:inf -inf:0
expm1       nan:nan Z:x inf:inf -inf:-1
floor       nan:nan Z:x I:x 2:2 -0.5:-1 0.5:0 -1.5:-2
isfinite    nan:False I:False Z:True F:True
isinf       nan:False I:True Z:False F:False
isnan       nan:True I:False Z:False F:False
log         nan:nan N:nan -inf:nan Z:-inf 1:0 inf:inf
log1p       nan:nan -2:nan -inf:nan -1:-inf Z:x inf:inf
log2        nan:nan N:nan -inf:nan Z:-inf 1:0 inf:inf
log10       nan:nan N:nan -inf:nan Z:-inf 1:0 inf:inf
negative    nan:nan 0:-0 -0:0 inf:-inf -inf:inf F:-x
positive    nan:nan Z:x I:x
reciprocal  nan:nan 0:inf -0:-inf inf:0 -inf:-0
round       nan:nan Z:x I:x 0.5:0 -0.5:-0 1.5:2 2.5:2 -2.5:-2 2:2
sign        nan:nan P:1 N:-1 Z:0 inf:1 -inf:-1
signbit     0:False -0:True P:False N:True inf:False -inf:True
sin         nan:nan Z:x I:nan
sinh        nan:nan Z:x I:x
sqrt        nan:nan N:nan -inf:nan Z:x inf:inf
square      nan:nan Z:0 I:inf
tan         nan:nan Z:x I:nan
tanh        nan:nan Z:x inf:1 -inf:-1
trunc       nan:nan Z:x I:x 2:2 -0.5:-0 0.5:0 1.5:1 -1.5:-1
"""

BINARY = """
add          nan,A:nan A,nan:nan inf,-inf:nan -inf,inf:nan inf,inf:inf -inf,-inf:-inf inf,G:inf -inf,G:-inf G,inf:inf \
             G,-inf:-inf -0,-0:-0 -0,0:0 0,-0:0 0,0:0 Z,F:y F,Z:x 2,-2:0
atan2        nan,A:nan A,nan:nan P,Z:pi/2 0,P:0 0,0:0 0,-0:pi 0,N:pi -0,P:-0 -0,0:-0 -0,-0:-pi -0,N:-pi N,Z:-pi/2 \
             P,inf:0 P,-inf:pi N,inf:-0 N,-inf:-pi inf,G:pi/2 -inf,G:-pi/2 inf,inf:pi/4 inf,-inf:3pi/4 -inf,inf:-pi/4 \
             -inf,-inf:-3pi/4
copysign     P,P:x P,N:-x N,P:-x N,N:x P,-0:-x N,0:-x inf,-0:-inf -inf,0:inf 0,-1:-0 -0,1:0 nan,1:nan nan,-1:nan
divide       nan,A:nan A,nan:nan I,I:nan Z,Z:nan 0,P:0 -0,P:-0 0,N:-0 -0,N:0 P,0:inf P,-0:-inf N,0:-inf N,-0:inf \
             inf,P:inf inf,N:-inf -inf,P:-inf -inf,N:inf P,inf:0 P,-inf:-0 N,inf:-0 N,-inf:0 inf,0:inf inf,-0:-inf \
             -inf,0:-inf -inf,-0:inf 0,inf:0 -0,inf:-0
equal        nan,A:False A,nan:False nan,nan:False inf,inf:True -inf,-inf:True inf,-inf:False Z,Z:True I,G:False
floor_divide nan,A:nan A,nan:nan I,I:nan Z,Z:nan 0,P:0 -0,P:-0 0,N:-0 -0,N:0 P,0:inf P,-0:-inf N,0:-inf N,-0:inf \
             P,inf:0 P,-inf:-1 N,inf:-1 N,-inf:0 I,F:nan 3.5,2:1 -3.5,2:-2 3.5,-2:-2 -3.5,-2:1 2,2:1 -0.5,2:-1 1,-2:-1
greater      nan,A:False A,nan:False inf,G:True G,inf:False Z,Z:False G,-inf:True -inf,G:False
hypot        I,A:inf A,I:inf I,nan:inf nan,I:inf nan,G:nan G,nan:nan nan,nan:nan Z,Z:0 Z,P:y P,Z:x Z,N:-y N,Z:-x
less_equal   nan,A:False A,nan:False G,inf:True -inf,G:True Z,Z:True inf,inf:True inf,G:False
logaddexp    nan,A:nan A,nan:nan inf,A:inf A,inf:inf -inf,-inf:-inf -inf,F:y F,-inf:x
maximum      nan,A:nan A,nan:nan nan,nan:nan inf,A:inf A,-inf:x -inf,A:y
minimum      nan,A:nan A,nan:nan nan,nan:nan -inf,A:-inf A,inf:x inf,A:y
multiply     nan,A:nan A,nan:nan I,Z:nan Z,I:nan inf,inf:inf inf,-inf:-inf -inf,-inf:inf inf,P:inf inf,N:-inf -inf,P:-inf \
             P,-inf:-inf N,-inf:inf -0,P:-0 -0,N:0 0,N:-0 0,P:0
nextafter    nan,A:nan A,nan:nan inf,inf:inf 1,1:1 0,-0:-0 -0,0:0
not_equal    nan,A:True A,nan:True nan,nan:True inf,inf:False Z,Z:False
pow          A,Z:1 nan,Z:1 nan,F:nan nan,I:nan 0,nan:nan -1,nan:nan inf,nan:nan 1,nan:1 1,I:1 -1,I:1 L,inf:inf L,-inf:0 \
             S,inf:0 S,-inf:inf I,inf:inf I,-inf:0 inf,P:inf inf,N:0 -inf,O:-inf -inf,E:inf -inf,o:-0 -inf,e:0 0,P:0 0,N:inf \
             -0,O:-0 -0,E:0 -0,o:-inf -0,e:inf N,R:?nonint
remainder    nan,A:nan A,nan:nan I,I:nan I,F:nan I,Z:nan Z,Z:nan F,Z:nan 0,P:0 -0,P:0 0,N:-0 -0,N:-0 P,inf:x P,-inf:y \
             N,inf:y N,-inf:x 2,2:0 -2,2:0 2,-2:-0 -2,-2:-0 3.5,2:1.5 -3.5,2:0.5 3.5,-2:-0.5 -3.5,-2:-1.5
subtract     nan,A:nan A,nan:nan inf,inf:nan -inf,-inf:nan inf,-inf:inf inf,G:inf G,inf:-inf -0,0:-0 -0,-0:0 0,-0:0 0,0:0 2,2:0
"""

# Each function here gives conj(f(z)) at conj(z); the test checks both. ODD are odd too, EVEN even.
COMPLEX = """
acos   Z,0:pi/2,-0 Z,nan:pi/2,nan G,inf:pi/2,-inf F,nan:nan,nan -inf,Q:pi,-inf inf,Q:0,-inf -inf,inf:3pi/4,-inf \
       inf,inf:pi/4,-inf I,nan:nan,~inf nan,G:nan,nan nan,inf:nan,-inf nan,nan:nan,nan
acosh  Z,0:0,pi/2 G,inf:inf,pi/2 0,nan:nan,~pi/2 F,nan:nan,nan -inf,Q:inf,pi inf,Q:inf,0 -inf,inf:inf,3pi/4 inf,inf:inf,pi/4 \
       I,nan:inf,nan nan,G:nan,nan nan,inf:inf,nan nan,nan:nan,nan
asinh  0,0:0,0 Q,inf:inf,pi/2 G,nan:nan,nan inf,Q:inf,0 inf,inf:inf,pi/4 inf,nan:inf,nan nan,0:nan,0 nan,F:nan,nan \
       nan,inf:~inf,nan nan,nan:nan,nan
atanh  0,0:0,0 0,nan:0,nan 1,0:inf,0 Q,inf:0,pi/2 F,nan:nan,nan inf,Q:0,pi/2 inf,inf:0,pi/2 inf,nan:0,nan nan,G:nan,nan \
       nan,inf:~0,pi/2 nan,nan:nan,nan
cosh   0,0:1,0 0,inf:nan,~0 0,nan:nan,~0 F,inf:nan,nan F,nan:nan,nan inf,0:inf,0 inf,2:cis inf,0.5:cis inf,inf:~inf,nan \
       inf,nan:inf,nan nan,0:nan,~0 nan,F:nan,nan nan,inf:nan,nan nan,nan:nan,nan
exp    Z,0:1,0 G,inf:nan,nan G,nan:nan,nan inf,0:inf,0 -inf,0:0,0 -inf,2:zero inf,2:cis inf,0.5:cis -inf,inf:~0,~0 \
       inf,inf:~inf,nan -inf,nan:~0,~0 inf,nan:~inf,nan nan,0:nan,0 nan,F:nan,nan nan,inf:nan,nan nan,nan:nan,nan
expm1  Z,0:x,0 G,inf:nan,nan G,nan:nan,nan inf,0:inf,0 -inf,0:-1,0 -inf,2:-1,0 inf,2:cis inf,0.5:cis -inf,inf:-1,~0 \
       inf,inf:~inf,nan -inf,nan:-1,~0 inf,nan:~inf,nan nan,0:nan,0 nan,F:nan,nan nan,inf:nan,nan nan,nan:nan,nan
log    -0,0:-inf,pi 0,0:-inf,0 G,inf:inf,pi/2 G,nan:nan,nan -inf,Q:inf,pi inf,Q:inf,0 -inf,inf:inf,3pi/4 inf,inf:inf,pi/4 \
       I,nan:inf,nan nan,G:nan,nan nan,inf:inf,nan nan,nan:nan,nan
log1p  -1,0:-inf,0 G,inf:inf,pi/2 G,nan:nan,nan -inf,Q:inf,pi inf,Q:inf,0 -inf,inf:inf,3pi/4 inf,inf:inf,pi/4 I,nan:inf,nan \
       nan,G:nan,nan nan,inf:inf,nan nan,nan:nan,nan
sinh   0,0:0,0 0,inf:~0,nan 0,nan:~0,nan F,inf:nan,nan F,nan:nan,nan inf,0:inf,0 inf,2:cis inf,0.5:cis inf,inf:~inf,nan \
       inf,nan:~inf,nan nan,0:nan,0 nan,F:nan,nan nan,inf:nan,nan nan,nan:nan,nan
sqrt   Z,0:0,0 A,inf:inf,inf nan,inf:inf,inf G,nan:nan,nan -inf,Q:0,inf inf,Q:inf,0 -inf,nan:nan,~inf inf,nan:inf,nan \
       nan,G:nan,nan nan,nan:nan,nan
tanh   0,0:0,0 F,inf:nan,nan F,nan:nan,nan 0,inf:0,nan 0,nan:0,nan inf,Q:1,~0 inf,inf:1,~0 inf,nan:1,~0 nan,0:nan,0 \
       nan,F:nan,nan nan,inf:nan,nan nan,nan:nan,nan
"""
ODD = ("asinh", "atanh", "sinh", "tanh")
EVEN = ("cosh",)
TURNED = {"asin": "asinh", "atan": "atanh", "sin": "sinh", "tan": "tanh"}  # f(z) = -i g(iz)


def number(text: str, *args: float) -> float:
    """A number by its name in the tables."""
    sign = -1.0 if text.startswith("-") else 1.0
    if text.lstrip("-") in ("x", "y"):
        return sign * args["xy".index(text[-1])]
    return _NAMED[text] if text in _NAMED else float(text)


def _numbers(text: str) -> list[list[float]]:
    """All tuples of arguments that a text such as 'P,-inf' stands for."""
    parts = [GROUPS.get(part, [part]) for part in text.split(",")]
    return [[number(v) for v in choice] for choice in itertools.product(*parts)]


def rows(table: str) -> dict[str, list[tuple[list[float], str]]]:
    """For each function its (arguments, result)."""
    found: dict[str, list[tuple[list[float], str]]] = {}
    for line in table.strip().splitlines():
        name, *entries = line.split()
        for entry in entries:
            given, _, result = entry.partition(":")
            for args in _numbers(given):
                if result == "?nonint":
                    if args[1] == int(args[1]):
                        continue
                    found.setdefault(name, []).append((args, "nan"))
                else:
                    found.setdefault(name, []).append((args, result))
    return found
