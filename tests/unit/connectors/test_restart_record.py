"""Laws of the record of processes that end and are started again."""

from pathlib import Path

from connectors.operations.restart_record import loops, note


def test_three_ends_within_five_minutes_are_a_loop(tmp_path: Path) -> None:
    """Two are not, nor is one process's loop another's; it is over a minute after the last end."""
    for when in (0.0, 45.0):
        note(tmp_path, "worker-release-0", 1, when)
    assert loops(tmp_path, 46.0) == ()
    note(tmp_path, "worker-dedupe-0", -9, 46.0)
    note(tmp_path, "worker-release-0", 1, 90.0)
    (loop,) = loops(tmp_path, 91.0)
    assert (loop.name, loop.times, loop.status) == ("worker-release-0", 3, 1)
    assert "logs/worker-release-0.log" in str(loop)
    assert loops(tmp_path, 151.0) == ()


def test_ends_of_long_ago_do_not_count(tmp_path: Path) -> None:
    """One end a day is no loop, however many days there were; nor does the record grow."""
    for day in range(50):
        note(tmp_path, "worker-release-0", 1, day * 86_400.0)
    assert loops(tmp_path, 49 * 86_400.0 + 1) == ()
    assert len((tmp_path / "restarts.json").read_text(encoding="ascii")) < 200


def test_a_folder_without_a_record_has_no_loop(tmp_path: Path) -> None:
    """Nor does one whose record was cut short, or whose disk refuses it."""
    assert loops(tmp_path / "nowhere", 0.0) == ()
    (tmp_path / "restarts.json").write_text('{"worker', encoding="ascii")
    assert loops(tmp_path, 0.0) == ()
    note(tmp_path / "nowhere", "worker-release-0", 1, 0.0)
