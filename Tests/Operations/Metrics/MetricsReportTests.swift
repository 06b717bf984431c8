import Control
import Gateway
import Linux
import Operations
import Testing

@Suite("Metrics")
struct MetricsReportTests {
    private func read(_ made: MadeView) throws -> Exposition {
        try Exposition(MetricsReport.text(of: made.view, now: MadeView.now))
    }

    @Test("counters are summed over all workers that ever ran")
    func sums() throws {
        let made = try MadeView()
        for (index, counter) in Counter.allCases.enumerated() where counter != .heartbeat {
            made.set(worker: 0, counter, UInt64(index) * 100)
            made.set(worker: 1, counter, 7)
            made.set(worker: 3, counter, 1)
        }
        let metrics = try read(made)
        let accepted = Double(Counter.connectionsAccepted.rawValue * 100 + 8)
        #expect(metrics.value("gatehouse_client_connections_accepted_total") == accepted)
        let queue = metrics.value("gatehouse_timeouts_total", where: ["timeout": "queue"])
        #expect(queue == Double(Counter.queueTimeouts.rawValue * 100 + 8))
        let open = metrics.values("gatehouse_client_connections_open")
        #expect(open == [Double(Counter.connectionsOpen.rawValue * 100), 7])
    }

    @Test("no counter falls when another data plane takes over: what those before it counted stays")
    func berths() throws {
        var made = try MadeView()
        let layout = SharedState.Layout(workers: 2, pools: 4, servers: 8, berths: 2)
        let state = SharedState(region: try SharedMapping(name: "test", words: layout.words), layout: layout)
        let first = state.index(worker: 1, .heartbeat)
        let last = HandshakeFailureCounter.word(at: HandshakeFailureCounter.names.count - 1)
        for word in 0...last { state.region.store(first + word, 3) }
        func counters(berth: Int) throws -> [Exposition.Sample] {
            made.view.state = state.at(berth: berth)
            let metrics = try read(made)
            return metrics.samples.filter { metrics.types[$0.name] == "counter" }
        }
        let before = try counters(berth: 0)
        let after = try counters(berth: 1)
        #expect(before.contains { $0.name == "gatehouse_http_requests_refused_total" && $0.value == 3 })
        for (old, new) in zip(before, after) { #expect(old == new) }
    }

    @Test("data planes that were replaced are counted")
    func restarts() throws {
        var made = try MadeView()
        #expect(try read(made).value("gatehouse_data_plane_restarts_total") == 0)
        for process in [Int32(7), 8] {
            made.view.restarts.note(.ended(process: process, how: nil, restartInMilliseconds: 0), at: 1)
        }
        #expect(try read(made).value("gatehouse_data_plane_restarts_total") == 2)
    }

    @Test("a resumed handshake is not also a full one")
    func handshakes() throws {
        let made = try MadeView()
        made.set(worker: 0, .handshakes, 10)
        made.set(worker: 1, .handshakesResumed, 4)
        made.set(worker: 1, .handshakesFailed, 2)
        let metrics = try read(made)
        let name = "gatehouse_tls_handshakes_total"
        #expect(metrics.value(name, where: ["result": "full"]) == 6)
        #expect(metrics.value(name, where: ["result": "resumed"]) == 4)
        #expect(metrics.value(name, where: ["result": "failed"]) == 2)
    }

    @Test("the histogram is cumulative, and its count is its last bucket")
    func histogram() throws {
        let made = try MadeView()
        for bucket in 0...PoolCounter.bounds.count {
            made.set(worker: 0, poolWord: PoolCounter.buckets + bucket, UInt64(bucket + 1))
            made.set(worker: 1, poolWord: PoolCounter.buckets + bucket, 10)
        }
        made.set(worker: 0, poolWord: PoolCounter.sum, 2_500_000)
        let metrics = try read(made)
        let name = "gatehouse_pool_request_duration_seconds"
        let buckets = metrics.samples.filter { $0.name == name + "_bucket" }
        let bounds = buckets.compactMap { $0.labels["le"] }
        #expect(
            bounds == [
                "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1", "2.5", "5", "7.5",
                "10",
                "+Inf",
            ]
        )
        var total = 0.0
        for (index, bucket) in buckets.enumerated() {
            total += Double(index + 11)
            #expect(bucket.value == total)
        }
        #expect(metrics.value(name + "_count") == total)
        #expect(metrics.value(name + "_sum") == 2.5)
    }

