#!/bin/bash
# Elasticsearch as one node; its settings are made where it may write, with the password in its own store of secrets.
# usage: start.sh | start.sh health | start.sh users
set -euo pipefail

# As the administrator, whose password is on no command line.
ask() { curl --fail --silent --show-error --max-time 5 --output /dev/null --config <(printf 'user = "elastic:%s"\n' "$(</run/secrets/elastic_password)") "$@"; }

case ${1:-} in
  health) ask 'http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=3s' ;;
  users)
    ask --header 'content-type: application/json' --data @<(printf '{"password": "%s"}' "$(</run/secrets/kibana_password)") \
      http://elasticsearch:9200/_security/user/kibana_system/_password
    ;;
  *)
    cp -R /usr/share/elasticsearch/config "$ES_PATH_CONF"
    cat >"$ES_PATH_CONF/elasticsearch.yml" <<'END'
cluster.name: lakehouse
node.name: elasticsearch
discovery.type: single-node
network.host: 0.0.0.0
xpack.security.enabled: true
# Plain inside the internal network of one host.
xpack.security.http.ssl.enabled: false
xpack.security.transport.ssl.enabled: false
xpack.ml.enabled: false
ingest.geoip.downloader.enabled: false
END
    cd /usr/share/elasticsearch
    [ -e "$ES_PATH_CONF/elasticsearch.keystore" ] || bin/elasticsearch-keystore create --silent
    bin/elasticsearch-keystore add --silent --stdin --force bootstrap.password </run/secrets/elastic_password
    exec bin/elasticsearch
    ;;
esac
