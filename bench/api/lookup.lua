-- Requests of a file, one after another and over again: METHOD, path, header, its value and a body, split by tabs, a line each.
-- args: FILE
local requests, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, name, value, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$")
    local head = {}
    if name ~= "" then head[name] = value end
    if body == "" then body = nil end
    requests[#requests + 1] = wrk.format(method, path, head, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency, rates)
  local e = summary.errors
  io.write(string.format('JSON {"requests":%d,"us":%d,"bad":%d,"p50_us":%d,"p99_us":%d,"p999_us":%d,"bytes":%d}\n', summary.requests,
    summary.duration, e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), summary.bytes))
end
