extension PoolSettings {
    /// One entry of `pools`.
    static let shape = Shape<PoolSettings>.mapping(
        PoolSettings(name: ""),
        [
            .key("balance", \.balance, .word, "How requests are spread."),
            .key(
                "servers",
                \.servers,
                .list(of: ServerSettings.shape, isEmptyAllowed: false),
                required: true,
                "The app servers of the pool."
            ),
            .key("health", \.health, HealthSettings.shape, "Active checks; none when left out."),
            .key(
                "slow-start",
                \.slowStart,
                .duration(atLeast: .zero),
                "How long a server that came back takes to reach its weight."
            ),
            .key(
                "ejection",
                \.ejection,
                EjectionSettings.shapeOrOff,
                "Leaves out a server that fails requests; off to switch it off."
            ),
            .key("queue", \.queue, QueueSettings.shape, "Where requests wait when no server can take them."),
            .key("retries", \.retries, RetrySettings.shape, "Further tries on other servers."),
            .key("keep-alive", \.keepAlive, KeepAliveSettings.shape, "Idle connections to the app servers."),
        ]
    ).placed(\.position).named(\.name)
}

extension EjectionSettings {
    /// nil stands for `off`.
    fileprivate static let shapeOrOff = Shape<EjectionSettings?>.either(word: .constant("off", nil), mapping: shape)

    private static let shape = Shape<EjectionSettings>.mapping(
        EjectionSettings(),
        [
            .key("failures", \.failures, .integer(1...1_000_000), "So many failures in a row."),
            .key("pause", \.pause, .duration(), "The first pause; it doubles each time."),
            .key("max-pause", \.maxPause, .duration(), "The longest pause."),
        ]
    ).checked { ejection, node, decoding in
        guard ejection.pause > ejection.maxPause, let place = node["max-pause"] ?? node["pause"] else { return }
        decoding.collector.report(
            .conflict,
            at: place.range,
            "`max-pause` (\(ejection.maxPause.siteText)) is shorter than `pause` (\(ejection.pause.siteText))"
        )
    }.map { ejection, _, _ -> EjectionSettings?? in .some(ejection) }
}

extension QueueSettings {
    fileprivate static let shape = Shape<QueueSettings>.mapping(
        QueueSettings(),
        [
            .key("wait", \.wait, .duration(), "The longest wait; then 503."),
            .key("size", \.size, .integer(0...1_000_000), "How many requests may wait; 0 for none."),
        ]
    )
}

extension RetrySettings {
    fileprivate static let shape = Shape<RetrySettings>.mapping(
        RetrySettings(),
        [
            .key("attempts", \.attempts, .integer(1...16), "Tries in all; 1 means no retry."),
            .key("budget", \.budget, .percentage, "Retries as a share of requests."),
        ]
    )
}

extension KeepAliveSettings {
    fileprivate static let shape = Shape<KeepAliveSettings>.mapping(
        KeepAliveSettings(),
        [
            .key("idle", \.idle, .duration(), "How long an idle connection is kept."),
            .key(
                "per-worker",
                \.perWorker,
                .integer(0...65_536),
                "How many are kept for each server by each worker; 0 for none."
            ),
        ]
    )
}

extension Shape where Value == Int {
    /// `20%`, as 20.
    fileprivate static let percentage = Shape.text(
        "a percentage such as 20%",
        pattern: "^[0-9]{1,3}%$",
        describe: { "\($0)%" }
    ) { (text) throws(ValueFault) in
        let (number, unit) = try Quantity.split(text, example: "20%")
        guard unit == "%" else { throw ValueFault("is no percentage", help: "write it like `20%`") }
        guard number <= 100 else { throw ValueFault("is out of range", help: "write 0% to 100%") }
        return number
    }
}
