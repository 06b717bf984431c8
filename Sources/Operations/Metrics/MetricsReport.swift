import Gateway
import Linux

/// All metrics of the gateway at one moment. Reads shared words alone: no worker notices.
package enum MetricsReport {
    /// - Parameter now: milliseconds, monotonic, as workers write their heartbeats.
    /// - Returns: the text exposition format 0.0.4.
    package static func text(of view: GatewayView, now: UInt64 = Clock.monotonicNanoseconds / 1_000_000) -> String {
        var output = MetricsText()
        writeProcess(view, now: now, to: &output)
        writeClients(view.state, to: &output)
        writeRequests(view, to: &output)
        writeHTTP2(view.state, to: &output)
        let pools = view.plan.pools.map { PoolStanding($0, in: view.state, now: now, nameProblems: view.nameProblems) }
        writePools(pools, view.state, to: &output)
        writeServers(pools, to: &output)
        writeCertificates(view, to: &output)
        return output.text
    }

    private static func writeProcess(_ view: GatewayView, now: UInt64, to output: inout MetricsText) {
        output.family(.gauge, "gatehouse_build_info", "Always 1; the label says which version runs.") {
            $0.sample("gatehouse_build_info", [("version", view.version)], UInt64(1))
        }
        let started = "process_start_time_seconds"
        output.family(.gauge, started, "When the gateway was started, in seconds since 1970.") {
            $0.sample(started, [], Double(view.started) / 1_000_000)
        }
        output.single(
            .gauge,
            "gatehouse_plan_generation",
            "The number of the configuration in force; it rises with each reload.",
            view.plan.generation
        )
        output.single(
            .counter,
            "gatehouse_data_plane_restarts_total",
            "Data planes that ended or were stuck, and were replaced.",
            view.restarts.count
        )
        let state = view.state
        let age = "gatehouse_worker_heartbeat_age_seconds"
        output.family(.gauge, age, "Time since a worker came back to its loop; idle ones do so each second.") {
            for worker in 0..<view.workers {
                let beat = state.region.load(state.index(worker: worker, .heartbeat))
                guard beat > 0 else { continue }
                $0.sample(age, [("worker", "\(worker)")], Double(now > beat ? now - beat : 0) / 1000)
            }
        }
        let open = "gatehouse_client_connections_open"
        output.family(.gauge, open, "Connections of clients that are open.") {
            for worker in 0..<view.workers {
                let count = state.region.load(state.index(worker: worker, .connectionsOpen))
                $0.sample(open, [("worker", "\(worker)")], count)
            }
        }
        output.single(
            .counter,
            "gatehouse_publications_failed_total",
            "Configurations that a worker could not take over.",
            state.total(.publicationsFailed)
        )
        output.single(
            .counter,
            "gatehouse_buffers_allocated_total",
            "Buffers that workers had to make because their pools were empty.",
            state.total(.buffersMade)
        )
        let buffers = "gatehouse_buffers"
        output.family(.gauge, buffers, "Buffers of the workers: in use, and kept for the next request.") {
            $0.sample(buffers, [("state", "in-use")], state.total(.buffersLent))
            $0.sample(buffers, [("state", "free")], state.total(.buffersKept))
        }
        output.single(
            .gauge,
            "gatehouse_http2_streams_open",
            "Requests under way on HTTP/2 connections.",
            state.total(.http2StreamsOpen)
        )
    }

    private static func writeClients(_ state: SharedState, to output: inout MetricsText) {
        output.single(
            .counter,
            "gatehouse_client_connections_accepted_total",
            "Connections taken from clients, refused ones included.",
            state.total(.connectionsAccepted)
        )
        let refused = "gatehouse_client_connections_refused_total"
        output.family(.counter, refused, "Connections closed at once, by the limit that they met.") {
            $0.sample(refused, [("reason", "connections")], state.total(.connectionsOverLimit))
            $0.sample(refused, [("reason", "connections-per-address")], state.total(.connectionsOverAddressLimit))
            $0.sample(refused, [("reason", "no-tls")], state.total(.connectionsWithoutTLS))
        }
        let handshakes = "gatehouse_tls_handshakes_total"
        let done = state.total(.handshakes)
        let resumed = min(done, state.total(.handshakesResumed))
        output.family(.counter, handshakes, "TLS handshakes with clients by what they came to.") {
            $0.sample(handshakes, [("result", "full")], done - resumed)
            $0.sample(handshakes, [("result", "resumed")], resumed)
            $0.sample(handshakes, [("result", "failed")], state.total(.handshakesFailed))
        }
        let failures = "gatehouse_tls_handshake_failures_total"
        output.family(.counter, failures, "TLS handshakes that failed, by the reason.") {
            for (index, reason) in HandshakeFailureCounter.names.enumerated() {
                $0.sample(failures, [("reason", reason)], state.total(offset: HandshakeFailureCounter.word(at: index)))
            }
        }
        output.single(
            .counter,
            "gatehouse_client_received_bytes_total",
            "Bytes of requests, without TLS.",
            state.total(.bytesFromClients)
        )
        output.single(
            .counter,
            "gatehouse_client_sent_bytes_total",
            "Bytes sent to clients, with TLS.",
            state.total(.bytesToClients)
        )
    }

    private static func writeRequests(_ view: GatewayView, to output: inout MetricsText) {
        let state = view.state
        let requests = "gatehouse_http_requests_total"
        output.family(.counter, requests, "Requests that have ended, by the protocol of the client.") {
            $0.sample(requests, [("protocol", "HTTP/1.0")], state.total(.requestsHTTP10))
            $0.sample(requests, [("protocol", "HTTP/1.1")], state.total(.requestsHTTP11))
            $0.sample(requests, [("protocol", "HTTP/2")], state.total(.requestsHTTP2))
        }
        let counters: [(name: String, help: String, counter: Counter)] = [
            ("http_own_answers", "Answers that the gateway gave by itself, error pages and redirects.", .answersOwn),
            ("http_request_retries", "Requests sent to another server after one failed.", .retries),
            ("http_request_retries_denied", "Retries that the budget of the pool did not allow.", .retriesDenied),
            ("http_requests_queued", "Requests that had to wait for a server.", .queued),
            ("upstream_connections_made", "Connections made to servers.", .serverConnectionsMade),
            (
                "upstream_connections_reused", "Requests sent on a connection kept from before.",
                .serverConnectionsReused
            ),
            ("upstream_connections_failed", "Connections to servers that could not be made.", .serverConnectionsFailed),
            ("upstream_received_bytes", "Bytes of answers from servers, heads included.", .bytesFromServers),
            ("upstream_sent_bytes", "Bytes of requests to servers, heads included.", .bytesToServers),
            ("tunnels_opened", "Connections that became tunnels, such as WebSockets.", .tunnelsOpened),
        ]
        for entry in counters {
            output.single(.counter, "gatehouse_\(entry.name)_total", entry.help, state.total(entry.counter))
        }
        output.single(.gauge, "gatehouse_tunnels_open", "Tunnels that are open.", state.total(.tunnelsOpen))
        writeRefusals(state, to: &output)
        writeTimeouts(state, to: &output)
        let dropped = "gatehouse_access_log_lines_dropped_total"
        output.family(.counter, dropped, "Lines missing from the access log, by the reason.") {
            $0.sample(dropped, [("reason", "reader-slow")], state.total(.logLinesDropped))
            $0.sample(dropped, [("reason", "write-failed")], view.logLinesLost())
        }
    }

    private static func writeRefusals(_ state: SharedState, to output: inout MetricsText) {
        let refused = "gatehouse_http_requests_refused_total"
        output.family(.counter, refused, "Requests refused because they break a rule of HTTP or a limit.") {
            for (index, reason) in RefusalCounter.names.enumerated() {
                $0.sample(refused, [("reason", reason)], state.total(offset: RefusalCounter.word(at: index)))
            }
        }
    }

    private static func writeTimeouts(_ state: SharedState, to output: inout MetricsText) {
        let timeouts = "gatehouse_timeouts_total"
        output.family(.counter, timeouts, "Time-outs that fell due, by the name they have in the site file.") {
            for (name, counter) in Self.timeouts { $0.sample(timeouts, [("timeout", name)], state.total(counter)) }
        }
    }

    private static let timeouts: [(String, Counter)] = [
        ("client", .timeoutsClient), ("client-hs", .timeoutsClientHandshake), ("http-request", .timeoutsHTTPRequest),
        ("http-keep-alive", .timeoutsHTTPKeepAlive), ("queue", .queueTimeouts), ("connect", .timeoutsConnect),
        ("server", .timeoutsServer), ("server-fin", .timeoutsServerFin), ("client-fin", .timeoutsClientFin),
        ("tunnel", .timeoutsTunnel), ("check", .timeoutsCheck),
    ]
}
