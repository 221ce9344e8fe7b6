"""Code that ends its process, breaks the interpreter, or returns values that cannot be stored."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

KILLERS = {
    "Exits": ("import os\nos._exit(3)", "PYTHON exited with code 3 (0x3)"),
    "SysExit": ("import sys\nsys.exit('bye')", "PYTHON exited with code 1 (0x1)"),
    "Interrupt": ("raise KeyboardInterrupt", "PYTHON exited with code 130 (0x82)"),
    "Segfaults": ("import ctypes\nctypes.string_at(0)", "PYTHON exited with code 139 (0x8B)"),
    "Killed": ("import os\nos.kill(os.getpid(), 9)", "PYTHON exited with code 137 (0x89)"),
    "Aborts": ("import os\nos.abort()", "PYTHON exited with code 134 (0x86)"),
}
"""Function bodies that end their process, each with the reason that the host logs."""
CLOSES = "import os, time\nos.closerange(3, 512)\ntime.sleep(30)"
"""A function body that closes the connection of its process to the host."""

COMPLETE: dict[str, tuple[str, Any]] = {
    "Leaves": ("import os\nos.chdir('/')\nreturn 1", 1),
    "Daemon": (
        "import threading, time\n"
        "def forever():\n    while True: time.sleep(1)\n"
        "for _ in range(20): threading.Thread(target=forever).start()\nreturn 1",
        1,
    ),
    "Huge": ("return 'x' * 20_000_000", "x" * 20_000_000),
    "Surrogate": (r"return 'a\ud800b'", "a\ud800b"),
    "Nul": (r"return {'a\0b': 'c\0d'}", {"a\0b": "c\0d"}),
    "ClosedStreams": ("import sys\nsys.stdout.close()\nsys.stderr.close()\nreturn 1", 1),
    "NoStdout": ("import sys\nsys.stdout = None\nreturn 1", 1),
    "Environment": ("import os\nos.environ.clear()\nreturn 1", 1),
    "NoExit": ("import os\nos._exit = None\nreturn 1", 1),
}
POSIX_COMPLETE: dict[str, tuple[str, Any]] = {
    "Forks": (
        "import os\nchild = os.fork()\nif child == 0: return 'child'\n"
        "os.waitpid(child, 0)\nreturn 'parent'",
        "parent",
    ),
    "ForkRaises": (
        "import os\nchild = os.fork()\nif child == 0: raise ValueError\n"
        "os.waitpid(child, 0)\nreturn 'parent'",
        "parent",
    ),
    "Multiprocessing": (
        "import multiprocessing, os\n"
        "process = multiprocessing.get_context('fork').Process(target=os.getpid)\n"
        "process.start()\nprocess.join()\nreturn process.exitcode",
        0,
    ),
}
FAIL = {
    "Recursion": ("def f(): return f()\nreturn f()", "RecursionError"),
    "SurrogateError": (r"raise ValueError('a\ud800b')", r"a\ud800b"),
    "NoText": (
        "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad",
        "Bad: its message cannot be read (ValueError)",
    ),
    "Generator": ("return (n for n in range(3))", "cannot be converted to JSON"),
    "Stop": ("raise StopIteration('x')", "StopIteration"),
    "HugeError": ("raise ValueError('x' * 10_000_000)", "xxx"),
}
POSIX_FAIL = {
    "Memory": (
        "import resource\n"
        "before = resource.getrlimit(resource.RLIMIT_AS)\n"
        "size = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (size + 50_000_000, before[1]))\n"
        "try: return len(bytearray(1_000_000_000))\n"
        "finally: resource.setrlimit(resource.RLIMIT_AS, before)",
        "MemoryError",
    ),
}

if os.name != "nt":
    COMPLETE |= POSIX_COMPLETE
    FAIL |= POSIX_FAIL if Path("/proc/self/statm").exists() else {}

PATCHES = {
    "json": "import json\njson.dumps = json.loads = None",
    "time": "import time\ntime.time = time.monotonic = time.perf_counter = lambda: 0",
    "asyncio": (
        "import asyncio\nasyncio.get_running_loop = asyncio.get_event_loop = asyncio.sleep = None"
    ),
    "socket": "import socket\nsocket.socket = socket.create_connection = None",
    "threading": "import threading\nthreading.Thread = threading.Lock = None",
}
