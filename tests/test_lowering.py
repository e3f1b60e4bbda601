"""The program of the shipped study lowers for a CUDA device: no device is needed for that."""

import re

from user_models import program

from engine.config import load_study


def test_the_rustbelt_lowers_for_cuda_in_single_precision_and_never_calls_the_host():
    made = program(load_study("rustbelt"))
    exported = made.lowered_for("cuda")
    assert exported.platforms == ("cuda",)
    text = exported.mlir_module()
    assert "f32" in text and not re.search(r"\bf64\b|xf64>", text)
    assert not re.search(r"callback|infeed|outfeed|send|recv", text)
    # only what XLA does itself: a call into a library of one platform would not be the same everywhere
    assert set(re.findall(r"custom_call @(\w+)", text)) <= {
        "Sharding",
        "SPMDFullToShardShape",
        "SPMDShardToFullShape",
    }
    assert made.traces == 1
