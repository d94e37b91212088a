"""Tables of results: finished entries by key, in the order of submission."""

from __future__ import annotations

import pytest

from runlib.state.results import Entry, ResultTable


def ok(loss: float, **more: object) -> Entry:
    return ["ok", {"loss": loss, "suggestion": {"x": loss}, **more}]


def failed(name: str | None = "ValueError") -> Entry:
    return ["error", {"suggestion": {"x": 0}, **({} if name is None else {"error": name})}]


@pytest.fixture
def table() -> ResultTable[int]:
    table: ResultTable[int] = ResultTable()
    for tid, entry in {4: ok(2.0), 0: ok(1.0, refined_suggestion="r0"), 3: failed(), 2: ok(3.0), 1: ok(1.0)}.items():
        table.put(tid, entry)
    return table


def test_it_reads_like_a_dict(table: ResultTable[int]) -> None:
    assert list(table) == [4, 0, 3, 2, 1]
    assert list(table.keys()) == [4, 0, 3, 2, 1]
    assert len(table) == 5
    assert 3 in table
    assert 7 not in table
    assert table[4] == ["ok", {"loss": 2.0, "suggestion": {"x": 2.0}}]
    assert table.get(7) is None
    assert next(iter(table.items())) == (4, ok(2.0))
    assert next(iter(table.values())) == ok(2.0)
    with pytest.raises(KeyError):
        _ = table[7]
    assert dict(table)[3] == failed()


def test_it_is_compared_by_value(table: ResultTable[int]) -> None:
    other: ResultTable[int] = ResultTable()
    for tid in (0, 1, 2, 3, 4):
        other.put(tid, [table[tid][0], dict(table[tid][1])])
    assert other == table
    assert table == dict(table)
    other.put(0, ok(1.5))
    assert other != table
    assert table != {}
    assert table != 7
    with pytest.raises(TypeError, match="unhashable"):
        hash(table)


def test_losses_in_both_orders(table: ResultTable[int]) -> None:
    assert table.losses == [2.0, 1.0, 3.0, 1.0]
    assert table.sorted_losses == [1.0, 1.0, 2.0, 3.0]
    assert table.tids_losses == [(4, 2.0), (0, 1.0), (2, 3.0), (1, 1.0)]
    assert table.sorted_tids_losses == [(0, 1.0), (1, 1.0), (4, 2.0), (2, 3.0)]


def test_of_a_tie_the_one_that_was_submitted_first_comes_first() -> None:
    table: ResultTable[int] = ResultTable()
    for tid in (7, 3, 5):
        table.put(tid, ok(1.0, refined_suggestion=tid))
    assert table.sorted_tids_losses == [(7, 1.0), (3, 1.0), (5, 1.0)]
    assert table.top(2) == [(7, 1.0), (3, 1.0)]
    assert table.top_refined_suggestions(3) == [7, 3, 5]


@pytest.mark.parametrize(("n", "losses"), [(0, []), (1, [1.0]), (3, [1.0, 1.0, 2.0]), (5, [1.0, 1.0, 2.0, 3.0])])
def test_the_best_or_all_if_there_are_fewer(table: ResultTable[int], n: int, losses: list[float]) -> None:
    assert table.top_losses(n) == losses
    assert table.top_suggestions(n) == [{"x": loss} for loss in losses]
    assert len(table.top(n)) == len(losses)


def test_refined_suggestions_are_those_of_the_best_only(table: ResultTable[int]) -> None:
    assert table.top_refined_suggestions(5) == ["r0"]
    table.put(9, ok(0.5))
    assert table.top_refined_suggestions(1) == []


def test_an_empty_table_answers_everything() -> None:
    table: ResultTable[int] = ResultTable()
    assert (table.losses, table.sorted_losses, table.tids_losses, table.sorted_tids_losses) == ([], [], [], [])
    assert (table.top_losses(5), table.top_suggestions(5), table.top_refined_suggestions(5)) == ([], [], [])
    assert (table.count_by_error(), table.where_state("ok"), len(table)) == ({}, {}, 0)
    assert table == {}
    assert repr(table) == "<0 results: 0 ok, 0 errors>"


def test_results_and_outcomes_by_key(table: ResultTable[int]) -> None:
    assert table.get_result(3) == failed()
    assert table.get_outcome(3) == {"suggestion": {"x": 0}, "error": "ValueError"}
    for get in (table.get_result, table.get_outcome):
        with pytest.raises(KeyError):
            get(7)


def test_entries_of_one_state(table: ResultTable[int]) -> None:
    assert list(table.where_state("ok")) == [4, 0, 2, 1]
    assert table.where_state("error") == {3: failed()[1]}


def test_errors_are_counted_by_name(table: ResultTable[int]) -> None:
    table.put(10, failed("TimeoutError"))
    table.put(11, failed())
    table.put(12, failed(None))
    assert table.count_by_error() == {"ValueError": 2, "TimeoutError": 1, "UnknownError": 1}
    assert (table.ok_count, table.error_count) == (4, 4)
    assert repr(table) == "<8 results: 4 ok, 4 errors>"


def test_an_entry_that_is_replaced_counts_once_and_is_the_latest() -> None:
    table: ResultTable[str] = ResultTable()
    table.put("a", failed("TimeoutError"))
    table.put("b", ok(1.0))
    table.put("a", ok(1.0))
    assert (len(table), table.ok_count, table.error_count) == (2, 2, 0)
    assert table.sorted_tids_losses == [("b", 1.0), ("a", 1.0)]
    assert table.count_by_error() == {}
