# shellcheck shell=bash disable=SC2154
# MLflow's tracking server, from the light package and just what the server imports; SQLite for its records, a
# folder for artifacts. The REST API only: the light package has no pages.

mlflow_version=3.17.2

mlflow_packages() {
  python_packages "$1" "mlflow-skinny==$mlflow_version" 'Flask==3.*' 'flask-cors==6.*' 'alembic==1.*' \
    'sqlalchemy==2.*' 'graphene==3.*' 'aiohttp==3.*' 'numpy==2.*' 'pandas>=2,<4'
}

mlflow_install() { install_once "mlflow-$mlflow_version" mlflow_packages; }

mlflow_start() {
  local folder=$dir/mlflow
  choose_ports mlflow http || return 1
  mkdir -p "$folder/artifacts"
  (
    # No report to the outside, no background jobs (they need one more package).
    export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
    export HOME=$folder/work PYTHONWARNINGS=ignore
    spawn mlflow - "$cache/mlflow-$mlflow_version/bin/python" "$cache/mlflow-$mlflow_version/bin/mlflow" server \
      --host 127.0.0.1 --port "$(port mlflow http)" --workers 1 \
      --backend-store-uri "sqlite:///$folder/records.db" --artifacts-destination "$folder/artifacts"
  )
}

mlflow_ready() { http_ok "$(port mlflow http)" /health; }

mlflow_setup() { :; }

mlflow_address() { echo "127.0.0.1:$(port mlflow http)"; }

mlflow_env() {
  line SERVICE_MLFLOW "http://$(mlflow_address)"
  line SERVICE_MLFLOW_PYTHON "$cache/mlflow-$mlflow_version/bin/python"
}
