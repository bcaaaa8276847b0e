"""The head of a generated module: the whole network, cells written out."""

from __future__ import annotations

import re

import pytest

import rnnc
from rnnc.places import specs_folder


@pytest.mark.parametrize(
    "name", ["elman", "encoder_decoder", "bidirectional_shared", "rnn2d", "echo_state", "bengio_lm"]
)
def test_the_head_names_everything(name: str) -> None:
    module = rnnc.compile_file(specs_folder() / f"{name}.rnn")
    assert module.__doc__ is not None
    said = dict(re.findall(r"^ +(?:input|target|param|fixed|unit|gate|output) ([\w.]+)(.*)$", module.__doc__, re.M))
    assert set(said) == {*module.PARAMETERS, *module.INPUTS, *module.TARGETS, *module.UNITS}
    for key, record in module.PARAMETERS.items():
        shape = record["shape"].removesuffix(",)").removeprefix("(" if record["shape"].endswith(",)") else "")
        assert said[key].startswith(f" : {shape} = "), key
    assert len(re.findall(r"^ +loss ", module.__doc__, re.M)) == module.SPEC.count("\n  loss ")


def test_a_cell_is_written_out() -> None:
    module = rnnc.compile_file(specs_folder() / "gru.rnn")
    expected = "gate h.z[n] : H = sigmoid(h.z.W_x @ x[n] + h.z.W_y @ h[n-1] + h.z.b)  # gru as h"
    assert expected in (module.__doc__ or "")


def test_a_long_equation_is_cut() -> None:
    module = rnnc.compile_text(
        "network a { axis n input x[n] : 2 output y[n] : 2 = " + " + ".join(f"{k} * x[n]" for k in range(99)) + " }"
    )
    assert max(map(len, (module.__doc__ or "").splitlines())) == 164
