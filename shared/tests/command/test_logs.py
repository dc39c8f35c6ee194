"""Reading logs while they are written."""

from pathlib import Path

from hotspot.command.logs import LogTail, show


def test_the_last_lines_come_first_and_then_what_is_new(tmp_path: Path) -> None:
    file = tmp_path / "payment-web.log"
    file.write_text("one\ntwo\nthree\n")
    tail = LogTail(file)

    assert tail.last(2) == ["two", "three"]
    with file.open("a") as log:
        log.write("four\nfi")
    assert tail.new() == ["four"]
    with file.open("a") as log:
        log.write("ve\n")
    assert tail.new() == ["five"]
    assert tail.new() == []


def test_a_rotated_log_is_followed(tmp_path: Path) -> None:
    file = tmp_path / "payment-web.log"
    file.write_text("old\n")
    tail = LogTail(file)
    tail.last(1)

    file.rename(tmp_path / "payment-web.log.1")
    file.write_text("a new file, and a longer one\n")

    assert tail.new() == ["a new file, and a longer one"]


def test_a_log_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    tail = LogTail(tmp_path / "later.log")

    assert tail.last(5) == []
    assert tail.new() == []


def test_several_logs_have_their_names_before_each_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("first\n")
    (tmp_path / "long.log").write_text("second\n")
    written: list[str] = []

    show([tmp_path / "a.log", tmp_path / "long.log"], lines=5, follow=False, write=written.append)

    assert written == ["a    | first", "long | second"]


def test_one_log_is_shown_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("first\n")
    written: list[str] = []

    show([tmp_path / "a.log"], lines=5, follow=False, write=written.append)

    assert written == ["first"]
