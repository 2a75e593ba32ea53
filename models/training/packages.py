"""The packages that are not in Python's standard library: `from packages import torch` is `import torch`, but where it is missing the script
ends with a line, `script: what is missing; what to do`, and exit code 2."""
import importlib
import os
import sys

KNOWN = {"torch": ("torch", "PyTorch"), "np": ("numpy", "NumPy"), "regex": ("regex", "The package regex")}


def __getattr__(name):
    if name not in KNOWN:
        raise AttributeError(name)
    module, title = KNOWN[name]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module:                   # it is there, and lacks something itself
            raise
        missing(module, title)


def missing(module, title):
    print(f"{os.path.basename(sys.argv[0])}: {title} is not installed; install it, as by: pip install {module}", file=sys.stderr)
    sys.exit(2)
