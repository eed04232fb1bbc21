import "date"

option task = {name: "uptimed hours", every: 1h, offset: 5m}

start = date.truncate(t: -54h, unit: 1h)
stop = date.truncate(t: now(), unit: 1h)

from(bucket: "uptimed_letters")
    |> range(start: start, stop: stop)
    |> filter(fn: (r) => r._measurement == "uptimed_minute")
    |> filter(fn: (r) => r._field != "letter" and r._field != "code")
    |> aggregateWindow(every: 1h, fn: sum, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "uptimed_hour")
    |> to(bucket: "uptimed_letters")
    |> yield(name: "letters")

took = from(bucket: "uptimed_looks")
    |> range(start: start, stop: stop)
    |> filter(fn: (r) => r._measurement == "uptimed_look" and r._field == "took_us")

took
    |> aggregateWindow(every: 1h, fn: mean, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "uptimed_look_hour")
    |> set(key: "_field", value: "took_us_mean")
    |> to(bucket: "uptimed_letters")
    |> yield(name: "mean")

took
    |> aggregateWindow(every: 1h, fn: max, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "uptimed_look_hour")
    |> set(key: "_field", value: "took_us_max")
    |> to(bucket: "uptimed_letters")
    |> yield(name: "max")

took
    |> aggregateWindow(every: 1h, fn: count, timeSrc: "_start", createEmpty: false)
    |> set(key: "_measurement", value: "uptimed_look_hour")
    |> set(key: "_field", value: "looks")
    |> to(bucket: "uptimed_letters")
    |> yield(name: "count")
