"""The recipe's C++ helpers, compiled once by the system's compiler into a cache folder and loaded through ctypes."""
import ctypes
import functools
import hashlib
import os
import shutil
import subprocess
import tempfile

from inputs import make_folder

HERE = os.path.dirname(os.path.abspath(__file__))


@functools.lru_cache(maxsize=None)
def library(name="minhash"):
    """The library made from NAME.cpp beside this file. Raises SystemExit with the compiler's words where it cannot be built."""
    source = os.path.join(HERE, name + ".cpp")
    with open(source, "rb") as file:
        version = hashlib.sha256(file.read()).hexdigest()[:16]
    folder = os.environ.get("OCTET_TRAINING_CACHE") or os.path.join(tempfile.gettempdir(), f"octet-training-{os.getuid()}")
    make_folder(folder)
    built = os.path.join(folder, f"{name}-{version}.so")
    if not os.path.exists(built):
        partial = f"{built}.{os.getpid()}"
        compiler = os.environ.get("CXX") or next(filter(shutil.which, ("c++", "g++", "clang++")), "c++")
        command = [compiler, "-std=c++20", "-O3", "-shared", "-fPIC", source, "-o", partial]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise SystemExit(f"{command[0]} not found: a C++20 compiler is needed") from None
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"cannot compile {source}:\n{error.stderr}") from None
        os.replace(partial, built)
    return ctypes.CDLL(built)