    @Test("requests of a pool by class, and each server's gauges")
    func poolsAndServers() throws {
        let made = try MadeView()
        made.bringUp()
        made.set(worker: 0, poolWord: 1, 5)
        made.set(worker: 1, poolWord: 1, 6)
        made.set(worker: 1, poolWord: 4, 2)
        made.set(1, .health, SharedState.Health.down.rawValue)
        made.set(2, .ejectedUntil, MadeView.now + 1)
        made.set(0, .weight, 10)
        made.set(0, .inFlight, 3)
        let metrics = try read(made)
        #expect(metrics.value("gatehouse_pool_requests_total", where: ["pool": "web", "class": "2xx"]) == 11)
        #expect(metrics.value("gatehouse_pool_requests_total", where: ["pool": "web", "class": "5xx"]) == 2)
        #expect(metrics.values("gatehouse_server_up") == [1, 0, 1])
        #expect(metrics.values("gatehouse_server_ejected") == [0, 0, 1])
        #expect(metrics.values("gatehouse_server_weight") == [9, 1, 1])
        #expect(metrics.values("gatehouse_server_effective_weight") == [9, 0, 0])
        #expect(metrics.values("gatehouse_server_requests_in_flight") == [3, 0, 0])
    }

    @Test("every kind of glitch has its own series", arguments: 0..<GlitchCounter.names.count)
    func glitches(kind: Int) throws {
        let made = try MadeView()
        let base = made.state.index(worker: 1, .heartbeat)
        made.state.region.store(base + GlitchCounter.seen(kind), 8)
        made.state.region.store(base + GlitchCounter.closures(kind), 3)
        let metrics = try read(made)
        for (index, name) in GlitchCounter.names.enumerated() {
            let label = ["glitch": "\(name)"]
            #expect(metrics.value("gatehouse_http2_glitches_total", where: label) == (index == kind ? 8 : 0))
            #expect(metrics.value("gatehouse_http2_glitch_closes_total", where: label) == (index == kind ? 3 : 0))
        }
    }

    @Test("glitches have room beside the counters and before the pools")
    func room() throws {
        let state = try MadeView().state
        let last = GlitchCounter.closures(GlitchCounter.names.count - 1)
        #expect(GlitchCounter.seen(0) >= Counter.allCases.count)
        #expect(state.index(worker: 0, .heartbeat) + last < state.index(worker: 0, pool: 0))
    }

    @Test("label values are escaped, so that no name forges a series")
    func escaping() throws {
        let name = "we\"b\\\n} 1\ngatehouse_forged 1"
        let metrics = try read(try MadeView(pool: name))
        #expect(metrics.value("gatehouse_pool_queue_length", where: ["pool": name]) == 0)
        #expect(metrics.values("gatehouse_forged").isEmpty)
    }

    @Test("names follow Prometheus' rules")
    func names() throws {
        let made = try MadeView()
        made.set(worker: 0, .heartbeat, MadeView.now - 250)
        let metrics = try read(made)
        for (name, type) in metrics.types {
            #expect(name.hasPrefix("gatehouse_") || name == "process_start_time_seconds")
            #expect((type == "counter") == name.hasSuffix("_total"), "\(name) is a \(type)")
        }
        // The second worker has never turned.
        #expect(metrics.values("gatehouse_worker_heartbeat_age_seconds") == [0.25])
        #expect(metrics.value("process_start_time_seconds") == 1_700_000_000)
        #expect(metrics.value("gatehouse_build_info", where: ["version": "1.2.3"]) == 1)
    }

    @Test("lines that the log's writer lost are counted beside those that the workers dropped")
    func lostLines() throws {
        var made = try MadeView()
        made.set(worker: 1, .logLinesDropped, 4)
        made.view.logLinesLost = { 9 }
        let metrics = try read(made)
        let name = "gatehouse_access_log_lines_dropped_total"
        #expect(metrics.value(name, where: ["reason": "reader-slow"]) == 4)
        #expect(metrics.value(name, where: ["reason": "write-failed"]) == 9)
    }
}
