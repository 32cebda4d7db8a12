"""Has a BERT model whose weights are kept as bytes multiply bytes, too: python quantise.py FROM TO

As it comes, it makes floats of its weights when it is loaded, four times as many bytes for each text to read. Here, what
comes in is made bytes as well, whenever it comes ("dynamic quantization",
https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html). One step of these is as large as the largest
value needs; a few dimensions have values so large that little would be left of all others. These are made smaller before,
and their weights larger by as much ("SmoothQuant", Xiao and others, 2022). Which ones they are depends on the model, hardly
on the text: texts of random tokens show it.

What says which tokens are none, of texts side by side of different lengths, goes: here every text comes alone.

Weights go to 63, not to 127: processors without instructions for just this (VNNI) add two products in 16 bits, which
larger ones overflow, and would find something else in the same text.
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
WEIGHT_MAX = 63


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
    kept = {constant.name: numpy_helper.to_array(constant) for constant in graph.initializer}
    # One product for all weights that the same values are multiplied with.
    products_of = {}
    for node, weights, scale in found:
        products_of.setdefault(node.input[0], []).append((node.output[0], kept[weights] * kept[scale]))
    replaced = {node.output[0] for node, _, _ in found}
    nodes, new = [], []

    def add(operator, inputs, outputs, **attributes):
        nodes.append(helper.make_node(operator, inputs, outputs, **attributes))

    def constant(name, array):
        new.append(numpy_helper.from_array(array, name))
        return name

    for node in graph.node:
        if node.output[0] not in replaced:
            nodes.append(node)
            continue
        products_here = products_of.pop(node.input[0], None)
        if not products_here:
            continue
        values, outputs = node.input[0], [output for output, _ in products_here]
        floats = np.concatenate([floats for _, floats in products_here], axis=1) * smaller[values][:, None]
        step = np.maximum(np.abs(floats).max(axis=0) / WEIGHT_MAX, np.finfo(np.float32).tiny)
        as_bytes = constant(f"{values}_weights", np.round(floats / step).astype(np.int8))
        small = constant(f"{values}_by", (1 / smaller[values]).astype(np.float32))
        add("Mul", [values, small], [f"{values}_small"])
        add("DynamicQuantizeLinear", [f"{values}_small"], [f"{values}_bytes", f"{values}_step", f"{values}_zero"])
        # As one step, if nothing is left out (`rten` 0.27).
        zero = constant(f"{values}_weights_zero", np.zeros(step.shape, np.int8))
        add("MatMulInteger", [f"{values}_bytes", as_bytes, f"{values}_zero", zero], [f"{values}_whole"])
        add("Cast", [f"{values}_whole"], [f"{values}_float"], to=TensorProto.FLOAT)
        add("Mul", [f"{values}_step", constant(f"{values}_weights_step", step.astype(np.float32))], [f"{values}_scale"])
        product = outputs[0] if len(outputs) == 1 else f"{values}_products"
        add("Mul", [f"{values}_float", f"{values}_scale"], [product])
        if len(outputs) > 1:
            sizes = np.array([floats.shape[1] for _, floats in products_here])
            add("Split", [product, constant(f"{values}_sizes", sizes)], outputs, axis=-1)

    # A product and what is added to it for the tokens that are none.
    made_by = {output: node for node in nodes for output in node.output}
    for node in nodes:
        if node.op_type == "Softmax":
            masked = made_by[node.input[0]]
            if masked.op_type != "Add" or made_by[masked.input[0]].op_type != "MatMul":
                raise ValueError(f"{node.name} is of something else than a product and a mask")
            node.input[0] = masked.input[0]

    # What made floats of the weights, and what was added, from back to front: nobody uses it now.
    wanted = {output.name for output in graph.output}
    needed = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            needed.append(node)
    del graph.node[:]
    graph.node.extend(reversed(needed))
    constants = [known for known in [*graph.initializer, *new] if known.name in wanted]
    del graph.initializer[:]
    graph.initializer.extend(constants)
    onnx.checker.check_model(model)


model = onnx.load(sys.argv[1])
quantise(model)
onnx.save(model, sys.argv[2])
