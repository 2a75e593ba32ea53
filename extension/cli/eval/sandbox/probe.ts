// A program that tries what a jail must prevent, run once in each jail before it is trusted. Prints OK or the first failing.
import type { Limits } from "./limits";

export const PROBE_OK = "octet-probe-ok";

export function probeProgram({ memoryBytes, processes, fileBytes }: Limits): string {
  return `
import ctypes, os, signal, socket, sys

def fails(action):
    try:
        action()
    except (OSError, MemoryError):
        return True
    return False

def write(path, size):
    with open(path, "wb") as file:
        file.write(bytes(1))
        file.truncate(size)

def crowd():
    children = []
    try:
        for _ in range(${processes} + 1):
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    finally:
        for child in children:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

libc = ctypes.CDLL(None)
NEW_USER = 0x10000000
PRIVATE, SIZE, CREATE = 0, 4096, 0o1600
VSOCK = 40

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
checks = [
    ("the network is not cut off", [name for _, name in socket.if_nameindex() if name != "lo"] == []),
    ("a virtual machine's host can be reached", fails(lambda: socket.socket(VSOCK, socket.SOCK_STREAM))),
    ("memory is not limited", fails(lambda: bytearray(${memoryBytes}))),
    ("processes are not limited", fails(crowd)),
    ("file size is not limited", fails(lambda: write("large", ${fileBytes} + 1))),
    ("the system can be written to", fails(lambda: write("/octet-probe", 1)) and fails(lambda: write("/usr/octet-probe", 1))),
    ("its own folder cannot be written to", not fails(lambda: write("small", 1))),
    ("namespaces can be made", libc.unshare(NEW_USER) == -1),
    ("shared memory is not limited", libc.shmget(PRIVATE, SIZE, CREATE) == -1),
    ("home folders can be seen", not os.path.exists("/home")),
]
print(next((reason for reason, good in checks if not good), "${PROBE_OK}"))
`;
}
