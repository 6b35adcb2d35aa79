"""SLURM's accounting for the throw-away cluster: a MariaDB and a slurmdbd in the cluster's folder, without a network.

slurm.conf names the munge socket as AccountingStoragePass, and slurmdbd finds the database by MYSQL_UNIX_PORT.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

INSTALL = "apt-get install -y --no-install-recommends slurmdbd mariadb-server"
PROGRAMS = ("slurmdbd", "mariadbd", "mariadb-install-db")
NONE = "AccountingStorageType=accounting_storage/none\nJobAcctGatherType=jobacct_gather/none"
WITH_ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=localhost
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge.socket
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=limits
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5"""
SLURMDBD = """AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
DbdHost=localhost
DbdPort={port}
SlurmUser={user}
PidFile={folder}/slurmdbd.pid
LogFile={folder}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser={user}
StorageLoc=slurm_accounting
"""


def lines(folder: Path, port: int) -> str:
    """What slurm.conf says of an accounting whose slurmdbd listens on a port; writes slurmdbd.conf."""
    configuration = folder / "slurmdbd.conf"
    configuration.write_text(SLURMDBD.format(folder=folder, port=port, user=_user()))
    configuration.chmod(0o600)
    return WITH_ACCOUNTING.format(folder=folder, port=port)


def start(folder: Path, launch: Callable[..., None], wait_for: Callable[..., None]) -> None:
    """Make the database and start both daemons.

    Parameters
    ----------
    folder : of the cluster.
    launch : starts a daemon: its program and arguments.
    wait_for : waits for a condition, called with its name.
    """
    # SLURM's user is the database's, who may do all through the socket; as root MariaDB must be told that it may be
    user = f"--user={_user()}"
    shutil.rmtree(folder / "database", ignore_errors=True)
    place = ["--no-defaults", user, f"--datadir={folder}/database"]
    rights = ["--auth-root-authentication-method=socket", f"--auth-root-socket-user={_user()}", "--skip-test-db"]
    made = subprocess.run(["mariadb-install-db", *place, *rights], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)  # fmt: skip
    if made.returncode:
        raise RuntimeError(f"mariadb-install-db: exit status {made.returncode}\n{made.stdout}")
    socket = folder / "mariadb.socket"
    launch("mariadbd", *place, f"--socket={socket}", "--skip-networking", f"--pid-file={folder}/mariadbd.pid")
    wait_for(socket.exists, "the database's socket")
    launch("slurmdbd", "-D")


def variables(folder: Path) -> dict[str, str]:
    """The variables by which slurmdbd finds the database."""
    return {"MYSQL_UNIX_PORT": str(folder / "mariadb.socket")}


def register(call: Callable[..., str], account: str) -> None:
    """Put this user into an account."""
    call("sacctmgr", "--immediate", "add", "account", account)
    call("sacctmgr", "--immediate", "add", "user", _user(), f"account={account}")


def limit(call: Callable[..., str], account: str, jobs: int) -> None:
    """Let SLURM take so many jobs of an account at a time; -1 lifts the limit."""
    call("sacctmgr", "--immediate", "modify", "account", f"name={account}", "set", f"GrpSubmitJobs={jobs}")


def _user() -> str:
    return pwd.getpwuid(os.getuid()).pw_name
