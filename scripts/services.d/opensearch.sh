# shellcheck shell=bash disable=SC2154
# OpenSearch as one node, put together from its Maven artifacts: the server, the module for HTTP and the one for
# _update_by_query, _delete_by_query and _reindex. Its REST API for documents and search is the one Elasticsearch
# has. 2.x is the last that runs on Java 17. No scripts (painless) and no security plugin: 127.0.0.1 only.

opensearch_version=2.19.1

opensearch_jars() {
  local folder=$1 home=$1/home module
  debian mvn maven || return 1
  cat >"$folder/pom.xml" <<END
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>opensearch-node</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
$(opensearch_dependency org.opensearch opensearch "$opensearch_version")
$(opensearch_dependency org.opensearch opensearch-plugin-classloader "$opensearch_version")
$(opensearch_dependency org.opensearch.plugin transport-netty4-client "$opensearch_version")
$(opensearch_dependency org.opensearch.plugin reindex-client "$opensearch_version")
$(opensearch_dependency org.apache.logging.log4j log4j-core 2.21.0)
  </dependencies>
</project>
END
  quietly mvn -B -f "$folder/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$home/lib" || return 1
  mkdir -p "$home/modules/transport-netty4" "$home/modules/reindex" "$home/plugins"
  mv "$home"/lib/{transport-netty4-client,netty}-*.jar "$home/modules/transport-netty4/" &&
    mv "$home"/lib/{reindex-client,opensearch-rest-client,httpclient,httpcore,httpasyncclient}-*.jar \
      "$home/modules/reindex/" || return 1
  for module in transport-netty4:org.opensearch.transport.Netty4Plugin \
    reindex:org.opensearch.index.reindex.ReindexPlugin; do
    printf '%s\n' "name=${module%%:*}" "description=${module%%:*}" "classname=${module#*:}" \
      "version=$opensearch_version" "opensearch.version=$opensearch_version" java.version=11 \
      extended.plugins= has.native.controller=false >"$home/modules/${module%%:*}/plugin-descriptor.properties"
    printf '%s\n' 'grant {' '  permission java.lang.RuntimePermission "getClassLoader";' \
      '  permission java.lang.RuntimePermission "setContextClassLoader";' \
      '  permission java.net.SocketPermission "*", "accept,connect,resolve";' \
      '  permission java.io.FilePermission "/proc/sys/net/core/somaxconn", "read";' '};' \
      >"$home/modules/${module%%:*}/plugin-security.policy"
  done
}

opensearch_dependency() {
  printf '    <dependency><groupId>%s</groupId><artifactId>%s</artifactId><version>%s</version></dependency>\n' "$@"
}

opensearch_install() {
  debian java openjdk-17-jre-headless && install_once "opensearch-$opensearch_version" opensearch_jars
}

opensearch_start() {
  local folder=$dir/opensearch work=$dir/opensearch/work
  choose_ports opensearch http transport || return 1
  # A copy beside the data: as root, the node runs as nobody, who cannot read root's cache.
  if [ "$(cat "$work/version" 2>/dev/null)" != "$opensearch_version" ]; then
    rm -rf "${work:?}/home" && cp -r "$cache/opensearch-$opensearch_version/home" "$work/home" || return 1
    echo "$opensearch_version" >"$work/version"
  fi
  mkdir -p "$work/config" "$work/data" "$work/logs" "$work/tmp"
  cat >"$work/config/opensearch.yml" <<END
cluster.name: lakehouse-test
node.name: node-1
discovery.type: single-node
network.host: 127.0.0.1
http.port: $(port opensearch http)
transport.port: $(port opensearch transport)
path.data: $work/data
path.logs: $work/logs
cluster.routing.allocation.disk.threshold_enabled: false
END
  cat >"$work/config/log4j2.properties" <<'END'
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %-5p %c{1.}: %m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
END
  if [ "$(id -u)" = 0 ]; then
    chmod 0711 "$folder"
    chown -R nobody: "$work"
    if ! (as_user nobody test -w "$work"); then
      say "the user nobody cannot enter $work: set SERVICES_DIR to a folder that everybody may pass."
      return 1
    fi
  fi
  spawn opensearch nobody "$(readlink -f "$(command -v java)")" -Xms512m -Xmx512m -XX:+UseSerialGC \
    -Djava.security.manager=allow -Djava.io.tmpdir="$work/tmp" -Dfile.encoding=UTF-8 \
    -Dio.netty.noUnsafe=true -Dio.netty.noKeySetOptimization=true \
    -Dlog4j2.disable.jmx=true -Dlog4j.shutdownHookEnabled=false \
    -Dopensearch.path.home="$work/home" -Dopensearch.path.conf="$work/config" -Dopensearch.distribution.type=tar \
    -cp "$work/home/lib/*" org.opensearch.bootstrap.OpenSearch
}

opensearch_ready() { http_ok "$(port opensearch http)" '/_cluster/health?wait_for_status=yellow&timeout=2s'; }

opensearch_setup() { :; }

opensearch_address() { echo "127.0.0.1:$(port opensearch http)"; }

opensearch_env() { line SERVICE_ELASTICSEARCH "http://$(opensearch_address)"; }
