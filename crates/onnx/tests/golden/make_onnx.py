"""Makes the files beside it: models of three libraries as their exporters write them, and what onnxruntime says of rows.

  pip install numpy scikit-learn skl2onnx lightgbm xgboost onnxmltools onnxruntime
"""
import json, pathlib, warnings

import lightgbm, numpy, onnxruntime, xgboost
from onnxmltools import convert_lightgbm, convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType as ToolsFloat
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
here = pathlib.Path(__file__).parent
columns = ["amount", "credit_limit", "total_debt", "credit_score"]
draw = numpy.random.default_rng(7)

def rows_of(count):
    amount = numpy.exp(draw.normal(3.5, 1.2, count))
    limit = draw.integers(1, 300, count) * 100.0
    debt = numpy.abs(draw.normal(40_000, 30_000, count))
    score = draw.integers(450, 850, count).astype(float)
    return numpy.stack([amount, limit, debt, score], axis=1)

def labels_of(x):
    odds = 0.02 * (x[:, 0] - 60) - x[:, 1] / 20_000 + x[:, 2] / 60_000 - (x[:, 3] - 650) / 100 - 1
    return (draw.random(len(x)) < 1 / (1 + numpy.exp(-odds))).astype(int)

x = rows_of(3_000).astype(numpy.float32)
y = labels_of(x)
absent = x.copy()
absent[draw.random(len(x)) < 0.15, 3] = numpy.nan
kind = [("rows", FloatTensorType([None, 4]))]
tools = [("rows", ToolsFloat([None, 4]))]
skl = lambda model, data: to_onnx(model.fit(data, y), initial_types=kind, options={"zipmap": False}, target_opset={"": 17, "ai.onnx.ml": 3})

models = {
    "sklearn_forest": skl(RandomForestClassifier(12, max_depth=5, random_state=1), x),
    "sklearn_boosting": skl(GradientBoostingClassifier(n_estimators=25, max_depth=3, random_state=1), x),
    "sklearn_logistic": skl(make_pipeline(StandardScaler(), LogisticRegression()), x),
    "lightgbm": convert_lightgbm(
        lightgbm.LGBMClassifier(n_estimators=25, num_leaves=8, verbose=-1, random_state=1).fit(absent, y),
        initial_types=tools, zipmap=False, target_opset=15),
    "xgboost": convert_xgboost(
        xgboost.XGBClassifier(n_estimators=25, max_depth=3, random_state=1).fit(absent, y), initial_types=tools, target_opset=15),
    # Refused: a neural network is neither trees nor a weighted sum.
    "sklearn_network": skl(make_pipeline(StandardScaler(), MLPClassifier((4,), max_iter=20, random_state=1)), x),
}

# Rows as services get them, in double precision; then rows that lie on thresholds of single precision and just beside them.
test = rows_of(900)
thresholds = {column: set() for column in range(4)}
for model in models.values():
    for node in model.graph.node:
        values = {attribute.name: attribute for attribute in node.attribute}
        if "nodes_values" in values:
            for column, value in zip(values["nodes_featureids"].ints, values["nodes_values"].floats):
                thresholds[column].add(numpy.float32(value))
edge = rows_of(300)
for row in range(300):
    for column in range(4):
        at = draw.choice(sorted(thresholds[column]))
        beside = numpy.nextafter(at, numpy.float32(draw.choice([-1e30, 1e30])))
        edge[row, column] = draw.choice([float(at), float(beside), (float(at) + float(beside)) / 2])
test = numpy.concatenate([test, edge])
test[draw.random(len(test)) < 0.1, 3] = numpy.nan

expected = {}
for name, model in models.items():
    (here / f"{name}.onnx").write_bytes(model.SerializeToString())
    session = onnxruntime.InferenceSession(model.SerializeToString())
    outputs = session.run(None, {"rows": test.astype(numpy.float32)})
    expected[name] = [None if numpy.isnan(p) else float(p) for p in outputs[1][:, 1]]
    print(name, [node.op_type for node in model.graph.node], [output.name for output in model.graph.output], min(outputs[1][:, 1]), max(outputs[1][:, 1]))

plain = lambda rows: [[None if numpy.isnan(value) else value for value in row] for row in rows.tolist()]
labels = labels_of(numpy.nan_to_num(test, nan=650.0)).tolist()
(here / "rows.json").write_text(json.dumps({"columns": columns, "rows": plain(test), "labels": labels, "expected": expected}) + "\n")
