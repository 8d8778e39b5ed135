graph [
  multigraph 1
  name "square"
  node [
    id 0
    label "a"
    lat 47.378
    lon 8.54
  ]
  node [
    id 1
    label "b"
    lat 46.948
    lon 7.4474
  ]
  node [
    id 2
    label "c"
    lat 46.2044
    lon 6.1432
    kind "CORE"
  ]
  node [
    id 3
    label "d"
  ]
  edge [
    source 0
    target 1
    key 0
    capacity 1000.5
    latency 1.25
  ]
  edge [
    source 0
    target 1
    key 1
    capacity 400.0
  ]
  edge [
    source 0
    target 3
    key 0
    latency 2.5
    utilisation 0.25
  ]
  edge [
    source 1
    target 2
    key 0
    distance 130.0
  ]
  edge [
    source 2
    target 3
    key 0
  ]
  edge [
    source 3
    target 3
    key 0
    latency 9.0
  ]
]
