"""Asks a scoring API by Triton's own client: health, metadata, and tensors as JSON and as raw bytes.

    pip install 'tritonclient[http]'
    python scripts/clients/open_inference.py 127.0.0.1:9997
"""

import json
import sys
import urllib.request

import numpy as np
import tritonclient.http as triton

ROWS = 1000


def main(address):
    client = triton.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("fraud")
    metadata = client.get_model_metadata("fraud")
    version = metadata["versions"][0]
    assert client.is_model_ready("fraud", version) and not client.is_model_ready("fraud", "999999")

    rng = np.random.default_rng(7)
    columns = {
        "amount": rng.uniform(1, 2000, ROWS),
        "credit_limit": rng.uniform(100, 20000, ROWS),
        "per_capita_income": rng.uniform(10000, 60000, ROWS),
        "yearly_income": rng.uniform(10000, 90000, ROWS),
        "total_debt": rng.uniform(0, 90000, ROWS),
        "card_brand": rng.choice(["Visa", "Mastercard", "Amex"], ROWS),
        "card_type": rng.choice(["Credit", "Debit"], ROWS),
        "merchant_state": rng.choice(["CA", "NY", "ONLINE"], ROWS),
        "use_chip": rng.choice(["True", "False"], ROWS),
    }
    answers = []
    for is_binary in (False, True):
        inputs = []
        for name, values in columns.items():
            kind = "FP64" if values.dtype == np.float64 else "BYTES"
            tensor = triton.InferInput(name, [ROWS], kind)
            tensor.set_data_from_numpy(values if kind == "FP64" else values.astype(object), binary_data=is_binary)
            inputs.append(tensor)
        result = client.infer("fraud", inputs, request_id=str(is_binary))
        assert result.get_response()["model_version"] == version
        answers.append(result.as_numpy("fraud_probability"))
    assert answers[0].shape == (ROWS,) and (answers[0] == answers[1]).all()

    for row in range(0, ROWS, 50):
        body = {name: (float(v[row]) if v.dtype == np.float64 else str(v[row])) for name, v in columns.items()}
        request = urllib.request.Request(f"http://{address}/predict?record=false", json.dumps(body).encode(), {"content-type": "application/json"})
        assert json.load(urllib.request.urlopen(request))["fraud_probability"] == answers[0][row]
    try:
        client.infer("fraud", inputs[:3])
        raise SystemExit("a request without required inputs was answered")
    except triton.InferenceServerException as error:
        assert "missing field" in str(error), error
    print(f"{2 * ROWS} transactions by tritonclient, as JSON and as bytes, equal to /predict")


main(sys.argv[1])
