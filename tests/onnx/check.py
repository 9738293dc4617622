"""check.py PRINT_ONNX: has models written by it, and checks them with the onnx package: well-formed, and
the shapes that onnx infers are those that the model space says. Exit status 77: no onnx package."""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import onnx
except ImportError:
    print("the python package onnx is not installed (Debian: python3-onnx)")
    sys.exit(77)


def shape_of(value):
    return [d.dim_value or d.dim_param for d in value.type.tensor_type.shape.dim]


def check(path):
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    said = json.loads(path.with_suffix(".json").read_text())
    nodes = said["summary"]["nodes"]
    # Inference from the inputs alone: what the file says of other tensors is forgotten first.
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    shapes = {v.name: shape_of(v) for v in [*inferred.graph.value_info, *inferred.graph.output]}
    compared = 0
    for name, node in nodes.items():
        shape = shapes.get(name)
        if shape is None:
            raise ValueError(f"{path.name}: no shape was inferred for {name}")
        # Some operators lose the name of the batch axis on the way.
        if shape[1:] != node["shape"]:
            raise ValueError(f"{path.name}: {name} has {shape}, not {node['shape']}")
        compared += 1
    weights = [v for v in model.graph.input if "/_" in v.name]
    trained = [v for v in weights if not v.name.endswith(("/_mean", "/_variance"))]
    total = 0
    for value in trained:
        size = 1
        for n in shape_of(value):
            size *= n
        total += size
    if total != said["summary"]["parameters"]:
        raise ValueError(f"{path.name}: {total} weights, not {said['summary']['parameters']}")
    if {p.key: p.value for p in model.metadata_props} != {"hash": said["summary"]["hash"]}:
        raise ValueError(f"{path.name}: metadata {model.metadata_props}")
    return compared


def main():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.argv[1], directory], check=True)
        files = sorted(pathlib.Path(directory).glob("*.onnx"))
        compared = sum(check(path) for path in files)
    print(f"{len(files)} models, {compared} shapes")
    return 0 if len(files) > 30 and compared > 60 else 1


sys.exit(main())
