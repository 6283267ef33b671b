"""The system calls that a worker is left, by name, each with its number on x86_64 and on aarch64 (None: not there).

Numbers are the kernel's, from asm/unistd_64.h and asm-generic/unistd.h of Linux 6.16. What is not listed is refused.
"""

Numbers = dict[str, tuple[int | None, int | None]]

ALLOWED: Numbers = {
    # memory, locks, threads, time
    "futex": (202, 98), "sched_yield": (24, 124), "read": (0, 63), "write": (1, 64), "mmap": (9, 222),
    "munmap": (11, 215), "madvise": (28, 233), "mprotect": (10, 226), "brk": (12, 214), "mremap": (25, 216),
    "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169),
    "time": (201, None), "membarrier": (324, 283), "futex_waitv": (449, 449), "futex_wake": (454, 454),
    "futex_wait": (455, 455), "futex_requeue": (456, 456), "set_robust_list": (273, 99), "set_tid_address": (218, 96),
    "rseq": (334, 293), "gettid": (186, 178), "getpid": (39, 172), "getppid": (110, 173), "exit": (60, 93),
    "exit_group": (231, 94), "restart_syscall": (219, 128), "getcpu": (309, 168), "mlock": (149, 228),
    "mlock2": (325, 284), "munlock": (150, 229), "msync": (26, 227), "mseal": (462, 462),
    "map_shadow_stack": (453, 453), "arch_prctl": (158, None),
    # files that are open, and looking at others
    "close": (3, 57), "close_range": (436, 436), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "preadv": (295, 69), "preadv2": (327, 286), "pwrite64": (18, 68), "lseek": (8, 62), "fstat": (5, 80),
    "stat": (4, None), "lstat": (6, None), "newfstatat": (262, 79), "statx": (332, 291), "statfs": (137, 43),
    "fstatfs": (138, 44), "access": (21, None), "faccessat": (269, 48), "faccessat2": (439, 439),
    "readlink": (89, None), "readlinkat": (267, 78), "getcwd": (79, 17), "getdents": (78, None),
    "getdents64": (217, 61), "fadvise64": (221, 223), "dup": (32, 23), "dup2": (33, None), "dup3": (292, 24),
    # waiting, and signals within the process
    "poll": (7, None), "ppoll": (271, 73), "select": (23, None), "pselect6": (270, 72), "pause": (34, None),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigpending": (127, 136),
    "rt_sigsuspend": (130, 133), "rt_sigtimedwait": (128, 137), "sigaltstack": (131, 132),
    # what the process and the machine are
    "sched_getaffinity": (204, 123), "sched_getscheduler": (145, 120), "sched_getparam": (143, 121),
    "sched_getattr": (315, 275), "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126),
    "getpriority": (140, 141), "getuid": (102, 174), "geteuid": (107, 175), "getgid": (104, 176),
    "getegid": (108, 177), "getresuid": (118, 148), "getresgid": (120, 150), "getgroups": (115, 158),
    "getpgrp": (111, None), "getrandom": (318, 278), "uname": (63, 160), "sysinfo": (99, 179),
    "clock_getres": (229, 114), "getrusage": (98, 165), "times": (100, 153), "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    # giving up more
    "landlock_create_ruleset": (444, 444), "landlock_add_rule": (445, 445), "landlock_restrict_self": (446, 446),
}  # fmt: skip
"""What computing takes, on whatever the arguments are. The commonest come first: a filter is read in this order."""

BY_ARGUMENT: Numbers = {
    "clone": (56, 220), "kill": (62, 129), "tgkill": (234, 131), "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122), "fcntl": (72, 25), "ioctl": (16, 29), "prctl": (157, 167), "open": (2, None),
    "openat": (257, 56),
}  # fmt: skip
"""Allowed with some arguments only: `seccomp` says which."""

ABSENT: Numbers = {
    "clone3": (435, 435), "openat2": (437, 437),
}  # fmt: skip
"""Said not to exist, so that the C library falls back to a call whose arguments a filter can see."""

FOR_A_GPU: Numbers = {
    "epoll_create": (213, None), "epoll_create1": (291, 20), "epoll_ctl": (233, 21), "epoll_wait": (232, None),
    "epoll_pwait": (281, 22), "epoll_pwait2": (441, 441), "eventfd2": (290, 19), "pipe": (22, None),
    "pipe2": (293, 59), "get_mempolicy": (239, 236), "set_mempolicy": (238, 237), "mbind": (237, 235),
}  # fmt: skip
"""What drivers of GPUs take besides."""

FOR_A_DRIVERS_FOLDER: Numbers = {
    "mkdir": (83, None), "mkdirat": (258, 34), "rename": (82, None), "renameat": (264, 38), "renameat2": (316, 276),
    "unlink": (87, None), "unlinkat": (263, 35), "rmdir": (84, None), "flock": (73, 32), "ftruncate": (77, 46),
    "fallocate": (285, 47), "fsync": (74, 82), "fdatasync": (75, 83),
}  # fmt: skip
"""What they take to keep compiled programs in a folder of their own."""

NEWEST = 471
"""The highest number in use, on both: a higher one is a call that this list does not know."""
