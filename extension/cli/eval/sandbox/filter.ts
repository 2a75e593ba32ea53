// What a jailed program may not ask of the kernel, as a seccomp filter (https://docs.kernel.org/userspace-api/seccomp_filter.html):
// memory that no limit counts (System V shared memory, memfd), new namespaces, in which it would have rights again, mounts, keys,
// other processes' memory, sockets that no network namespace holds (vsock reaches the host of a virtual machine), and interfaces that
// no test needs. Refused calls fail with EPERM; other machines' calls end the program.

/** Numbers of system calls: x86-64's and 64-bit Arm's. */
const refused: Record<string, readonly [x64: number, arm64: number]> = {
  shmget: [29, 194], semget: [64, 190], msgget: [68, 186], mq_open: [240, 180], memfd_create: [319, 279], memfd_secret: [447, 447],
  unshare: [272, 97], setns: [308, 268], mount: [165, 40], umount2: [166, 39], pivot_root: [155, 41], chroot: [161, 51],
  open_tree: [428, 428], move_mount: [429, 429], fsopen: [430, 430], fsmount: [432, 432], fspick: [433, 433], mount_setattr: [442, 442],
  add_key: [248, 217], request_key: [249, 218], keyctl: [250, 219], ptrace: [101, 117], process_vm_readv: [310, 270],
  process_vm_writev: [311, 271], userfaultfd: [323, 282], bpf: [321, 280], perf_event_open: [298, 241], io_uring_setup: [425, 425],
};

const column = (index: 0 | 1): string => Object.values(refused).map((numbers) => numbers[index]).join(", ");

/**
 * A Python program that sets the filter and becomes Python again with its own arguments. `clone` is refused with the flag of a new
 * user namespace, and `clone3`, whose flags a filter cannot see, is said not to be there, so that libraries use `clone`. Sockets are of
 * the families up to netlink's (16): local, internet, and what lists the network's interfaces.
 */
export const launcher = `
import ctypes, os, struct, sys

ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026
machines = {"x86_64": (0xC000003E, 56, 41, [${column(0)}]), "aarch64": (0xC00000B7, 220, 198, [${column(1)}])}
machine = os.uname().machine
if machine not in machines:
    sys.exit(f"no filter of system calls for {machine}")
architecture, clone, socket, refused = machines[machine]
load = lambda at: (0x20, 0, 0, at)
equal = lambda value, yes, no: (0x15, yes, no, value)
give = lambda value: (0x06, 0, 0, value)
program = [load(4), equal(architecture, 1, 0), give(KILL), load(0), (0x35, 0, 1, 0x40000000), give(KILL)]
for number in refused:
    program += [equal(number, 0, 1), give(EPERM)]
program += [equal(435, 0, 1), give(ENOSYS), equal(socket, 0, 4), load(16), (0x25, 0, 1, 16), give(EPERM), give(ALLOW)]
program += [equal(clone, 0, 3), load(16), (0x45, 0, 1, 0x10000000), give(EPERM), give(ALLOW)]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))

class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

libc = ctypes.CDLL(None, use_errno=True)
given = Program(len(program), ctypes.addressof(code))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(given), 0, 0):
    sys.exit(f"no filter of system calls: {os.strerror(ctypes.get_errno())}")
os.execv(sys.executable, [sys.executable, "-I", "-S", "-B", *sys.argv[1:]])
`;
