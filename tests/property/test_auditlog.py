"""Laws of the transparency log's tree, with pymerkle as an independent oracle."""

import hashlib
from itertools import pairwise

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import IntegrityError
from streams.transparency import merkle_tree

entries = st.lists(st.binary(max_size=40), min_size=1, max_size=70)


def _leaves(log: list[bytes]) -> list[bytes]:
    return [merkle_tree.leaf_hash(entry) for entry in log]


def _root(log: list[bytes]) -> bytes:
    return merkle_tree.root(merkle_tree.frontier_of(_leaves(log)))


def _oracle(log: list[bytes]) -> pymerkle.InmemoryTree:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in log:
        tree.append_entry(entry)
    return tree


def test_the_empty_log_has_the_hash_of_nothing() -> None:
    assert merkle_tree.root(merkle_tree.EMPTY) == hashlib.sha256(b"").digest()


@given(entries)
def test_root_equals_the_oracle(log: list[bytes]) -> None:
    assert _root(log) == _oracle(log).get_root()


@given(entries)
def test_appending_one_by_one_equals_building_at_once(log: list[bytes]) -> None:
    frontier = merkle_tree.EMPTY
    for leaf in _leaves(log):
        frontier = merkle_tree.append(frontier, leaf)
    assert frontier == merkle_tree.frontier_of(_leaves(log))
    assert len(frontier.peaks) == len(log).bit_count()


@given(entries, st.data())
def test_every_entry_proves_its_place_as_the_oracle_does(log: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    leaves = _leaves(log)
    proof = merkle_tree.inclusion_proof(index, leaves)
    merkle_tree.verify_inclusion(leaves[index], proof, index=index, size=len(log), expected=_root(log))
    assert sorted(proof) == sorted(_oracle(log).prove_inclusion(index + 1).path[1:]) or len(log) == 1


@given(entries, st.data())
def test_no_other_entry_place_size_or_path_is_proven(log: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(log) - 1))
    leaves, expected = _leaves(log), _root(log)
    proof = merkle_tree.inclusion_proof(index, leaves)
    lies = [
        (merkle_tree.leaf_hash(b"another entry, longer than forty characters"), proof, index, len(log)),
        (leaves[index], (*proof, bytes(32)), index, len(log)),
        (leaves[index], proof, index, index),
    ]
    lies += [(leaves[index], proof[:-1], index, len(log))] if proof else []
    for leaf, path, place, size in lies:
        with pytest.raises(IntegrityError):
            merkle_tree.verify_inclusion(leaf, path, index=place, size=size, expected=expected)


@given(entries, st.data())
def test_a_log_proves_that_it_continues_each_of_its_beginnings(log: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(log)))
    proof = merkle_tree.consistency_proof(old, _leaves(log))
    merkle_tree.verify_consistency(old, _root(log[:old]), len(log), _root(log), proof)


@given(entries, st.data())
def test_a_rewritten_beginning_is_not_continued(log: list[bytes], data: st.DataObject) -> None:
    old = data.draw(st.integers(1, len(log)))
    rewritten = [*log[: old - 1], b"another entry, longer than forty characters"]
    proof = merkle_tree.consistency_proof(old, _leaves(log))
    for path in (proof, proof[:-1], (*proof, bytes(32))):
        with pytest.raises(IntegrityError):
            merkle_tree.verify_consistency(old, _root(rewritten), len(log), _root(log), path)


def test_all_pairs_of_small_logs_are_consistent() -> None:
    leaves = _leaves([bytes([n]) for n in range(33)])
    roots = [merkle_tree.root(merkle_tree.frontier_of(leaves[:n])) for n in range(34)]
    for new in range(1, 34):
        for old in range(1, new + 1):
            proof = merkle_tree.consistency_proof(old, leaves[:new])
            merkle_tree.verify_consistency(old, roots[old], new, roots[new], proof)
    assert all(one != other for one, other in pairwise(roots))
