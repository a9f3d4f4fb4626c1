"""Builds tests/vectors/agreement.json: what both implementations of the settlement rules are asked, and what they answer.

`python -m tests.settlement.agreement` writes the file anew. `questions` is DAG-CBOR, deflated, in base64: a list of maps as
`questions.py` reads them; `answers` are in their order.
"""

import base64
import json
import random
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alliance.identity import Digest
from alliance.settlement import correct, settle
from oracle import cbor, statement_document
from oracle.settlement_tree import settlement_tree
from tests.settlement import worked_example
from tests.settlement.questions import Answer, Question, answer, day_question
from tests.settlement.random_documents import certificates, documents, mutant, statements
from tests.settlement.random_facts import random_seen

FILE = Path(__file__).parents[1] / "vectors" / "agreement.json"
DAYS = 216
BOUNDARIES = (3, 4, 6, 6, 9, 12, 12, 12, 24, 97)
INT64 = 2**63 - 1


def build() -> dict[str, Any]:
    """The whole file."""
    questions = [*example(), *days(range(DAYS)), *papers(range(8)), *plans(range(9)), *sums(random.Random(3), 60)]
    return {"v": 1, "questions": packed(questions), "answers": [answer(question) for question in questions]}


def text(held: dict[str, Any]) -> str:
    """The file's bytes as text, an answer a line."""
    answers = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in held["answers"])
    return f'{{"v": 1,\n"questions": "{held["questions"]}",\n"answers": [\n{answers}\n]}}\n'


def read() -> tuple[list[Question], list[Answer]]:
    """The questions and answers of the file."""
    held = json.loads(FILE.read_text(encoding="utf-8"))
    questions = cbor.decode(zlib.decompress(base64.b64decode(held["questions"])))
    assert isinstance(questions, list)
    return questions, held["answers"]


def packed(questions: list[Question]) -> str:
    """The questions in base64."""
    return base64.b64encode(zlib.compress(cbor.encode(questions), level=9)).decode()


def example() -> Iterator[Question]:
    """The statement of the worked example, and its correction (protocol 8.12)."""
    first, second = (settle(worked_example.inputs(complete=complete)) for complete in (False, True))
    root = Digest(settlement_tree(first).root)
    for statement in (first, correct(first, second, previous_root=root)):
        yield {"ask": "statement", "document": statement_document.to_plain(statement)}


def days(seeds: range) -> Iterator[Question]:
    """Random days, most of them small; every eighth is compared by its tree."""
    for seed in seeds:
        rng = random.Random(seed)
        yield day_question(random_seen(rng, boundaries=rng.choice(BOUNDARIES)), tree=seed % 8 == 0)


def papers(seeds: range) -> Iterator[Question]:
    """Schedules, rule packs, groupings and statements, each with a few mutants."""
    for seed in seeds:
        rng = random.Random(seed)
        for question in (*documents(rng), *statements(rng)):
            yield question
            yield from (mutant(question, rng) for _ in range(3))


def plans(seeds: range) -> Iterator[Question]:
    """Certified plans, each with its mutants."""
    rng = random.Random(seeds.start)
    for question in certificates(seeds):
        yield question
        yield from (mutant(question, rng) for _ in range(12))


def sums(rng: random.Random, count: int) -> Iterator[Question]:
    """Products and splits, of all sizes and signs."""
    for _ in range(count):
        a, b = (rng.randrange(-INT64, INT64) >> rng.randrange(64) for _ in range(2))
        yield {"ask": "mulDiv", "a": a, "b": b, "c": rng.choice((1, 2, 10**6, rng.randrange(INT64), 0, -1))}
        weights = [[key, rng.choice((0, 1, rng.randrange(10**9)))] for key in sorted(rng.sample(range(50), 5))]
        yield {"ask": "split", "total": rng.randrange(-(10**6), 10**6), "weights": weights[: rng.randrange(6)]}


if __name__ == "__main__":
    FILE.write_text(text(build()), encoding="utf-8")
