"""How much a thing holds on to, whatever it is made of."""

import gc
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

SHARED = (type, ModuleType, BuiltinFunctionType)  # the program itself, which no show adds to


def held_by(*things: object) -> int:
    """Count the objects that are reached from some things, through their attributes, containers
    and closures."""
    seen: dict[int, object] = {}
    waiting = [*things]
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, SHARED):
            continue
        seen[id(thing)] = thing
        if isinstance(thing, FunctionType):
            waiting += [*(thing.__closure__ or ()), thing.__defaults__, thing.__kwdefaults__]
        elif isinstance(thing, MethodType):
            waiting += [thing.__self__, thing.__func__]
        else:
            waiting += gc.get_referents(thing)
    return len(seen)
