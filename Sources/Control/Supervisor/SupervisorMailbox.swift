import Linux
import Synchronization

/// Where other threads leave what the supervisor's thread shall do.
internal final class SupervisorMailbox: Sendable {
    enum Command: Sendable {
        case start(OutgoingConfiguration)
        case publish(OutgoingConfiguration)
        case change(OutgoingChange)
        /// How the certificates of a name are in use.
        case uses(String)
        /// What has become of the certificates that are on trial.
        case trials
        case stop(Int)
        /// Ends a drain at once.
        case cut
        case handOver
    }

    enum Answer: Sendable {
        case done
        /// Since when, in monotonic nanoseconds.
        case published(at: UInt64)
        case failed(SupervisorError)
        case handedOver(StandingDataPlane)
        case uses([CertificateUseReport])
        case trials([CertificateTrialReport])
    }

    /// A command and the place for its answer, which is given once.
    final class Request: Sendable {
        let command: Command
        private let answer = Mutex<Answer?>(nil)
        private let arrived: EventFD

        init(_ command: Command) throws(SystemError) {
            self.command = command
            arrived = try EventFD()
        }

        func give(_ value: Answer) {
            answer.withLock { if $0 == nil { $0 = value } }
            arrived.signal()
        }

        /// - Parameter other: a descriptor that ends the wait by becoming readable.
        func wait(milliseconds: Int, or other: Int32? = nil) -> Answer? {
            _ = Readiness.wait([arrived.raw] + (other.map { [$0] } ?? []), milliseconds: Int32(clamping: milliseconds))
            return answer.withLock { $0 }
        }
    }

    private let waiting = Mutex<[Request]?>([])
    private let wake: EventFD

    /// Readable when something waits.
    var raw: Int32 { wake.raw }

    init() throws(SystemError) { wake = try EventFD() }

    /// - Returns: false when the supervisor has ended.
    func post(_ request: Request) -> Bool {
        let isOpen = waiting.withLock { list in
            list?.append(request)
            return list != nil
        }
        wake.signal()
        return isOpen
    }

    func take() -> [Request] {
        wake.clear()
        return waiting.withLock { list in
            defer { if list != nil { list = [] } }
            return list ?? []
        }
    }

    /// Takes nothing more; what waits is answered.
    func close() {
        let rest = waiting.withLock { list in
            defer { list = nil }
            return list ?? []
        }
        for request in rest { request.give(.failed(.stopped)) }
    }
}
