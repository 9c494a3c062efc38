"""`amana redact` with lines that nobody would write by hand: each is answered or refused, and none is let through."""

import io
import json
import subprocess
import sys
from pathlib import Path

from connectors.offline import json_lines

AMANA = [str(Path(sys.executable).with_name("amana")), "redact"]

ANSWERED = (
    b'\xef\xbb\xbf{"id":1,"text":"after a byte order mark: lea@example.org"}\r\n',
    b'{"id":2,"text":"nul \\u0000 and line ends \\u2028 \\u0085 lea@example.org"}\r\n',
    b'{"id":"three","text":"lea@example.org \\ud83d\\ude00","lang":"zz","more":[]}\n',
    b'{"id":4,"text":"Lea-Rose is 22","known":{"a":"Lea","b":null,"c":"","d":22}}\n',
    b'{"id":5,"text":""}\n',
)
REFUSED = (
    b'{"id":6,"text":"raw \x00 lea@example.org"}\n',
    b'{"id":7,"text":"half a pair \\ud800 lea@example.org"}\n',
    b'{"id":"\\udfff","text":"lea@example.org"}\n',
    b'{"id":9,"text":"lea@example.org","known":{"\\ud800":"x"}}\n',
    b'{"id":10,"text":"lea@example.org \xff\xfe"}\n',
    b'{"id":true,"text":"lea@example.org"}\n',
    b'{"id":' + b"9" * 5000 + b',"text":"lea@example.org"}\n',
    b'{"id":12,"text":"lea@example.org","text":""}\n',
    b'{"id":13}\n', b"[]\n", b"lea@example.org\n", b"[" * 100_000 + b"\n",
    json.dumps({"id": 16, "text": "lea@example.org " * 10_000}).encode() + b"\n",
    b'{"id":17,"text":"lea@example.org' + b"x" * (9 << 20) + b'"}\n',
)  # fmt: skip


def _run(content: bytes, *options: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*AMANA, *options], input=content, capture_output=True, check=False, env={"LC_ALL": "C"})


def test_every_line_is_answered_or_refused_and_no_refused_text_is_written() -> None:
    mixed = [*ANSWERED[:2], b"\r\n", *REFUSED, b"   \n", *ANSWERED[2:]]
    done = _run(b"".join(mixed)[:-1])
    said = done.stdout.decode()
    answers = {answer["id"]: answer["text"] for answer in map(json.loads, said.splitlines())}
    assert list(answers) == [1, 2, "three", 4, 5]
    assert answers["three"] == "[EMAIL_ADDRESS_1] 😀"
    assert answers[4].startswith("[PERSON_1]")
    assert "22" not in answers[4]
    assert "lea" not in said + done.stderr.decode()
    assert [line.split(": ")[1] for line in done.stderr.decode().splitlines()] == ["CON-043"] * 12 + ["CON-040"] * 2
    assert done.returncode == 1


def test_a_program_is_answered_before_it_sends_the_next_line() -> None:
    with subprocess.Popen(AMANA, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as talk:
        assert talk.stdin is not None
        assert talk.stdout is not None
        for number in range(3):
            talk.stdin.write(json.dumps({"id": number, "text": "lea@example.org"}).encode() + b"\n")
            talk.stdin.flush()
            assert json.loads(talk.stdout.readline())["id"] == number
        talk.stdin.close()
        assert talk.wait(30) == 0


def test_a_threshold_keeps_the_surest_findings_of_every_type() -> None:
    line = json.dumps({"id": 1, "text": "on 12 March 2024 lea@example.org"}).encode()
    answer = json.loads(_run(line, "--threshold", "0.95").stdout)
    assert [kind for *_, kind, _ in answer["spans"]] == ["EMAIL_ADDRESS"]
    assert answer["text"] == "on 12 March 2024 [EMAIL_ADDRESS_1]"


def test_a_receipt_counts_types_names_the_policy_and_holds_no_text(tmp_path: Path) -> None:
    receipts = tmp_path / "receipts.jsonl"
    _run(json.dumps({"id": 1, "text": "lea@example.org, rola@example.org"}).encode(), "--receipts", str(receipts))
    said = json.loads(receipts.read_text())
    assert (said["id"], said["types"], said["rules"]) == (1, {"EMAIL_ADDRESS": 2}, {"text.mask": 1})
    assert len(said["origin"]["policy"]) == 64
    assert "example" not in receipts.read_text()


def test_what_was_configured_wrongly_ends_with_two() -> None:
    assert _run(b"", "/nowhere/at/all").returncode == 2
    assert _run(b"", "--policy", "/nowhere/at/all").returncode == 2
    assert _run(b"", "--threshold", "2").returncode == 2
    assert _run(b"").returncode == 0


def test_lines_of_every_length_around_the_bound_keep_their_numbers() -> None:
    for length in range(60, 70):
        lines = [b"x" * length + b"\n", b"\n", b"second\n", b"y" * length]
        found = list(json_lines.numbered(io.BytesIO(b"".join(lines)), 64))
        assert [number for number, _ in found] == [1, 3, 4]
        assert found[1][1] == b"second\n"
        assert all(content is None or content in lines for _, content in found)
        assert (found[0][1] is None) == (length >= 64)
