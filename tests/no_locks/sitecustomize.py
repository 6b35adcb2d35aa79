"""Put on PYTHONPATH by tests: a file system without locks, such as Lustre mounted without flock."""

import errno
import fcntl


def refuse(*_):
    """As the system call answers there."""
    raise OSError(errno.ENOSYS, "Function not implemented")


fcntl.flock = fcntl.lockf = refuse
