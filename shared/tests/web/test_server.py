"""What keeps one client from taking a web process from all others."""

import resource
import subprocess
import sys
from io import RawIOBase

import gevent
import pytest
from werkzeug.exceptions import RequestTimeout

from hotspot.web.bodies import Body
from hotspot.web.server import MANY_FILES, Crowd


class Trickle(RawIOBase):
    """A body of which the next byte never comes."""

    def readinto(self, _: object) -> int:
        gevent.sleep(60)
        return 1


def test_a_body_that_trickles_is_given_up() -> None:
    body = Body(Trickle(), 100, is_limit=False, within=0.05)  # type: ignore[arg-type]
    with pytest.raises(RequestTimeout):
        body.read()


def test_nobody_holds_all_connections() -> None:
    crowd = Crowd(2)
    with crowd.room_for("192.0.2.1") as first, crowd.room_for("192.0.2.1") as second:
        assert (first, second) == (True, True)
        with crowd.room_for("192.0.2.1") as third, crowd.room_for("192.0.2.2") as elsewhere:
            assert (third, elsewhere) == (False, True)
    with crowd.room_for("192.0.2.1") as again:
        assert again


def test_a_process_takes_as_many_files_as_it_may() -> None:
    few_but_more_if_asked = (
        "import resource; most = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, most));"
        "from hotspot.web import server; server._allow_many_files();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", few_but_more_if_asked],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = MANY_FILES if most == resource.RLIM_INFINITY else min(MANY_FILES, most)
    assert int(done.stdout) == wanted
