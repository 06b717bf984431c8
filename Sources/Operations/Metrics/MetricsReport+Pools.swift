import Certificates
import Control
import Gateway
import Linux
import OpenSSL

extension MetricsReport {
    internal static func writePools(_ pools: [PoolStanding], _ state: SharedState, to output: inout MetricsText) {
        let answers = "gatehouse_pool_requests_total"
        output.family(.counter, answers, "Requests of a pool by the class of the answer's status.") {
            for pool in pools {
                for status in 0..<PoolCounter.classes {
                    let labels: [MetricsText.Label] = [("pool", pool.plan.name), ("class", "\(status + 1)xx")]
                    $0.sample(answers, labels, total(state, pool, word: status))
                }
            }
        }
        let duration = "gatehouse_pool_request_duration_seconds"
        output.family(.histogram, duration, "Time from a request's first byte to the end of its answer.") {
            for pool in pools {
                $0.histogram(
                    duration,
                    [("pool", pool.plan.name)],
                    bounds: PoolCounter.bounds,
                    counts: (0...PoolCounter.bounds.count).map { total(state, pool, word: PoolCounter.buckets + $0) },
                    sum: total(state, pool, word: PoolCounter.sum)
                )
            }
        }
        let queue = "gatehouse_pool_queue_length"
        output.family(.gauge, queue, "Requests that wait for a server of the pool.") {
            for pool in pools { $0.sample(queue, [("pool", pool.plan.name)], pool.queued) }
        }
    }

    private static func total(_ state: SharedState, _ pool: PoolStanding, word: Int) -> UInt64 {
        state.total(pool: pool.plan.slot, word)
    }

    internal static func writeServers(_ pools: [PoolStanding], to output: inout MetricsText) {
        func family(
            _ kind: MetricsText.Kind,
            _ name: String,
            _ help: String,
            _ value: (ServerStanding) -> Double
        ) {
            output.family(kind, name, help) {
                for pool in pools {
                    for server in pool.servers {
                        let labels: [MetricsText.Label] = [("pool", pool.plan.name), ("server", server.plan.name)]
                        $0.sample(name, labels, value(server))
                    }
                }
            }
        }
        family(.gauge, "gatehouse_server_up", "0 when checks took a server out or its name has no address, else 1.") {
            $0.isDown ? 0 : 1
        }
        family(.gauge, "gatehouse_server_drained", "1 when an operator took the server out, else 0.") {
            $0.isDrained ? 1 : 0
        }
        family(.gauge, "gatehouse_server_ejected", "1 while failed requests keep the server out, else 0.") {
            $0.ejectedFor > 0 ? 1 : 0
        }
        family(.gauge, "gatehouse_server_weight", "The server's weight, of the site file or set by hand.") {
            Double($0.weight)
        }
        family(.gauge, "gatehouse_server_effective_weight", "The weight that requests are shared by now.") {
            $0.effectiveWeight
        }
        family(.gauge, "gatehouse_server_requests_in_flight", "Requests under way on the server.") {
            Double($0.inFlight)
        }
        family(.counter, "gatehouse_server_requests_total", "Requests sent to the server, retries included.") {
            Double($0.requests)
        }
        family(.counter, "gatehouse_server_request_failures_total", "Requests that the server gave no answer to.") {
            Double($0.failures)
        }
        family(.counter, "gatehouse_server_ejections_total", "Times that failed requests took the server out.") {
            Double($0.ejections)
        }
        family(.counter, "gatehouse_server_checks_total", "Health checks of the server.") { Double($0.checks) }
        family(.counter, "gatehouse_server_check_failures_total", "Health checks that failed.") {
            Double($0.checksFailed)
        }
    }

    internal static func writeCertificates(_ view: GatewayView, to output: inout MetricsText) {
        let name = "gatehouse_certificate_not_after_timestamp_seconds"
        let help = "The last second of a certificate's validity, in seconds since 1970; the earliest for each key type."
        output.family(.gauge, name, help) {
            for (certificate, shown) in view.certificates.sorted(by: { $0.key < $1.key }) {
                let ends = Dictionary(shown.map { ($0.key, $0.certificate.validity.upperBound) }, uniquingKeysWith: min)
                for (key, end) in ends.sorted(by: { $0.key < $1.key }) {
                    $0.sample(name, [("certificate", certificate), ("key", key)], Double(end))
                }
            }
        }
        if !view.clientListsEnds.isEmpty {
            let lists = "gatehouse_client_revocation_list_end_timestamp_seconds"
            let help = "When the first list of revoked clients' certificates ends, in seconds since 1970."
            output.family(.gauge, lists, help) {
                for (port, end) in view.clientListsEnds.sorted(by: { $0.key < $1.key }) {
                    $0.sample(lists, [("port", "\(port)")], Double(end))
                }
            }
        }
        writeTrials(view, to: &output)
        if let authority = view.authority { writeAuthority(authority, to: &output) }
        output.single(
            .gauge,
            "gatehouse_certificate_store_warnings",
            "What is wrong with the certificate store, or in the way of the next certificates: how many things.",
            UInt64(view.storeWarnings.count)
        )
        output.single(
            .gauge,
            "gatehouse_certificate_deployment_problems",
            "Programs of `deploy` that failed for the certificate that is there now: how many.",
            UInt64(view.deploymentProblems.count)
        )
        let jump = "gatehouse_clock_jump_seconds"
        let meaning = "How far the machine's clock is ahead of the one that certificates go by; 0 when it is believed."
        output.family(.gauge, jump, meaning) { $0.sample(jump, [], Double(view.clockDoubt?.ahead ?? 0)) }
    }

    private static func writeAuthority(_ authority: InternalCAStanding, to output: inout MetricsText) {
        let ends = "gatehouse_internal_ca_not_after_timestamp_seconds"
        output.family(.gauge, ends, "The last second of the internal CA's own certificates, in seconds since 1970.") {
            $0.sample(ends, [("certificate", "root")], Double(authority.root.validity.upperBound))
            $0.sample(ends, [("certificate", "intermediate")], Double(authority.intermediate.validity.upperBound))
        }
        output.single(
            .gauge,
            "gatehouse_internal_ca_root_key_here",
            "Whether the root's key is on this machine, so that the intermediate is replaced by itself: 1 or 0.",
            authority.hasRootKey ? 1 : 0
        )
    }

    private static func writeTrials(_ view: GatewayView, to output: inout MetricsText) {
        let trials = view.trials.sorted { $0.key < $1.key }
        func family(_ name: String, _ help: String, _ count: (CertificateTrialReport.Counts) -> Int) {
            output.family(.gauge, name, help) {
                for (certificate, trial) in trials {
                    for (shown, counts) in [("new", trial.report.fresh), ("before", trial.report.known)] {
                        $0.sample(name, [("certificate", certificate), ("shown", shown)], UInt64(count(counts)))
                    }
                }
            }
        }
        family("gatehouse_certificate_trial_clients", "Clients of a certificate on trial, and of the one before it.") {
            $0.clients
        }
        family("gatehouse_certificate_trial_refusals", "Those of them that refused it by an alert.") { $0.refusals }
        let ended = "gatehouse_certificate_trials_ended_total"
        output.family(.counter, ended, "Trials of certificates that ended: for all clients, or rolled back.") {
            $0.sample(ended, [("outcome", "promoted")], view.trialsPromoted)
            $0.sample(ended, [("outcome", "rolled-back")], view.trialsRefused)
        }
    }
}
