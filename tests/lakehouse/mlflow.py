"""What MLflow's own client sees of a server. usage: mlflow.py ADDRESS EXPERIMENT
Prints a JSON object: registered model -> its versions by our number, each with the run's parameters, metrics, tags, status and the
SHA-256 of every file, downloaded; and its aliases by our number."""
import hashlib, json, os, sys, tempfile

# This file has the name of the package it uses.
sys.path.pop(0)
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
import mlflow

address, experiment = sys.argv[1:]
mlflow.set_tracking_uri(address)
client = mlflow.MlflowClient()
runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])

seen = {"runs": len(runs), "models": {}}
for model in client.search_registered_models():
    versions, ours = {}, {}
    for version in client.search_model_versions(f"name = '{model.name}'"):
        run = client.get_run(version.run_id)
        files = {}
        with tempfile.TemporaryDirectory() as folder:
            for place, _, names in os.walk(mlflow.artifacts.download_artifacts(artifact_uri=version.source, dst_path=folder)):
                for name in names:
                    path = os.path.join(place, name)
                    files[name] = hashlib.sha256(open(path, "rb").read()).hexdigest()
        number = ours[version.version] = version.tags["lakehouse.version"]
        assert number not in versions, "a version was told twice"
        versions[number] = {
            "params": run.data.params, "metrics": run.data.metrics, "tags": run.data.tags, "status": run.info.status, "files": files,
        }
    aliases = {alias: ours[version] for alias, version in client.get_registered_model(model.name).aliases.items()}
    seen["models"][model.name] = {"versions": versions, "aliases": aliases}
print(json.dumps(seen))
