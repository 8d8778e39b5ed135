#!/bin/bash
# Kibana; its settings are made where it may write, with its secrets in its own store of them.
set -euo pipefail
mkdir -p "$KBN_PATH_CONF"
cat >"$KBN_PATH_CONF/kibana.yml" <<'END'
server.name: kibana
server.host: 0.0.0.0
elasticsearch.hosts: ["http://elasticsearch:9200"]
elasticsearch.username: kibana_system
xpack.security.secureCookies: true
# It has no way out, so it does not ask for news.
telemetry.optIn: false
telemetry.allowChangingOptInStatus: false
newsfeed.enabled: false
END
cd /usr/share/kibana
bin/kibana-keystore create --silent
bin/kibana-keystore add --stdin --force elasticsearch.password </run/secrets/kibana_password
bin/kibana-keystore add --stdin --force xpack.encryptedSavedObjects.encryptionKey </run/secrets/kibana_key
exec bin/kibana
