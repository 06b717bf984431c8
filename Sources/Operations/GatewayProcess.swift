import Control
import Engine
import Gateway
import Glibc
import Linux
import OpenSSL
import Site

/// `gatehouse serve`: the gateway in this process.
package enum GatewayProcess {
    /// Serves until SIGTERM or SIGINT.
    package static func run(path: String, workers: Int?) throws {
        let signals = try Signals([SIGTERM, SIGINT, SIGHUP])
        _ = DescriptorLimit.raise()
        var slots = PlanCompiler.Slots()
        let configuration = try SiteConfiguration.load(path: path, generation: 1, slots: &slots)
        for warning in configuration.warnings { StandardError.write("warning: \(warning)\n") }
        let count = workers ?? configuration.gateway.workers ?? Thread.availableCores
        let layout = SharedState.Layout(workers: count, pools: 64, servers: 512)
        let ringSize = 1 << 20
        let ringWords = LogRing.words(size: ringSize)
        let mapping = try SharedMapping(name: "gatehouse", words: layout.words + count * ringWords)
        let rings = (0..<count).map { LogRing(mapping, first: layout.words + $0 * ringWords, size: ringSize) }
        let state = SharedState(region: mapping, layout: layout)
        let service = GatewayService(workers: count, state: state, rings: rings)
        var sockets: [Int: [Int32]] = [:]
        for (listener, settings) in zip(configuration.plan.listeners, configuration.gateway.listeners) {
            sockets[listener.id] = try bind(settings, workers: count)
        }
        let tickets = try TicketKeys()
        try service.start(
            Publication(
                plan: configuration.plan,
                certificates: configuration.keyring.generations(for: configuration.plan),
                tickets: tickets,
                sockets: sockets
            )
        )
        let writer: AccessLogWriter?
        switch configuration.gateway.accessLog {
        case .off: writer = nil
        case .standardOutput: writer = AccessLogWriter(rings: rings, path: nil)
        case .file(let path): writer = AccessLogWriter(rings: rings, path: path)
        }
        let thread = try writer?.start()
        var view = GatewayView(configuration, state: state, workers: count)
        if let writer { view.logLinesLost = { writer.linesLost } }
        let metrics = try MetricsListener.start(configuration.gateway.metrics, of: CurrentView(view))
        StandardError.write("gatehouse: ready\n")
        while true {
            guard let signal = signals.wait() else { continue }
            if signal == SIGTERM || signal == SIGINT { break }
        }
        service.drain(milliseconds: configuration.gateway.drain.milliseconds)
        while !service.isDrained { Thread.pause(milliseconds: 5) }
        metrics?.stop()
        writer?.stop()
        thread?.join()
    }

    private static func bind(_ listener: ListenerSettings, workers: Int) throws -> [Int32] {
        var addresses: [SocketAddress] = listener.addresses.compactMap { SocketAddress("\($0)", port: listener.port) }
        if addresses.isEmpty {
            addresses = [
                SocketAddress(ipv4: 0, port: listener.port), SocketAddress(high: 0, low: 0, port: listener.port),
            ]
        }
        var sockets: [Int32] = []
        for address in addresses {
            for _ in 0..<workers { sockets.append(try Socket.listen(on: address, backlog: 4096).release()) }
        }
        return sockets
    }
}
