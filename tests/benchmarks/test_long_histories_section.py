"""The table of latencies over the length of the history."""

from benchmarks import long_histories
from recsys_lib.sequence import TopSteps
from recsys_lib.zoo import find


def test_every_form_is_measured_and_all_but_two_search():
    found = long_histories.latencies(120, num_candidates=3, num_requests=2, num_warm=1)
    assert list(found) == list(long_histories.FORMS)
    for times in found.values():
        assert 0 < times["p50"] <= times["p99"]
    whole = set()
    for name, (key, options) in long_histories.FORMS.items():
        model = find(key).build(long_histories.columns_of(120), **options)
        if not any(isinstance(layer, TopSteps) for layer in model.layers):
            whole.add(name)
    # SDIM sums the steps whose signature is the candidate's, and so reads all.
    assert whole == {long_histories.RIVAL, "SDIM"}


def test_a_request_has_a_full_history():
    user, candidates = long_histories.request_of(70, 4)
    assert all(values.shape == (70,) and values.min() > 0 for values in user.values())
    assert all(values.shape == (4,) for values in candidates.values())


def test_the_table_has_a_line_for_each_form(monkeypatch, capsys):
    def measured(module, length):
        times = {name: {"p50": 10.0, "p99": 20.0} for name in long_histories.FORMS}
        times[long_histories.RIVAL] = {"p50": 0.5 * length, "p99": length}
        return {"models": times}

    monkeypatch.setattr(long_histories, "measure", measured)
    long_histories.print_section()
    lines = capsys.readouterr().out.splitlines()
    count = len(long_histories.FORMS)
    rows = lines[3 : 3 + count]  # below an empty line, the title and the lengths
    table = {line[:24].strip(): line[24:].split()[-len(long_histories.LENGTHS) :] for line in rows}
    assert list(table) == list(long_histories.FORMS)
    assert table["TWIN"] == ["10.0"] * len(long_histories.LENGTHS)
    expected = [f"{0.5 * length:.1f}" for length in long_histories.LENGTHS]
    assert table[long_histories.RIVAL] == expected
    ratio = 0.5 * max(long_histories.LENGTHS) / 10.0
    assert lines[-1].split() == [list(long_histories.FORMS)[-1], f"{ratio:.1f}"]
