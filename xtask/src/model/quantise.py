"""Has a BERT model whose weights are kept as bytes multiply bytes, too: python quantise.py FROM TO

As it comes, it makes floats of its weights when it is loaded, four times as many bytes for each text to read. Here, what
comes in is made bytes as well, whenever it comes ("dynamic quantization",
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). One step of these is as large as the largest
value needs; a few dimensions have values so large that little would be left of all others. These are made smaller before,
and their weights larger by as much ("SmoothQuant", Xiao and others, 2022). Which ones they are depends on the model, hardly
on the text: texts of random tokens show it.
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

TEXTS = 8
TOKENS = 64
# The tokens at the beginning and end of a text, and all that are words or parts of words.
BEGIN, END, WORDS = 101, 102, (1_000, 30_522)
# This many times the usual largest value, a dimension may have.
LARGE = 2.0


def products(graph):
    """Each product with weights that are kept as bytes: its node, the names of the bytes and of their scale."""
    constants = {constant.name for constant in graph.initializer}
    made_by = {output: node for node in graph.node for output in node.output}
    for node in graph.node:
        scaled = made_by.get(node.input[1]) if node.op_type == "MatMul" else None
        floats = made_by.get(scaled.input[0]) if scaled and scaled.op_type == "Mul" else None
        if floats and floats.op_type == "Cast" and floats.input[0] in constants:
            yield node, floats.input[0], scaled.input[1]


def largest_values(model, names):
    """Of each dimension of these values, the largest that there was."""
    watched = onnx.ModelProto()
    watched.CopyFrom(model)
    del watched.graph.output[:]
    watched.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    evaluator = ReferenceEvaluator(watched)
    random = np.random.default_rng(1)
    largest = dict.fromkeys(names, 0)
    for _ in range(TEXTS):
        ids = np.array([[BEGIN, *random.integers(*WORDS, TOKENS - 2), END]])
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        for name, values in zip(names, evaluator.run(None, inputs)):
            largest[name] = np.maximum(largest[name], np.abs(values[0]).max(axis=0))
    return largest


def quantise(model):
    graph = model.graph
    found = list(products(graph))
    largest = largest_values(model, list(dict.fromkeys(node.input[0] for node, _, _ in found)))
    smaller = {name: np.maximum(1, values / (LARGE * np.median(values))) for name, values in largest.items()}
    kept = {constant.name: constant for constant in graph.initializer}
    by_output = {node.output[0]: (weights, scale) for node, weights, scale in found}
    nodes, as_bytes, new = [], set(), []

    def add(operator, inputs, outputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, outputs, **attributes))

    for node in graph.node:
        if node.output[0] not in by_output:
            nodes.append(node)
            continue
        (weights, scale), (values, output) = by_output[node.output[0]], (node.input[0], node.output[0])
        if values not in as_bytes:
            as_bytes.add(values)
            new.append(numpy_helper.from_array((1 / smaller[values]).astype(np.float32), f"{values}_by"))
            add("Mul", [values, f"{values}_by"], [f"{values}_small"])
            add("DynamicQuantizeLinear", [f"{values}_small"], [f"{values}_bytes", f"{values}_step", f"{values}_zero"])
        floats = numpy_helper.to_array(kept[weights]) * numpy_helper.to_array(kept[scale]) * smaller[values][:, None]
        step = np.maximum(np.abs(floats).max(axis=0) / 127, np.finfo(np.float32).tiny)
        new.append(numpy_helper.from_array(np.round(floats / step).astype(np.int8), f"{output}_weights"))
        new.append(numpy_helper.from_array(step.astype(np.float32), f"{output}_weights_step"))
        add("MatMulInteger", [f"{values}_bytes", f"{output}_weights", f"{values}_zero"], [f"{output}_whole"])
        add("Cast", [f"{output}_whole"], [f"{output}_float"], to=TensorProto.FLOAT)
        add("Mul", [f"{values}_step", f"{output}_weights_step"], [f"{output}_step"])
        add("Mul", [f"{output}_float", f"{output}_step"], [output])

    # What made floats of the weights, from back to front: nobody uses it now.
    wanted = {output.name for output in graph.output}
    needed = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            needed.append(node)
    del graph.node[:]
    graph.node.extend(reversed(needed))
    constants = [constant for constant in [*graph.initializer, *new] if constant.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(constants)
    onnx.checker.check_model(model)


model = onnx.load(sys.argv[1])
quantise(model)
onnx.save(model, sys.argv[2])
